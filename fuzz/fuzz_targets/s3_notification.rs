//! Notifications of S3 in all envelopes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    andon_fuzz::decode("decoder = \"cloudevents\"\nbucket = { url = \"s3://b\" }", "application/json", &[], body);
});
