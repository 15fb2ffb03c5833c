//! CloudEvents in headers: the first line is the value of `ce-subject`, the rest the body.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (subject, body) = input.split_once('\n').unwrap_or((input, ""));
    let required = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")];
    let headers: Vec<_> = required.into_iter().chain([("ce-subject", subject)]).collect();
    andon_fuzz::decode_document("decoder = \"cloudevents\"", "application/json", &headers, body.as_bytes());
});
