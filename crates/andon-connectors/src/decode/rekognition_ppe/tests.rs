use super::*;
use bytes::Bytes;
use serde_json::json;

fn decoder(required: &[Equipment]) -> RekognitionPpe {
    RekognitionPpe {
        required: required.to_vec(),
        min_confidence: 80.0,
        path: "{plant}/{location}/{camera}/{file}".parse().expect("pattern"),
        prefix: String::new(),
        image: "{stem}.png".parse().expect("pattern"),
    }
}

/// A part of the body with equipment on it: kind, whether it covers, and how sure that is.
fn part(name: &str, confidence: f64, worn: Option<(&str, bool, f64)>) -> Value {
    let detections: Vec<_> = worn
        .into_iter()
        .map(|(kind, covers, sure)| {
            json!({"Type": kind, "Confidence": sure, "CoversBodyPart": {"Value": covers, "Confidence": 95}})
        })
        .collect();
    json!({"Name": name, "Confidence": confidence, "EquipmentDetections": detections})
}

fn person(id: u64, parts: &[Value]) -> Value {
    json!({"Id": id, "Confidence": 99.0, "BodyParts": parts})
}

fn decode(required: &[Equipment], people: &[Value]) -> Decoded {
    let body = Bytes::from(json!({"ProtectiveEquipmentModelVersion": "1.0", "Persons": people}).to_string());
    decoder(required).decode(&Delivery { path: "2200/gate/cam-1/a.json".into(), body, ..Delivery::default() })
}

/// What the one person lacks, and what of them cannot be seen; `None` for no event.
fn check(required: &[Equipment], parts: &[Value], expect: Option<(&[&str], &[&str])>) {
    let decoded = decode(required, &[person(3, parts)]);
    let found = decoded.events.first().map(|event| {
        let person = &event.data["persons"][0];
        (person["lacks"].clone(), person["unseen"].clone())
    });
    assert_eq!(found, expect.map(|(lacks, unseen)| (json!(lacks), json!(unseen))));
    assert_eq!((decoded.passed, decoded.faults.len()), (usize::from(expect.is_none()), 0), "{:?}", decoded.faults);
}

#[test]
fn equipment_counts_when_it_surely_covers() {
    let head = &[Equipment::HeadCover][..];
    let worn = |covers, sure| [part("HEAD", 99.0, Some(("HEAD_COVER", covers, sure)))];
    check(head, &worn(true, 90.0), None);
    check(head, &worn(false, 90.0), Some((&["HEAD_COVER"], &[])));
    check(head, &worn(true, 70.0), Some((&["HEAD_COVER"], &[])));
    check(head, &[part("HEAD", 99.0, Some(("FACE_COVER", true, 99.0)))], Some((&["HEAD_COVER"], &[])));
}

#[test]
fn what_cannot_be_seen_is_no_violation() {
    let head = &[Equipment::HeadCover][..];
    check(head, &[], None);
    check(head, &[part("HEAD", 60.0, None)], None);
    let hands = &[Equipment::HandCover][..];
    let (bare, gloved) = (part("LEFT_HAND", 95.0, None), part("RIGHT_HAND", 95.0, Some(("HAND_COVER", true, 95.0))));
    check(hands, &[bare.clone(), gloved.clone()], Some((&["HAND_COVER"], &[])));
    check(hands, std::slice::from_ref(&bare), Some((&["HAND_COVER"], &["RIGHT_HAND"])));
    check(hands, std::slice::from_ref(&gloved), None);
    check(&Equipment::ALL, &[bare, gloved], Some((&["HAND_COVER"], &["FACE", "HEAD"])));
}

#[test]
fn one_picture_is_one_event() {
    let (bare, hidden) = (person(0, &[part("HEAD", 99.0, None)]), person(1, &[]));
    let safe = person(2, &[part("HEAD", 99.0, Some(("HEAD_COVER", true, 99.0)))]);
    let decoded =
        decode(&[Equipment::HeadCover], &[bare.clone(), hidden, safe, person(7, &[part("HEAD", 99.0, None)])]);
    let event = &decoded.events[0];
    let ids = |list: &str| event.data[list].as_array().map(|l| l.iter().map(|p| p["id"].clone()).collect::<Value>());
    assert_eq!((ids("persons"), ids("indeterminate")), (Some(json!([0, 7])), Some(json!([1]))));
    assert_eq!((decoded.events.len(), &event.data["persons_total"]), (1, &json!(4)));
    assert_eq!(event.subject.as_deref(), Some("2200/gate/cam-1"));
    assert_eq!(event.data["image"]["path"], "2200/gate/cam-1/a.png");
    assert_eq!((&event.data["camera"], &event.data["required"]), (&json!("cam-1"), &json!(["HEAD_COVER"])));
    assert_ne!(event.id, decode(&[Equipment::HeadCover], &[bare]).events[0].id);
}

#[test]
fn nobody_in_the_picture_is_no_event() {
    let decoded = decode(&Equipment::ALL, &[]);
    assert_eq!((decoded.events.len(), decoded.passed), (0, 1));
}
