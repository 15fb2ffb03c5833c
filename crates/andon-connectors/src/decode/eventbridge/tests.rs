use super::*;
use crate::decode::SitewiseAlarm;
use serde_json::json;

fn bridge(detail: &Value) -> Value {
    json!({"version": "0", "id": "e-1", "detail-type": "Kiln State", "source": "kilns line 2", "account": "1",
        "time": "2026-02-03T10:02:00Z", "region": "eu-central-1", "resources": ["kiln/7"], "detail": detail})
}

fn decode(decoder: &EventBridge, body: &Value) -> Decoded {
    decoder.decode(&Delivery { body: body.to_string().into(), ..Delivery::default() })
}

const PLAIN: EventBridge = EventBridge { inner: None, subject: None };

#[test]
fn the_envelope_becomes_the_attributes() {
    let event = decode(&PLAIN, &bridge(&json!({"hot": true}))).events.remove(0);
    assert_eq!((event.id.as_str(), event.kind.as_str()), ("e-1", "Kiln State"));
    assert_eq!((event.source.as_str(), event.subject.as_deref()), ("/eventbridge/kilns%20line%202", Some("kiln/7")));
    assert_eq!(event.time.map(|time| time.to_string()).as_deref(), Some("2026-02-03T10:02:00Z"));
    assert_eq!((&event.data, &event.extensions["awsregion"]), (&json!({"hot": true}), &json!("eu-central-1")));
}

#[test]
fn subjects_are_configured_or_known() {
    let check = |subject: Option<&str>, body: &Value, expect: Option<&str>| {
        let subject = subject.map(|pointer| AttributeFrom::Pointer(pointer.into()));
        let event = decode(&EventBridge { inner: None, subject }, body).events.remove(0);
        assert_eq!(event.subject.as_deref(), expect);
    };
    let mut s3 = bridge(&json!({"bucket": {"name": "b"}, "object": {"key": "in/a+b.json"}}));
    s3["source"] = "aws.s3".into();
    check(None, &s3, Some("b/in/a+b.json"));
    check(Some("/detail/object/key"), &s3, Some("in/a+b.json"));
    check(Some("/detail/none"), &s3, None);
}

#[test]
fn queues_and_topics_are_opened() {
    let plain = bridge(&json!({}));
    let sns = json!({"Type": "Notification", "Message": plain.to_string()});
    let list = json!({"Messages": [{"Body": plain.to_string()}, {"Body": sns.to_string()}]});
    let lambda = json!({"Records": [{"eventSource": "aws:sqs", "body": plain.to_string()}]});
    for (body, events) in [(&plain, 1), (&sns, 1), (&list, 2), (&lambda, 1)] {
        let decoded = decode(&PLAIN, body);
        assert_eq!((decoded.events.len(), decoded.faults.len()), (events, 0), "{body}");
    }
}

#[test]
fn an_inner_decoder_reads_the_detail() {
    let inner = Arc::new(SitewiseAlarm { states: vec!["ACTIVE".into()] });
    let nested = EventBridge { inner: Some(inner), subject: Some(AttributeFrom::Pointer("/resources/0".into())) };
    let value = |state: &str| json!({"timestamp": {"timeInSeconds": 1}, "value": {"stringValue": json!({"stateName": state}).to_string()}});
    let detail = json!({"payload": {"assetId": "a", "propertyId": "p",
        "values": [value("Active"), value("Normal"), {"timestamp": {}, "value": {}}]}});
    let decoded = decode(&nested, &bridge(&detail));
    assert_eq!((decoded.events.len(), decoded.passed), (1, 1));
    assert_eq!(
        (decoded.events[0].source.as_str(), decoded.events[0].subject.as_deref()),
        ("/sitewise/a", Some("kiln/7"))
    );
    let place = "record 1, $.detail, record 1, $.payload.values[2].timestamp.timeInSeconds";
    assert_eq!(decoded.faults[0].0.place.as_deref(), Some(place));
}
