//! Packed payloads: whatever follows the first two bytes, unpacking ends.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let packed = [&[0x1f, 0x8b][..], body].concat();
    andon_fuzz::decode("decoder = \"json\"\ndecode = { type = \"t\", lines = true }", "", &[], &packed);
});
