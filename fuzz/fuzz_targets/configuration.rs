//! Documents of sources and destinations.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| andon_fuzz::configure(text));
