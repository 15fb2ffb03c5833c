//! Packets of MQTT.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| andon_fuzz::packets(input));
