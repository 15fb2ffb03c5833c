use super::*;
use bytes::Bytes;

fn first(id: &str, new: &str, previous: &str) -> String {
    json!({"timestamp": "2026-02-03 10:02:00.250", "eventId": id, "version": "1.0", "projectDisplayName": "Hall 9",
        "siteDisplayName": "2200", "assetDisplayName": "Fan 7", "sensorPositionDisplayName": "Bearing",
        "sensor": {"physicalId": "S-1"}, "measurement": {"sequenceNo": 4}, "models": {"temperatureML": {}},
        "assetState": {"newState": new, "previousState": previous}})
    .to_string()
}

fn second(id: &str, kind: &str, new: &str, previous: &str) -> String {
    json!({"timestamp": "2026-02-03T11:00:00+01:00", "eventId": id, "version": "2.0", "projectName": "Hall 9",
        "projectId": "p-1", "eventType": kind, "eventPayload": {"siteName": "2200", "assetName": "Fan 7",
        "positionName": "Bearing", "sensor": {"physicalId": "S-1"}, "assetTransitionType": "userInput",
        "assetState": {"newState": new, "previousState": previous}, "closureCode": null, "make": "Zephyr"}})
    .to_string()
}

fn decode(states: &[&str], body: &str) -> Decoded {
    let states = states.iter().map(|state| (*state).to_owned()).collect();
    let body = Bytes::copy_from_slice(body.as_bytes());
    Monitron { states }.decode(&Delivery { path: "out/m-1".into(), body, ..Delivery::default() })
}

/// Ids of the events and the number of records that were passed over.
fn check(states: &[&str], body: &str, ids: &[&str], passed: usize) {
    let decoded = decode(states, body);
    let found: Vec<_> = decoded.events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!((found.as_slice(), decoded.passed, decoded.faults.len()), (ids, passed, 0), "{:?}", decoded.faults);
}

#[test]
fn entering_a_state_is_an_event() {
    let default = &[NEEDS_MAINTENANCE][..];
    check(default, &first("a", "NEEDS_MAINTENANCE", "WARNING"), &["a"], 0);
    check(default, &first("a", "NEEDS_MAINTENANCE", "NEEDS_MAINTENANCE"), &[], 1);
    check(default, &first("a", "ALARM", "WARNING"), &[], 1);
    check(default, &first("a", "Needs_Maintenance", "needs_maintenance"), &[], 1);
    check(&["Alarm"], &first("a", "ALARM", "warning"), &["a"], 0);
    check(&["ALARM", "WORN"], &first("a", "ALARM", "WARNING"), &["a"], 0);
    check(&["ALARM", "WORN"], &first("a", "WORN", "ALARM"), &["a"], 0);
    check(default, &second("b", "assetStateTransition", "NEEDS_MAINTENANCE", "ALARM"), &["b"], 0);
    check(default, &second("b", "measurement", "NEEDS_MAINTENANCE", "ALARM"), &[], 1);
    check(default, &second("b", "somethingNew", "NEEDS_MAINTENANCE", "ALARM"), &[], 1);
}

#[test]
fn every_record_counts_however_they_are_joined() {
    let enter = |id| first(id, "ALARM", "HEALTHY");
    let records = [enter("1"), second("2", "assetStateTransition", "ALARM", "WARNING"), first("3", "WARNING", "OK")];
    for between in ["", "\n", "\r\n", " , "] {
        check(&["ALARM"], &records.join(between), &["1", "2"], 1);
    }
    let damaged = format!("{}\n{{\"timestamp\":\n{}", enter("1"), enter("2"));
    let decoded = decode(&["ALARM"], &damaged);
    assert_eq!((decoded.events.len(), decoded.faults.len()), (2, 1));
}

#[test]
fn both_schemas_have_one_shape() {
    let body = first("a", "ALARM", "OK") + &second("b", "assetStateTransition", "ALARM", "OK");
    let events = decode(&["ALARM"], &body).events;
    for event in &events {
        assert_eq!((event.source.as_str(), event.subject.as_deref()), ("/monitron/Hall%209", Some("2200/Fan 7")));
        assert_eq!(event.kind, EVENT_TYPE);
        for (member, value) in [("site", "2200"), ("asset", "Fan 7"), ("position", "Bearing"), ("sensor", "S-1")] {
            assert_eq!(event.data[member], value);
        }
        assert_eq!((&event.data["new_state"], &event.data["previous_state"]), (&json!("ALARM"), &json!("OK")));
    }
    let times: Vec<_> = events.iter().filter_map(|event| event.time).map(|time| time.to_string()).collect();
    assert_eq!(times, ["2026-02-03T10:02:00.25Z", "2026-02-03T10:00:00Z"]);
    assert_eq!((&events[0].data["schema"], &events[0].data["measurement"]["sequenceNo"]), (&json!(1), &json!(4)));
    assert_eq!((&events[1].data["transition"], &events[1].data["make"]), (&json!("userInput"), &json!("Zephyr")));
    assert!(events[1].data.get("closure").is_none());
}

#[test]
fn ids_are_the_records_own_or_their_digest() {
    let number = first("a", "ALARM", "OK").replace("\"a\"", "4711");
    check(&["ALARM"], &number, &["4711"], 0);
    let huge = number.replace("4711", "123456789012345678901234567890");
    let faults = decode(&["ALARM"], &huge).faults;
    assert_eq!(faults[0].0.place.as_deref(), Some("record 1, $.eventId"), "two of them would be one event");
    let none = first("a", "ALARM", "OK").replace("\"eventId\":\"a\",", "");
    let ids: Vec<_> = decode(&["ALARM"], &none.repeat(2)).events.into_iter().map(|event| event.id).collect();
    assert!(ids[0].starts_with("out/m-1#1-") && ids[1].starts_with("out/m-1#2-"), "{ids:?}");
}
