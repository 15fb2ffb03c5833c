//! Bodies of the events-to-business-actions framework.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    andon_fuzz::decode_document("decoder = \"framework\"", "application/json", &[], body);
});
