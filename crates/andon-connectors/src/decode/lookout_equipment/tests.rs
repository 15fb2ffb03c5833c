use super::*;
use bytes::Bytes;

const ANOMALOUS: &str = r#"{"timestamp":"2026-02-03T10:02:00.000000","prediction":1,"prediction_reason":"ANOMALY_DETECTED","anomaly_score":0.71,"diagnostics":[{"name":"fan-07\\rpm","value":0.2},{"name":"fan-07\\drive\\vib","value":0.5},{"name":"temp","value":0.25},{"name":"fan-07\\amp","value":0.05}]}"#;
const QUIET: &str = r#"{"timestamp":"2026-02-03T10:03:00.000000","prediction":0,"prediction_reason":"NO_ANOMALY_DETECTED","anomaly_score":0.2,"diagnostics":[{"name":"fan-07\\rpm","value":1}]}"#;
const OFF: &str = r#"{"timestamp":"2026-02-03T10:04:00.000000","prediction":0,"prediction_reason":"MACHINE_OFF"}"#;
const OLD: &str = r#"{"timestamp":"2026-02-03T10:05:00.000000","prediction":1,"diagnostics":[]}"#;

fn decoder(equipment: &str) -> LookoutEquipment {
    LookoutEquipment {
        equipment: equipment.parse().expect("naming"),
        prefix: "inference/out".into(),
        utc_offset: "+00:00".into(),
        include_normal: false,
    }
}

fn delivery(path: &str, lines: &[&str]) -> Delivery {
    Delivery { path: path.into(), body: Bytes::from(lines.join("\n")), ..Delivery::default() }
}

#[test]
fn anomalous_lines_are_events() {
    let delivery = delivery("inference/out/fan-07/2026-02-03/results.jsonl", &[QUIET, ANOMALOUS, OFF, OLD]);
    let decoded = decoder("{1}").decode(&delivery);
    assert!(decoded.faults.is_empty());
    let [event, old] = decoded.events.as_slice() else { panic!("two events expected") };
    assert_eq!((event.source.as_str(), event.subject.as_deref()), ("/lookout-equipment/fan-07", Some("fan-07")));
    assert_eq!(event.kind, ANOMALY);
    assert_eq!(event.time.map(|t| t.to_string()).as_deref(), Some("2026-02-03T10:02:00Z"));
    assert_eq!(
        event.data["top"],
        json!([
            {"name": "fan-07\\drive\\vib", "component": "fan-07", "sensor": "drive\\vib", "value": 0.5},
            {"name": "temp", "sensor": "temp", "value": 0.25},
            {"name": "fan-07\\rpm", "component": "fan-07", "sensor": "rpm", "value": 0.2},
        ])
    );
    assert_eq!((&event.data["line"], event.data["diagnostics"].as_array().map(Vec::len)), (&json!(2), Some(4)));
    assert_eq!(old.data.get("anomaly_score"), None);
}

#[test]
fn a_grown_file_gives_the_same_ids_again() {
    let ids = |lines: &[&str]| -> Vec<String> {
        decoder("fan").decode(&delivery("a/results.jsonl", lines)).events.into_iter().map(|e| e.id).collect()
    };
    let (before, after) = (ids(&[ANOMALOUS, QUIET]), ids(&[ANOMALOUS, QUIET, OLD, ANOMALOUS]));
    assert_eq!(before[..], after[..1]);
    assert_eq!(after.iter().collect::<std::collections::HashSet<_>>().len(), 3);
    assert!(after[0].starts_with("a/results.jsonl#1-"));
}

#[test]
fn equipment_is_named_by_folder_component_or_text() {
    let subject = |equipment: &str, path: &str| {
        let mut decoded = decoder(equipment).decode(&delivery(path, &[ANOMALOUS]));
        decoded.events.pop().and_then(|e| e.subject).ok_or(decoded.faults.pop().and_then(|(p, _)| p.place))
    };
    assert_eq!(subject("{2}/{1}", "inference/out/hall-3/fan-07/r.jsonl").as_deref(), Ok("fan-07/hall-3"));
    assert_eq!(subject("{1}", "elsewhere/r.jsonl").as_deref(), Ok("elsewhere"));
    assert_eq!(subject("unit {component}", "x").as_deref(), Ok("unit fan-07"));
    assert_eq!(subject("{1}", "inference/out/r.jsonl"), Err(Some("path inference/out/r.jsonl".into())));
    assert_eq!(subject("{1}", ""), Err(Some("delivery".into())));
    for wrong in ["", "{", "{0}", "{name}"] {
        assert!(wrong.parse::<EquipmentNaming>().is_err(), "{wrong:?} must be refused");
    }
}

#[test]
fn times_take_the_configured_offset() {
    let berlin = LookoutEquipment { utc_offset: "+01:00".into(), ..decoder("x") };
    let time = |line: &str| berlin.decode(&delivery("", &[line])).events[0].time.map(|t| t.to_string());
    assert_eq!(time(ANOMALOUS).as_deref(), Some("2026-02-03T09:02:00Z"));
    assert_eq!(time(r#"{"timestamp":"2026-02-03 10:02:00Z","prediction":1}"#).as_deref(), Some("2026-02-03T10:02:00Z"));
}

#[test]
fn normal_lines_on_request_and_unknown_members_are_kept() {
    let all = LookoutEquipment { include_normal: true, ..decoder("x") };
    let decoded =
        all.decode(&delivery("", &[QUIET, r#"{"timestamp":"2026-02-03T10:02:00","prediction":1.0,"model":"m"}"#]));
    assert_eq!(decoded.events.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(), [NORMAL, ANOMALY]);
    assert_eq!(decoded.events[1].data["other"], json!({"model": "m"}));
}
