//! Policies of devices.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| andon_fuzz::policy(input));
