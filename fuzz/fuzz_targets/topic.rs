//! Topics and filters: `<filter> newline <topic>`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| andon_fuzz::topic(input));
