//! Structured CloudEvents.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    andon_fuzz::decode_document("decoder = \"cloudevents\"", "application/cloudevents+json", &[], body);
});
