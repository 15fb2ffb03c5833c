//! Monitron records of both schemas, however they are joined.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    andon_fuzz::decode_records(
        "decoder = \"monitron\"\ndecode = { states = [\"ALARM\", \"NEEDS_MAINTENANCE\"] }",
        body,
    );
});
