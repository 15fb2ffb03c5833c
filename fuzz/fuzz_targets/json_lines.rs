//! JSON Lines mapped by pointers.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    andon_fuzz::decode("decoder = \"json\"\ndecode = { type = \"t\", data = \"/d\", lines = true }", "", &[], body);
});
