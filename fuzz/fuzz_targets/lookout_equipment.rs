//! Inference results; every line counts, since normal lines are events here too.
#![no_main]

use libfuzzer_sys::fuzz_target;

const SOURCE: &str = "decoder = \"lookout-equipment\"
decode = { equipment = \"x {component}\", include_normal = true }";

fuzz_target!(|body: &[u8]| {
    let decoded = andon_fuzz::decode(SOURCE, "", &[], body);
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let empty = text.iter().all(u8::is_ascii_whitespace);
    assert_eq!(decoded.events.is_empty() && decoded.faults.is_empty(), empty);
});
