use super::*;
use serde_json::json;

fn delivery(content_type: &str, headers: &[(&str, &str)], body: &str) -> Delivery {
    Delivery {
        content_type: (!content_type.is_empty()).then(|| content_type.to_owned()),
        headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        ..Delivery::default()
    }
}

/// Events as JSON, faults as their places.
fn check(delivery: &Delivery, events: &Value, places: &[&str]) {
    let decoded = CloudEvents.decode(delivery);
    let found: Vec<_> = decoded.faults.iter().filter_map(|(p, _)| p.place.as_deref()).collect();
    assert_eq!(serde_json::to_value(&decoded.events).expect("serialises"), *events);
    assert_eq!(found, places);
}

const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";
const BATCHED: &str = "application/cloudevents-batch+json";

#[test]
fn structured_events_keep_attributes_and_extensions() {
    let body = r#"{"specversion":"1.0","id":"a","source":"/s","type":"t","subject":"p","time":"2026-03-05T14:00:00Z",
        "traceparent":"00-x","retries":3,"dataschema":null,"data":{"k":[1]}}"#;
    check(
        &delivery(STRUCTURED, &[], body),
        &json!([{"id":"a","source":"/s","type":"t","subject":"p","time":"2026-03-05T14:00:00Z",
            "data":{"k":[1]},"traceparent":"00-x","retries":3}]),
        &[],
    );
}

#[test]
fn batches_keep_the_good_beside_the_bad() {
    let body = r#"[{"specversion":"1.0","id":"a","source":"/s","type":"t"}, {"specversion":"1.0","id":"b"}, 7]"#;
    let delivery = delivery(BATCHED, &[], body);
    check(&delivery, &json!([{"id":"a","source":"/s","type":"t"}]), &["$[1].source", "$[2]"]);
    let decoded = CloudEvents.decode(&delivery);
    assert_eq!(decoded.faults[0].1, Bytes::from_static(br#"{"specversion":"1.0","id":"b"}"#));
}

#[test]
fn binary_mode_takes_headers_and_body() {
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "\"a\\\"b\""),
        ("ce-source", "/s"),
        ("ce-type", "t"),
        ("ce-subject", "Pumpe%20%C3%A4"),
        ("ce-plant", "1010"),
        ("user-agent", "x"),
    ];
    check(
        &delivery("application/json", &headers, "{\"k\":1}"),
        &json!([{"id":"a\"b","source":"/s","type":"t","subject":"Pumpe ä","datacontenttype":"application/json",
            "data":{"k":1},"plant":"1010"}]),
        &[],
    );
    check(
        &delivery("text/plain", &headers[..4], "hi"),
        &json!([{"id":"a\"b","source":"/s","type":"t","datacontenttype":"text/plain","data_base64":"aGk="}]),
        &[],
    );
    check(&delivery("application/json", &headers, "{\"k\":}"), &json!([]), &["line 1, column 6"]);
    let twice = [("ce-id", "1"), ("ce-id", "2")];
    check(&delivery("", &twice, ""), &json!([]), &["header ce-id"]);
}

#[test]
fn objects_are_recognised_by_path_and_first_byte() {
    let event = |id: &str| format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t"}}"#);
    let stored = |path: &str, body: String| Delivery { path: path.into(), body: body.into(), ..Delivery::default() };
    let ids = |d: Delivery| CloudEvents.decode(&d).events.into_iter().map(|e| e.id).collect::<String>();
    assert_eq!(ids(stored("x/a.json", event("a"))), "a");
    assert_eq!(ids(stored("x/a.json", format!("[{},{}]", event("a"), event("b")))), "ab");
    assert_eq!(ids(stored("x/a.jsonl", format!("{}\n{}\n", event("a"), event("b")))), "ab");
}

#[test]
fn the_place_of_a_fault_is_the_attribute() {
    let cases = [
        (r#"{"id":"a","source":"/s","type":"t"}"#, "$.specversion"),
        (r#"{"specversion":"0.3","id":"a","source":"/s","type":"t"}"#, "$.specversion"),
        (r#"{"specversion":"1.0","id":"","source":"/s","type":"t"}"#, "$.id"),
        (r#"{"specversion":"1.0","id":5,"source":"/s","type":"t"}"#, "$.id"),
        (r#"{"specversion":"1.0","id":"a","source":"a b","type":"t"}"#, "$.source"),
        (r#"{"specversion":"1.0","id":"a","source":"/s","type":"t","time":"yesterday"}"#, "$.time"),
        (r#"{"specversion":"1.0","id":"a","source":"/s","type":"t","Plant":"1"}"#, "$.Plant"),
        (r#"{"specversion":"1.0","id":"a","source":"/s","type":"t","plant":{"a":1}}"#, "$.plant"),
        (r#"{"specversion":"1.0","id":"a","source":"/s","type":"t","data":1,"data_base64":"aGk="}"#, "$.data_base64"),
        (r#"{"specversion":"1.0","id":"a","source":"/s","type":"t","data_base64":"*"}"#, "$.data_base64"),
        (r#"{"specversion":"1.0","id":"a","source":"/s","type":"t","datacontenttype":"json"}"#, "$.datacontenttype"),
        ("[]", "$"),
        ("{", "line 1, column 1"),
    ];
    for (body, place) in cases {
        check(&delivery(STRUCTURED, &[], body), &json!([]), &[place]);
    }
    check(&delivery("application/cloudevents+avro", &[], "x"), &json!([]), &["header content-type"]);
    check(&delivery("application/json", &[], "{}"), &json!([]), &["header content-type"]);
}

#[test]
fn limits_are_named() {
    let big = format!(r#"{{"specversion":"1.0","data":"{}"}}"#, "x".repeat(MAX_EVENT_BYTES));
    let decoded = CloudEvents.decode(&delivery(STRUCTURED, &[], &big));
    assert_eq!(decoded.faults[0].0.code, Code::TooLarge);
    let many = format!("[{}0]", "0,".repeat(MAX_BATCH_EVENTS));
    let decoded = CloudEvents.decode(&delivery(BATCHED, &[], &many));
    assert_eq!((decoded.faults.len(), decoded.faults[0].0.code), (1, Code::TooLarge));
}
