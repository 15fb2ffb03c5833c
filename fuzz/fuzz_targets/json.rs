//! JSON bodies mapped by pointers.
#![no_main]

use libfuzzer_sys::fuzz_target;

const SOURCE: &str = "decoder = \"json\"
decode = { type = { pointer = \"/k\" }, subject = { pointer = \"/a/0\" }, time = { pointer = \"/t\" }, time_unit = \"ms\" }";

fuzz_target!(|body: &[u8]| {
    andon_fuzz::decode_document(SOURCE, "", &[], body);
});
