//! Decision tables.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| andon_fuzz::decide(input));
