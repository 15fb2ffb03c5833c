//! Results of image inspections, pushed with the picture's name.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    andon_fuzz::decode_records("decoder = \"lookout-vision\"\ndecode = { path = \"{equipment}\" }", body);
});
