use super::*;
use serde_json::{Value, json};

fn record(event: &str, key: &str, sequencer: &str) -> Value {
    json!({"eventSource": "aws:s3", "eventName": event,
        "s3": {"bucket": {"name": "plant-7"}, "object": {"key": key, "eTag": "e", "sequencer": sequencer}}})
}

fn s3(records: &[Value]) -> Value {
    json!({"Records": records})
}

fn check(document: &Value, objects: &[&str], places: &[&str]) {
    let ours = S3Notification { bucket: Some("plant-7".into()) };
    let decoded = ours.decode(&Delivery { body: document.to_string().into(), ..Delivery::default() });
    let found: Vec<_> = decoded.faults.iter().filter_map(|(p, _)| p.place.as_deref()).collect();
    assert_eq!((decoded.objects, found), (objects.iter().map(|o| (*o).to_owned()).collect(), places.to_vec()));
}

#[test]
fn all_records_are_read_and_keys_are_decoded() {
    let document = s3(&[
        record("ObjectCreated:Put", "in/Schicht+fr%C3%BCh%2B1.jsonl", "0A"),
        record("s3:ObjectCreated:Copy", "in/b%3Ac.jsonl", "0B"),
        record("ObjectRemoved:Delete", "in/gone.jsonl", "0C"),
        record("ObjectTagging:Put", "in/tagged.jsonl", "0D"),
    ]);
    check(&document, &["in/Schicht früh+1.jsonl", "in/b:c.jsonl"], &[]);
}

#[test]
fn the_newest_sequencer_of_a_key_counts() {
    let put = |sequencer| record("ObjectCreated:Put", "k", sequencer);
    let remove = |sequencer| record("ObjectRemoved:Delete", "k", sequencer);
    check(&s3(&[put("00Ff"), put("0100")]), &["k"], &[]);
    check(&s3(&[put("0ff"), remove("100")]), &[], &[]);
    check(&s3(&[remove("00FE"), put("ff")]), &["k"], &[]);
    check(&s3(&[put("ff"), remove("00fe")]), &["k"], &[]);
}

#[test]
fn envelopes_are_opened() {
    let plain = s3(&[record("ObjectCreated:Put", "k", "1")]);
    let sns = json!({"Type": "Notification", "Message": plain.to_string()});
    let bridge = json!({"source": "aws.s3", "detail-type": "Object Created",
        "detail": {"bucket": {"name": "plant-7"}, "object": {"key": "a+b", "sequencer": "1"}}});
    check(&sns, &["k"], &[]);
    check(&json!({"Messages": [{"Body": sns.to_string()}]}), &["k"], &[]);
    check(&json!({"Records": [{"eventSource": "aws:sqs", "body": plain.to_string()}]}), &["k"], &[]);
    check(&bridge, &["a+b"], &[]);
    check(&json!({"Messages": [{"Body": bridge.to_string()}]}), &["a+b"], &[]);
    check(&json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "plant-7"}), &[], &[]);
}

#[test]
fn faults_name_the_place_in_the_envelope() {
    let no_key = json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "plant-7"}, "object": {}}});
    let foreign =
        json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "other"}, "object": {"key": "k"}}});
    let plain = s3(&[record("ObjectCreated:Put", "k", "1"), no_key, foreign, json!({"x": 1})]);
    let places = ["$.Records[1].s3.object.key", "$.Records[2].s3.bucket.name", "$.Records[3]"];
    check(&plain, &["k"], &places);
    let sns = json!({"Type": "Notification", "Message": "{\"Records\": [}"});
    check(&sns, &[], &["$.Message, line 1, column 14"]);
    check(&json!({"Type": "SubscriptionConfirmation", "SubscribeURL": "https://x"}), &[], &["$.Type"]);
    check(&s3(&[record("ObjectCreated:Put", "k", "xyz")]), &[], &["$.Records[0].s3.object.sequencer"]);
    check(&s3(&[record("ObjectCreated:Put", "%FF", "1")]), &[], &["$.Records[0].s3.object.key"]);
    check(&json!([]), &[], &["$"]);
}

#[test]
fn envelopes_end_somewhere() {
    let mut document = s3(&[record("ObjectCreated:Put", "k", "1")]);
    for _ in 0..6 {
        document = json!({"Type": "Notification", "Message": document.to_string()});
    }
    check(&document, &[], &["$.Message.Message.Message.Message.Message"]);
}
