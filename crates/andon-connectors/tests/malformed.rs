//! Every file below `tests/malformed` ends as a fault that names the place, and keeps its bytes.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use andon_connectors::SourceSpec;
use andon_journal::Delivery;
use andon_model::Name;

/// File, place of its one fault, and how many events it gives beside.
type Case = (&'static str, &'static str, usize);

fn decoder(toml: &str) -> impl Fn(&Delivery) -> andon_journal::Decoded {
    let spec = SourceSpec::parse(&Name::new("sample").expect("name"), toml).expect("valid source");
    let decoder = spec.push_decoder();
    move |delivery| decoder.decode(delivery)
}

fn delivery(file: &str, content_type: Option<&str>) -> Delivery {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/malformed").join(file);
    let body = std::fs::read(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()));
    Delivery { content_type: content_type.map(str::to_owned), body: body.into(), ..Delivery::default() }
}

fn check(folder: &str, toml: &str, content_type: Option<&str>, cases: &[Case]) {
    let decode = decoder(toml);
    for (file, place, events) in cases {
        let delivery = delivery(&format!("{folder}/{file}"), content_type);
        let decoded = decode(&delivery);
        let places: Vec<_> = decoded.faults.iter().map(|(p, _)| p.place.as_deref().unwrap_or("")).collect();
        assert_eq!(places, [*place], "place in {file}: {:?}", decoded.faults);
        assert_eq!(decoded.events.len() + decoded.objects.len(), *events, "events in {file}");
        assert!(!decoded.faults[0].0.detail.is_empty(), "{file} says what is wrong");
    }
    all_are_listed(folder, cases);
}

fn all_are_listed(folder: &str, cases: &[Case]) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/malformed").join(folder);
    let there: BTreeSet<String> = std::fs::read_dir(full)
        .expect("folder")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .collect();
    let elsewhere = ["batch-is-object.json", "batch-second-bad.json", "batch-cut-off.json", "binary-body.json"];
    let listed: BTreeSet<String> = cases.iter().map(|(file, ..)| *file).chain(elsewhere).map(str::to_owned).collect();
    let missing: Vec<_> = there.difference(&listed).collect();
    assert!(missing.is_empty(), "no expectation for {missing:?}");
}

#[test]
fn lookout_equipment() {
    let toml = "decoder = \"lookout-equipment\"\ndecode = { equipment = \"mill-2\" }";
    check(
        "lookout-equipment",
        toml,
        None,
        &[
            ("truncated-line.jsonl", "line 2, column 40", 2),
            ("no-timestamp.jsonl", "line 1, $.timestamp", 0),
            ("bad-timestamp.jsonl", "line 2, $.timestamp", 1),
            ("timestamp-number.jsonl", "line 1, $.timestamp", 0),
            ("no-prediction.jsonl", "line 1, $.prediction", 0),
            ("prediction-two.jsonl", "line 1, $.prediction", 0),
            ("prediction-text.jsonl", "line 1, $.prediction", 0),
            ("score-above-one.jsonl", "line 3, $.anomaly_score", 0),
            ("score-nan.jsonl", "line 1, column 67", 0),
            ("diagnostics-object.jsonl", "line 1, $.diagnostics", 0),
            ("diagnostic-without-name.jsonl", "line 1, $.diagnostics[1].name", 0),
            ("diagnostic-value-text.jsonl", "line 1, $.diagnostics[0].value", 0),
            ("single-backslash.jsonl", "line 1, column 82", 0),
            ("whole-array.json", "line 1, column 1", 0),
            ("pretty-printed.json", "line 1, column 1", 0),
            ("line-is-a-number.jsonl", "line 2, $", 1),
            ("two-objects-on-a-line.jsonl", "line 1, column 130", 0),
            ("latin-1.jsonl", "line 1, column 75", 0),
            ("nul-bytes.jsonl", "line 2, column 1", 1),
            ("deep.jsonl", "line 1, column 140", 0),
            ("csv-instead.jsonl", "line 1, column 5", 0),
            ("utf-16.jsonl", "line 1, column 1", 0),
        ],
    );
}

#[test]
fn cloudevents() {
    check(
        "cloudevents",
        "decoder = \"cloudevents\"",
        Some("application/cloudevents+json"),
        &[
            ("not-json.json", "line 1, column 1", 0),
            ("empty.json", "line 1, column 0", 0),
            ("trailing-comma.json", "line 3, column 1", 0),
            ("unclosed.json", "line 1, column 29", 0),
            ("control-character.json", "line 2, column 0", 0),
            ("lone-surrogate.json", "line 1, column 34", 0),
            ("no-version.json", "$.specversion", 0),
            ("version-number.json", "$.specversion", 0),
            ("old-version.json", "$.specversion", 0),
            ("no-id.json", "$.id", 0),
            ("null-id.json", "$.id", 0),
            ("number-source.json", "$.source", 0),
            ("source-with-space.json", "$.source", 0),
            ("empty-type.json", "$.type", 0),
            ("empty-subject.json", "$.subject", 0),
            ("time-without-zone.json", "$.time", 0),
            ("time-number.json", "$.time", 0),
            ("february-30.json", "$.time", 0),
            ("upper-case-attribute.json", "$.plantCode", 0),
            ("attribute-object.json", "$.plant", 0),
            ("attribute-fraction.json", "$.weight", 0),
            ("both-datas.json", "$.data_base64", 0),
            ("bad-base64.json", "$.data_base64", 0),
            ("schema-with-brace.json", "$.dataschema", 0),
        ],
    );
}

#[test]
fn cloudevents_in_batches_and_headers() {
    let decode = decoder("decoder = \"cloudevents\"");
    let place = |delivery: &Delivery| decode(delivery).faults.first().and_then(|(problem, _)| problem.place.clone());
    let batch =
        |file: &str| place(&delivery(&format!("cloudevents/{file}"), Some("application/cloudevents-batch+json")));
    assert_eq!(batch("batch-is-object.json").as_deref(), Some("line 1, column 0"));
    assert_eq!(batch("batch-second-bad.json").as_deref(), Some("$[1].source"));
    assert_eq!(batch("batch-cut-off.json").as_deref(), Some("line 1, column 81"));
    let mut binary = delivery("cloudevents/binary-body.json", Some("application/json"));
    binary.headers = vec![("ce-id".into(), "7".into())];
    assert_eq!(place(&binary).as_deref(), Some("line 1, column 17"));
}

#[test]
fn framework() {
    check(
        "framework",
        "decoder = \"framework\"",
        Some("application/json"),
        &[
            ("array.json", "$", 0),
            ("no-data.json", "$.data", 0),
            ("data-text.json", "$.data", 0),
            ("system-list.json", "$.data.SourceSystem", 0),
            ("type-object.json", "$.data.DeviceType", 0),
            ("cloudevent.json", "$.specversion", 0),
            ("single-quotes.json", "line 1, column 2", 0),
            ("form.json", "line 1, column 1", 0),
        ],
    );
}

#[test]
fn json() {
    let toml = "decoder = \"json\"\n[decode]\ntype = { pointer = \"/kind\" }\nid = { pointer = \"/n\" }\n\
                time = { pointer = \"/at\" }\ndata = \"/reading\"\n";
    check(
        "json",
        toml,
        None,
        &[
            ("no-id.json", "$.n", 0),
            ("id-object.json", "$.n", 0),
            ("no-reading.json", "$.reading", 0),
            ("bad-time.json", "$.at", 0),
            ("time-number.json", "$.at", 0),
            ("empty-kind.json", "$.kind", 0),
            ("duplicate-comma.json", "line 1, column 13", 0),
        ],
    );
}

#[test]
fn s3_notifications() {
    let toml = "decoder = \"cloudevents\"\nbucket = { url = \"s3://plant-7/in\" }";
    check(
        "s3-notification",
        toml,
        Some("application/json"),
        &[
            ("empty-object.json", "$", 0),
            ("records-object.json", "$", 0),
            ("no-key.json", "$.Records[1].s3.object.key", 1),
            ("key-not-utf-8.json", "$.Records[0].s3.object.key", 0),
            ("sequencer-not-hex.json", "$.Records[0].s3.object.sequencer", 0),
            ("other-bucket.json", "$.Records[0].s3.bucket.name", 0),
            ("no-bucket.json", "$.Records[0].s3.bucket.name", 0),
            ("no-event-name.json", "$.Records[0].eventName", 0),
            ("sns-broken-message.json", "$.Message, line 1, column 13", 0),
            ("sns-subscription.json", "$.Type", 0),
            ("sqs-record-without-key.json", "$.Messages[0].Body.Records[0].s3.object.key", 0),
            ("kinesis-record.json", "$.Records[0]", 0),
            ("event-bridge-without-detail.json", "$.detail.bucket.name", 0),
        ],
    );
}

#[test]
fn monitron() {
    check(
        "monitron",
        "decoder = \"monitron\"\ndecode = { states = [\"ALARM\"] }",
        None,
        &[
            ("no-state.json", "record 1, $.assetState", 0),
            ("no-asset.json", "record 1, $.assetDisplayName", 0),
            ("bad-time.json", "record 2, $.timestamp", 2),
            ("state-number.json", "record 1, $.assetState.newState", 0),
            ("id-list.json", "record 1, $.eventId", 0),
            ("second-without-payload.json", "record 1, $.eventPayload", 0),
            ("second-without-state.json", "record 1, $.eventPayload.assetState", 0),
            ("payload-text.json", "record 1, $.eventPayload", 0),
            ("damaged-line.json", "line 2, column 19", 2),
            ("damaged-tail.json", "line 1, column 293", 2),
            ("array.json", "record 1, $", 0),
            ("text-behind.json", "line 1, column 137", 1),
            ("truncated.gz", "gzip", 0),
            ("latin-1.json", "record 1, column 75", 1),
        ],
    );
}

#[test]
fn sitewise_alarm() {
    check(
        "sitewise-alarm",
        "decoder = \"sitewise-alarm\"",
        Some("application/json"),
        &[
            ("state-not-json.json", "record 1, $.payload.values[1].value.stringValue", 1),
            ("no-state-name.json", "record 1, $.payload.values[0].value.stringValue", 0),
            ("no-value.json", "record 1, $.payload.values[0].value.stringValue", 0),
            ("no-values.json", "record 1, $.payload.values", 0),
            ("values-object.json", "record 1, $.payload.values", 0),
            ("no-asset.json", "record 1, $.payload.assetId", 0),
            ("other-type.json", "record 1, $.type", 0),
            ("nanos-too-many.json", "record 1, $.payload.values[0].timestamp.offsetInNanos", 0),
            ("milliseconds.json", "record 1, $.payload.values[0].timestamp.timeInSeconds", 0),
            ("too-many-values.json", "record 1, $.payload.values", 0),
            ("payload-text.json", "record 1, $.payload", 0),
        ],
    );
}

#[test]
fn lookout_vision() {
    check(
        "lookout-vision",
        "decoder = \"lookout-vision\"",
        Some("application/json"),
        &[
            ("no-verdict.json", "record 1, $.DetectAnomalyResult.IsAnomalous", 0),
            ("verdict-text.json", "record 1, $.DetectAnomalyResult.IsAnomalous", 0),
            ("percent.json", "record 1, $.DetectAnomalyResult.Confidence", 0),
            (
                "anomaly-without-area.json",
                "record 1, $.DetectAnomalyResult.Anomalies[0].PixelAnomaly.TotalPercentageArea",
                0,
            ),
            ("anomalies-object.json", "record 1, $.DetectAnomalyResult.Anomalies", 0),
            ("no-path.json", "delivery", 0),
            ("path-too-short.json", "path cam-2/7.jpg", 0),
            ("picture.json", "line 1, column 1", 0),
        ],
    );
}

#[test]
fn rekognition_ppe() {
    check(
        "rekognition-ppe",
        "decoder = \"rekognition-ppe\"",
        Some("application/json"),
        &[
            ("no-persons.json", "record 1, $.Persons", 0),
            ("persons-object.json", "record 1, $.Persons", 0),
            ("no-id.json", "record 1, $.Persons[0].Id", 0),
            ("no-body-parts.json", "record 1, $.Persons[0].BodyParts", 0),
            ("confidence-text.json", "record 1, $.Persons[0].Confidence", 0),
            ("covers-text.json", "record 1, $.Persons[0].BodyParts[0].EquipmentDetections[0].CoversBodyPart.Value", 0),
            ("no-path.json", "delivery", 0),
            ("error-answer.json", "record 1, $.Persons", 0),
        ],
    );
}

#[test]
fn eventbridge() {
    check(
        "eventbridge",
        "decoder = \"eventbridge\"",
        Some("application/json"),
        &[
            ("no-id.json", "record 1, $.id", 0),
            ("empty-source.json", "record 1, $.source", 0),
            ("no-detail.json", "record 1, $.detail", 0),
            ("detail-text.json", "record 1, $.detail", 0),
            ("bad-time.json", "record 2, $.time", 1),
            ("sqs-broken-body.json", "record 1, $.Messages[0].Body, line 1, column 6", 1),
            ("sns-subscription.json", "record 1, $.Type", 0),
            ("detail-type-number.json", "record 1, $.detail-type", 0),
        ],
    );
}
