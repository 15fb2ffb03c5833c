//! Envelopes of EventBridge in messages of queues and topics.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    andon_fuzz::decode_records("decoder = \"eventbridge\"", body);
});
