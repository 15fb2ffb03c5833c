//! Envelopes of EventBridge around something that another decoder reads.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    andon_fuzz::decode_records("decoder = \"eventbridge\"\ndecode = { inner = \"sitewise-alarm\" }", body);
});
