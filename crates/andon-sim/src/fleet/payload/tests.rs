//! What the messages look like, and that they repeat.

use serde_json::Value;

use super::*;

/// Ten in the morning of a day.
const MORNING: i64 = 1_772_704_800_000_000;

fn reporter(profile: Profile, seed: u64, anomalies: &[&str]) -> Reporter {
    let anomalies: Vec<Arc<Anomaly>> = anomalies.iter().map(|text| Arc::new(text.parse().unwrap())).collect();
    Reporter::new("press-1", profile, seed, &anomalies)
}

fn moment(sequence: u64) -> Moment {
    let running = Duration::from_secs(sequence);
    Moment { sequence, time: Timestamp::from_micros(MORNING).after(running), running }
}

fn text(reporter: &mut Reporter, sequence: u64, spoiled: Option<(DeviceFault, usize)>) -> Vec<u8> {
    let mut out = Vec::new();
    reporter.write(&moment(sequence), spoiled, &mut out);
    out
}

fn json(reporter: &mut Reporter, sequence: u64) -> Value {
    serde_json::from_slice(&text(reporter, sequence, None)).unwrap()
}

/// Replaces values by the names of their types.
fn shape(value: &Value) -> String {
    let members = |map: &serde_json::Map<String, Value>| map.iter().map(|(k, v)| format!("{k}:{}", shape(v))).collect();
    match value {
        Value::Object(map) => {
            let members: Vec<String> = members(map);
            format!("{{{}}}", members.join(" "))
        }
        Value::String(_) => "text".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::Bool(_) => "flag".to_owned(),
        other => other.to_string(),
    }
}

#[test]
fn shapes_of_the_quickstart() {
    let check = |profile, measurements: &str| {
        let found = json(&mut reporter(profile, 1, &[]), 1);
        assert_eq!(shape(&found["measurements"]), measurements, "{profile:?}");
        assert_eq!(shape(&found["device"]), "{gatewayId:text deviceId:text capabilityModelId:text dtmi:text}");
        assert_eq!((&found["sequence"], &found["time"]), (&1.into(), &(MORNING / 1_000 + 1_000).into()));
    };
    check(Profile::S1, "{batteryLevel:number temperature:number humidity:number rssi:number}");
    check(Profile::HoboMx100, "{temperature:text launchCount:text alarms:text rssi:text}");
    check(
        Profile::RuuviTag,
        "{temperature:number humidity:number batteryLevel:text accel:{x:number y:number z:number} rssi:number}",
    );
    check(Profile::Rs40, "{occupied:flag count:number lastChange:text interval:text batteryLevel:number rssi:number}");
    check(Profile::Plain, "{value:number}");
}

#[test]
fn the_same_seed_says_the_same() {
    for profile in Profile::ALL {
        let say = |seed| {
            let mut reporter = reporter(profile, seed, &[]);
            (1..50).map(|sequence| text(&mut reporter, sequence, None)).collect::<Vec<_>>()
        };
        assert_eq!(say(1), say(1), "{profile:?}");
        assert_ne!(say(1), say(2), "{profile:?}");
    }
}

#[test]
fn afternoons_are_warmer_than_nights() {
    let at_hour = |hour: u64| {
        let mut reporter = reporter(Profile::S1, 1, &[]);
        let midnight = Timestamp::from_micros(MORNING).before(Duration::from_hours(10));
        let time = midnight.after(Duration::from_hours(hour));
        let mean = |sequence| {
            let mut out = Vec::new();
            reporter.write(&Moment { sequence, time, running: Duration::ZERO }, None, &mut out);
            serde_json::from_slice::<Value>(&out).unwrap()["measurements"]["temperature"].as_f64().unwrap()
        };
        (1..=200).map(mean).sum::<f64>() / 200.0
    };
    let (night, afternoon) = (at_hour(3), at_hour(15));
    assert!((afternoon - night - 6.0).abs() < 1.0, "{night} {afternoon}");
}

#[test]
fn a_press_overheats() {
    let mut hot = reporter(Profile::S1, 1, &["press-*:temperature@10s+10s=40", "pump-*:temperature@0s+1s=99"]);
    let mut usual = reporter(Profile::S1, 1, &[]);
    let mut above = |sequence| {
        let of = |reporter: &mut Reporter| json(reporter, sequence)["measurements"]["temperature"].as_f64().unwrap();
        of(&mut hot) - of(&mut usual)
    };
    for (sequence, expect) in [(9, 0.0), (15, 20.0), (20, 40.0), (90, 40.0)] {
        let found = above(sequence);
        assert!((found - expect).abs() < 0.01, "{sequence}: {found}");
    }
}

#[test]
fn spoiled_payloads_tell_their_sequence() {
    for fault in DeviceFault::SPOILING {
        for sequence in 1..200 {
            let mut reporter = reporter(Profile::RuuviTag, 3, &[]);
            let found = text(&mut reporter, sequence, Some((fault, 4_096)));
            assert_eq!(sequence_of(&found), Some(sequence), "{fault:?}: {}", String::from_utf8_lossy(&found));
            let is_json = serde_json::from_slice::<Value>(&found).is_ok();
            assert_eq!(is_json, matches!(fault, DeviceFault::WrongTypes | DeviceFault::Huge), "{fault:?} {sequence}");
            assert_eq!(found.len() == 4_096, fault == DeviceFault::Huge, "{fault:?}");
            assert_eq!(std::str::from_utf8(&found).is_err(), fault == DeviceFault::Binary, "{fault:?}");
        }
    }
}

#[test]
fn sequences_are_found() {
    let check = |text: &str, expect: Option<u64>| assert_eq!(sequence_of(text.as_bytes()), expect, "{text}");
    check(r#"{"sequence":17,"time":1}"#, Some(17));
    check(r#"{"sequence": 17}"#, Some(17));
    check("sequence=4 time=", Some(4));
    check("sequence", None);
    check("sequence=99999999999999999999999", None);
    check("", None);
}
