//! Batches of CloudEvents.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let decoded = andon_fuzz::decode("decoder = \"cloudevents\"", "application/cloudevents-batch+json", &[], body);
    if let Ok(elements) = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(body)
        && elements.len() <= andon_connectors::decode::MAX_BATCH_EVENTS
    {
        assert_eq!(decoded.events.len() + decoded.faults.len(), elements.len());
    }
});
