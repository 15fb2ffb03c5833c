//! Whatever the bytes, no decoder panics, and every byte is in an event, in a fault, or passed over by rule.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::ops::Range;
use std::sync::Arc;

use andon_connectors::SourceSpec;
use andon_connectors::decode::{MAX_FAULTS, PartDecoder, Position};
use andon_journal::{Decoded, Delivery};
use andon_model::Name;
use bytes::Bytes;
use proptest::prelude::*;

fn spec(toml: &str) -> SourceSpec {
    SourceSpec::parse(&Name::new("sample").expect("name"), toml).expect("valid source")
}

fn decoder(toml: &str) -> Arc<dyn PartDecoder> {
    spec(toml).decoder()
}

const LOOKOUT: &str =
    "decoder = \"lookout-equipment\"\ndecode = { equipment = \"{component}\", include_normal = true }";
const JSON_LINES: &str = "decoder = \"json\"\ndecode = { type = \"t\", id = { pointer = \"/a/0\" }, lines = true }";
const JSON: &str = "decoder = \"json\"\ndecode = { type = { pointer = \"/k\" }, subject = { pointer = \"/a/0\" } }";

const LOOKOUT_SAMPLE: &str = concat!(
    r#"{"timestamp":"2026-01-09T06:10:00.000000","prediction":1,"anomaly_score":0.8,"diagnostics":[{"name":"a\\b","value":1}]}"#,
    "\r\n\n",
    r#"{"timestamp":"2026-01-09T06:11:00","prediction":0,"prediction_reason":"MACHINE_OFF"}"#,
    "\n",
);
const EVENT_SAMPLE: &str =
    r#"{"specversion":"1.0","id":"7","source":"/p","type":"t","time":"2026-01-09T06:10:00Z","x":1,"data":{"a":["ü"]}}"#;
const BATCH_SAMPLE: &str =
    r#"[{"specversion":"1.0","id":"7","source":"/p","type":"t"}, {"specversion":"1.0","id":"8"}]"#;
const FRAMEWORK_SAMPLE: &str =
    r#"{"data":{"SourceSystem":"Line 4","DeviceLocation":"Hall","DeviceType":1,"eventData":{"v":[1]}}}"#;
const JSON_SAMPLE: &str = "{\"k\":\"kind\",\"a\":[1,2]}\n{\"k\":null,\"a\":[]}\n";
const S3_SAMPLE: &str = r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"in/a+%C3%BC","sequencer":"0A"}}}]}"#;

const MONITRON: &str = "decoder = \"monitron\"\ndecode = { states = [\"ALARM\"] }";
const SITEWISE: &str = "decoder = \"sitewise-alarm\"";
const PPE: &str = "decoder = \"rekognition-ppe\"\ndecode = { path = \"{camera}\", required = [\"HEAD_COVER\"] }";
const VISION: &str = "decoder = \"lookout-vision\"\ndecode = { path = \"{equipment}\" }";
const EVENTBRIDGE: &str = "decoder = \"eventbridge\"";
const EVENTBRIDGE_INNER: &str = "decoder = \"eventbridge\"\ndecode = { inner = \"monitron\" }";

const MONITRON_SAMPLE: &str = concat!(
    r#"{"timestamp":"2026-01-09 06:10:00.5","eventId":7,"assetDisplayName":"M","assetState":{"newState":"ALARM","previousState":"OK"}}"#,
    r#"{"timestamp":"2026-01-09T06:10:00Z","eventId":"8","eventType":"assetStateTransition","eventPayload":{"assetName":"M","assetState":{"newState":"ALARM"}}}"#,
    "\n",
    r#"{"eventType":"measurement"}"#,
);
const SITEWISE_SAMPLE: &str = r#"{"payload":{"assetId":"a","propertyId":"p","values":[{"timestamp":{"timeInSeconds":5},"value":{"stringValue":"{\"stateName\":\"Active\"}"}},{"quality":"BAD"}]}}"#;
const PPE_SAMPLE: &str = r#"{"Image":{"S3Object":{"Name":"cam"}},"Persons":[{"Id":0,"Confidence":99,"BodyParts":[{"Name":"HEAD","Confidence":99,"EquipmentDetections":[]}]}]}"#;
const VISION_SAMPLE: &str = r#"{"Image":{"S3Object":{"Name":"cam"}},"DetectAnomalyResult":{"IsAnomalous":true,"Confidence":0.9,"Anomalies":[{"Name":"x","PixelAnomaly":{"TotalPercentageArea":0.1}}]}}"#;
const EVENTBRIDGE_SAMPLE: &str = r#"{"Messages":[{"Body":"{\"id\":\"e\",\"source\":\"s\",\"detail-type\":\"t\",\"detail\":{\"eventType\":\"x\"}}"}]}"#;

/// The decoders of records, each with a payload that it reads.
const OF_RECORDS: &[(&str, &str)] = &[
    (MONITRON, MONITRON_SAMPLE),
    (SITEWISE, SITEWISE_SAMPLE),
    (PPE, PPE_SAMPLE),
    (VISION, VISION_SAMPLE),
    (EVENTBRIDGE, EVENTBRIDGE_SAMPLE),
    (EVENTBRIDGE_INNER, EVENTBRIDGE_SAMPLE),
];

/// A change of a payload: at a place (as a share of its length), so many bytes go and these come.
type Edit = (f64, usize, Vec<u8>);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..4),
        proptest::sample::select(vec![
            &b"\n"[..],
            b"{",
            b"}",
            b"[",
            b"]",
            b"\"",
            b"\\",
            b"null",
            b"1e999",
            b"\xEF\xBB\xBF",
            b","
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    proptest::collection::vec((0.0..1.0, 0_usize..20, bytes), 0..4)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place in a short text"
)]
fn edited(sample: &str, edits: Vec<Edit>) -> Bytes {
    let mut bytes = sample.as_bytes().to_vec();
    for (share, gone, come) in edits {
        let at = (share * bytes.len() as f64) as usize;
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, come);
    }
    bytes.into()
}

fn delivery(content_type: &str, body: &Bytes) -> Delivery {
    Delivery { content_type: Some(content_type.into()), body: body.clone(), ..Delivery::default() }
}

/// Where a fault's bytes lie in the payload.
fn range(body: &Bytes, part: &Bytes) -> Range<usize> {
    let start = (part.as_ptr() as usize).wrapping_sub(body.as_ptr() as usize);
    start..start.wrapping_add(part.len())
}

/// Lines with text in a part of the payload; the mark at the payload's very start is no text.
fn lines_with_text(body: &Bytes, part: Range<usize>) -> usize {
    let mark = if body.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let text = &body[part.start.max(mark).min(part.end)..part.end];
    text.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()).count()
}

/// Every line with text is an event or lies in a fault.
fn lines_are_accounted(body: &Bytes, decoded: &Decoded) {
    assert!(decoded.faults.len() <= MAX_FAULTS + 1);
    let in_faults: usize = decoded.faults.iter().map(|(_, raw)| lines_with_text(body, range(body, raw))).sum();
    assert_eq!(
        decoded.events.len() + in_faults,
        lines_with_text(body, 0..body.len()),
        "{:?}",
        String::from_utf8_lossy(body)
    );
}

/// One event, or the whole payload as a fault.
fn document_is_accounted(body: &Bytes, decoded: &Decoded) {
    match (decoded.events.len(), decoded.faults.as_slice()) {
        (1, []) => {}
        (0, [(problem, raw)]) => assert!(raw == body && problem.place.is_some()),
        other => panic!("neither event nor fault: {other:?}"),
    }
}

/// Decoding in parts gives what decoding at once gives.
fn parts_agree(decoder: &dyn PartDecoder, delivery: &Delivery, whole: &Decoded) {
    let (mut at, mut events, mut faults) = (Some(Position::default()), Vec::new(), 0);
    while let Some(from) = at {
        let part = decoder.decode_part(delivery, from, 1);
        events.extend(part.decoded.events);
        faults += part.decoded.faults.len();
        at = part.next;
    }
    assert_eq!((&events, faults), (&whole.events, whole.faults.len()));
}

fn check_lines(toml: &str, body: &Bytes) {
    let (reader, delivery) = (decoder(toml), delivery("", body));
    let decoded = reader.decode(&delivery);
    lines_are_accounted(body, &decoded);
    parts_agree(reader.as_ref(), &delivery, &decoded);
}

/// Every record is an event, in a fault, or passed over; the same bytes give the same; parts give the whole.
fn check_records(toml: &str, body: &Bytes) {
    let (reader, delivery) = (decoder(toml), delivery("application/json", body));
    let decoded = reader.decode(&delivery);
    let again = reader.decode(&delivery);
    assert_eq!((&decoded.events, &decoded.faults), (&again.events, &again.faults));
    assert!(
        decoded.faults.len() <= MAX_FAULTS + 1 && decoded.faults.iter().all(|(problem, _)| problem.place.is_some())
    );
    let values = serde_json::Deserializer::from_slice(body).into_iter::<serde_json::Value>();
    let records = values.map_while(Result::ok).count();
    let told = decoded.events.len() + decoded.faults.len() + decoded.passed;
    assert!(told >= records, "{told} of {records} records: {:?}", String::from_utf8_lossy(body));
    parts_agree(reader.as_ref(), &delivery, &decoded);
}

fn check_document(toml: &str, content_type: &str, body: &Bytes) {
    document_is_accounted(body, &decoder(toml).decode(&delivery(content_type, body)));
}

fn check_batch(body: &Bytes) {
    let (reader, delivery) =
        (decoder("decoder = \"cloudevents\""), delivery("application/cloudevents-batch+json", body));
    let decoded = reader.decode(&delivery);
    match serde_json::from_slice::<Vec<Box<serde_json::value::RawValue>>>(body) {
        Ok(elements) => assert_eq!(decoded.events.len() + decoded.faults.len(), elements.len()),
        Err(_) => assert!(decoded.events.is_empty() || body.starts_with(b"\xEF\xBB\xBF")),
    }
    parts_agree(reader.as_ref(), &delivery, &decoded);
}

fn check_notification(body: &Bytes) {
    let reader = spec("decoder = \"cloudevents\"\nbucket = { url = \"s3://b\" }").push_decoder();
    let decoded = reader.decode(&delivery("application/json", body));
    if serde_json::from_slice::<serde_json::Value>(body).is_err() && !body.starts_with(b"\xEF\xBB\xBF") {
        assert!(decoded.objects.is_empty() && decoded.faults.len() == 1 && decoded.faults[0].1 == body);
    }
}

/// The samples are read as they are, so that their edits start from something that works.
#[test]
fn samples_are_read() {
    for (toml, sample) in OF_RECORDS {
        let decoded = decoder(toml).decode(&delivery("application/json", &Bytes::from(*sample)));
        assert!(decoded.faults.is_empty() && decoded.events.len() + decoded.passed > 0, "{toml}: {decoded:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let body = Bytes::from(bytes);
        check_lines(LOOKOUT, &body);
        check_lines(JSON_LINES, &body);
        check_document(JSON, "", &body);
        check_document("decoder = \"framework\"", "", &body);
        check_document("decoder = \"cloudevents\"", "application/cloudevents+json", &body);
        check_batch(&body);
        check_notification(&body);
        for (toml, _) in OF_RECORDS {
            check_records(toml, &body);
        }
    }

    #[test]
    fn edited_records(edits in edits()) {
        for (toml, sample) in OF_RECORDS {
            check_records(toml, &edited(sample, edits.clone()));
        }
    }

    #[test]
    fn packed_bytes(tail in proptest::collection::vec(any::<u8>(), 0..100)) {
        let body = Bytes::from([&[0x1f, 0x8b][..], &tail].concat());
        for (toml, _) in OF_RECORDS {
            let (reader, delivery) = (decoder(toml), delivery("", &body));
            let decoded = reader.decode(&delivery);
            assert!(decoded.events.is_empty() && decoded.faults.len() == 1 && decoded.faults[0].1 == body);
            parts_agree(reader.as_ref(), &delivery, &decoded);
        }
    }

    #[test]
    fn edited_lookout(edits in edits()) { check_lines(LOOKOUT, &edited(LOOKOUT_SAMPLE, edits)); }

    #[test]
    fn edited_json(edits in edits()) {
        let body = edited(JSON_SAMPLE, edits);
        check_lines(JSON_LINES, &body);
        check_document(JSON, "", &body);
    }

    #[test]
    fn edited_framework(edits in edits()) {
        check_document("decoder = \"framework\"", "application/json", &edited(FRAMEWORK_SAMPLE, edits));
    }

    #[test]
    fn edited_cloudevents(edits in edits()) {
        check_document("decoder = \"cloudevents\"", "application/cloudevents+json", &edited(EVENT_SAMPLE, edits));
    }

    #[test]
    fn edited_batches(edits in edits()) { check_batch(&edited(BATCH_SAMPLE, edits)); }

    #[test]
    fn edited_notifications(edits in edits()) { check_notification(&edited(S3_SAMPLE, edits)); }
}
