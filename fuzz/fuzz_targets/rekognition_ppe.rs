//! Results about people and their equipment, pushed with the picture's name.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    andon_fuzz::decode_records("decoder = \"rekognition-ppe\"\ndecode = { path = \"{camera}\" }", body);
});
