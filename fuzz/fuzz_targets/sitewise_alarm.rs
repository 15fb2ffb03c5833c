//! Alarm states inside texts inside notifications.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    andon_fuzz::decode_records("decoder = \"sitewise-alarm\"", body);
});
