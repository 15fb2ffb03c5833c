//! Alarms, from values to events.

use andon_assets::{Given, Operation, OperationError, OperationKind, Plant};
use serde_json::{Value, json};

use crate::common::{at, moves, plant, read, read_late, warm};

fn with(alarm: Value) -> Plant {
    let mut alarm = alarm;
    alarm["name"] = json!("hot");
    alarm["property"] = json!("Temperature");
    plant(&json!({
        "models": [{"name": "press", "alias": "{device}{property}", "alarms": [alarm], "properties": [
            {"name": "Limit", "data_type": "DOUBLE", "type": {"attribute": {"default": 70}}},
            {"name": "Temperature", "data_type": "DOUBLE", "unit": "C", "type": {"measurement": {}}}]}],
        "assets": [{"id": "a1", "name": "Press 1", "model": "press", "device": "d1", "equipment": "210100094",
            "functional_location": "1010-CWS-01"}]
    }))
}

fn above_70(more: Value) -> Plant {
    let mut alarm = json!({"threshold": {"operator": ">", "value": 70, "hysteresis": 2}, "normal_after": "0s"});
    let (Value::Object(alarm_members), Value::Object(more)) = (&mut alarm, more) else { panic!("objects") };
    alarm_members.extend(more);
    with(alarm)
}

fn check(mut plant: Plant, values: &[(i64, f64)], until: i64, expect: &[&str]) {
    let mut found = Vec::new();
    for (second, value) in values {
        found.extend(moves(&warm(&mut plant, *second, *value)));
    }
    found.extend(moves(&plant.tick(at(until))));
    assert_eq!(found, expect, "{values:?}");
}

#[test]
fn a_threshold_has_hysteresis() {
    let values = [(0, 60.0), (1, 71.0), (2, 69.0), (3, 71.0), (4, 68.1), (5, 68.0)];
    check(above_70(json!({})), &values, 9, &["NORMAL>ACTIVE@1", "ACTIVE>NORMAL@5"]);
}

#[test]
fn a_condition_must_last() {
    let plant = || above_70(json!({"active_after": "10s"}));
    check(plant(), &[(0, 80.0), (5, 60.0), (6, 80.0), (14, 80.0)], 15, &[]);
    check(plant(), &[(0, 80.0), (5, 80.0), (12, 81.0)], 15, &["NORMAL>ACTIVE@10"]);
    check(plant(), &[(0, 80.0)], 15, &["NORMAL>ACTIVE@10"]);
    check(plant(), &[(0, 80.0), (5, 69.0)], 15, &[]);
}

#[test]
fn a_burst_is_judged_by_its_own_times() {
    let mut plant = above_70(json!({"active_after": "10s"}));
    let mut found = Vec::new();
    for (second, value) in [(0, 80.0), (4, 60.0), (20, 80.0), (29, 80.0), (31, 80.0), (40, 60.0)] {
        let fields = [("measurements.temperature", Given::Double(value))];
        found.extend(moves(&read_late(&mut plant, second, 3_600, &fields)));
    }
    assert_eq!(found, ["NORMAL>ACTIVE@31", "ACTIVE>NORMAL@40"]);
}

#[test]
fn flapping_is_one_episode() {
    let mut plant = above_70(json!({"normal_after": "1m"}));
    let events: usize =
        (0..100).map(|n| warm(&mut plant, n * 10, if n % 2 == 0 { 80.0 } else { 60.0 }).events.len()).sum();
    assert_eq!(events, 1);
    let alarm = &plant.alarms_of("a1").expect("there")[0];
    assert_eq!((alarm.episode, alarm.opened_at), (1, Some(at(0))));
    assert_eq!(moves(&plant.tick(at(2_000))), ["ACTIVE>NORMAL@1050"]);
}

#[test]
fn a_latched_alarm_goes_on_with_its_episode() {
    let mut plant = above_70(json!({"acknowledge": true, "events": ["ACTIVE", "LATCHED", "NORMAL"]}));
    let mut ids = Vec::new();
    for (second, value) in [(0, 80.0), (1, 60.0), (2, 80.0), (3, 60.0)] {
        ids.extend(warm(&mut plant, second, value).events.into_iter().map(|event| event.id));
    }
    let (applied, done) = plant.operate(&operation(OperationKind::Acknowledge, 4));
    ids.extend(applied.events.into_iter().map(|event| event.id));
    assert_eq!((moves_of(&plant), done), ("NORMAL".to_owned(), Ok(())));
    let begin = at(0).as_micros();
    assert_eq!(ids, ["ACTIVE", "LATCHED", "NORMAL"].map(|state| format!("hot-1-{begin}-{state}")));
    assert_eq!(warm(&mut plant, 9, 80.0).events[0].id, format!("hot-2-{}-ACTIVE", at(9).as_micros()));
}

fn moves_of(plant: &Plant) -> String {
    plant.alarms_of("a1").expect("there")[0].state.word().to_owned()
}

fn operation(kind: OperationKind, second: i64) -> Operation {
    let (asset, alarm) = ("a1".to_owned(), "hot".to_owned());
    Operation { asset, alarm, kind, at: at(second), by: Some("planner".into()), note: Some("on my way".into()) }
}

#[test]
fn people_ask_and_alarms_answer() {
    use OperationKind::{Acknowledge, Disable, Enable, Reset, Snooze};
    let snooze = Snooze { until: at(100) };
    // What is measured first, what is asked then, and what comes of it.
    for (values, asked, expect) in [
        (&[80.0][..], &[Acknowledge][..], "ACKNOWLEDGED"),
        (&[60.0], &[Acknowledge], "refused: an alarm that is NORMAL cannot be asked to ACKNOWLEDGE"),
        (&[80.0, 60.0], &[Acknowledge], "NORMAL"),
        (&[80.0, 60.0], &[], "LATCHED"),
        (&[80.0], &[Reset], "ACTIVE"),
        (&[60.0], &[Reset], "refused: an alarm that is NORMAL cannot be asked to RESET"),
        (&[60.0], &[snooze], "SNOOZE_DISABLED"),
        (&[80.0], &[snooze, Enable], "ACTIVE"),
        (&[80.0], &[snooze, Reset], "ACTIVE"),
        (&[80.0, 60.0], &[Reset], "NORMAL"),
        (&[80.0], &[Disable], "DISABLED"),
        (&[80.0], &[Disable, Acknowledge], "refused: an alarm that is DISABLED cannot be asked to ACKNOWLEDGE"),
        (&[80.0], &[Disable, Enable], "ACTIVE"),
        (&[60.0], &[Disable, Enable], "NORMAL"),
        (&[80.0], &[Enable], "refused: an alarm that is ACTIVE cannot be asked to ENABLE"),
        (&[80.0], &[Snooze { until: at(3) }], "refused: the time until which an alarm is put aside is over already"),
    ] {
        let mut plant = above_70(json!({"acknowledge": true}));
        for (second, value) in values.iter().enumerate() {
            warm(&mut plant, i64::try_from(second).expect("few"), *value);
        }
        let refused = asked.iter().find_map(|kind| plant.operate(&operation(*kind, 5)).1.err());
        let found = refused.map_or_else(|| moves_of(&plant), |error| format!("refused: {error}"));
        assert_eq!(found, expect, "{values:?} {asked:?}");
    }
}

#[test]
fn a_snooze_ends() {
    let mut plant = above_70(json!({}));
    warm(&mut plant, 0, 80.0);
    plant.operate(&operation(OperationKind::Snooze { until: at(60) }, 5)).1.expect("done");
    assert_eq!(moves(&warm(&mut plant, 10, 90.0)), Vec::<String>::new());
    assert_eq!(plant.next_wake(), Some(at(60)));
    let applied = plant.tick(at(61));
    assert_eq!(moves(&applied), ["SNOOZE_DISABLED>ACTIVE@60"]);
    assert!(applied.events.is_empty(), "the episode has told that it is active");
    plant.operate(&operation(OperationKind::Snooze { until: at(200) }, 70)).1.expect("done");
    warm(&mut plant, 80, 60.0);
    assert_eq!(moves(&plant.tick(at(300))), ["SNOOZE_DISABLED>NORMAL@200"]);
}

#[test]
fn a_disabled_alarm_judges_nothing() {
    let mut plant = above_70(json!({"enabled": false}));
    assert_eq!(moves(&warm(&mut plant, 0, 80.0)), Vec::<String>::new());
    let (applied, done) = plant.operate(&operation(OperationKind::Enable, 1));
    assert_eq!((moves(&applied).join(" "), done), ("DISABLED>NORMAL@1 NORMAL>ACTIVE@1".to_owned(), Ok(())));
    let wrong = Operation { alarm: "cold".into(), ..operation(OperationKind::Reset, 3) };
    assert!(matches!(plant.operate(&wrong).1, Err(OperationError::NoAlarm { .. })));
    let wrong = Operation { asset: "a9".into(), ..wrong };
    assert!(matches!(plant.operate(&wrong).1, Err(OperationError::NoAsset(_))));
}

#[test]
fn what_is_reset_or_enabled_judges_the_latest_value() {
    use OperationKind::{Disable, Enable, Reset};
    let mut plant = above_70(json!({"active_after": "10s"}));
    warm(&mut plant, 0, 80.0);
    plant.tick(at(60));
    let (applied, done) = plant.operate(&operation(Reset, 100));
    assert_eq!((moves(&applied), done), (vec!["ACTIVE>NORMAL@100".to_owned()], Ok(())));
    assert_eq!(moves(&plant.tick(at(200))), ["NORMAL>ACTIVE@110"], "it must last again");
    let mut plant = with(json!({"rate": {"change": 5, "within": "1m"}}));
    warm(&mut plant, 0, 20.0);
    warm(&mut plant, 1, 80.0);
    for kind in [Reset, Disable, Enable] {
        plant.operate(&operation(kind, 2)).1.expect("done");
    }
    assert_eq!(moves_of(&plant), "NORMAL", "that change was told");
}

#[test]
fn silence_is_heard() {
    let mut plant = with(json!({"silence": {"after": "5m"}, "normal_after": "0s"}));
    assert_eq!(plant.next_wake(), None, "a property that never had a value is not silent");
    warm(&mut plant, 0, 20.0);
    warm(&mut plant, 200, 20.0);
    let applied = plant.tick(at(600));
    assert_eq!(moves(&applied), ["NORMAL>ACTIVE@500"]);
    assert_eq!(
        (&applied.events[0].data["value"], &applied.events[0].data["threshold"]),
        (&json!(300.0), &json!(300.0))
    );
    assert_eq!(
        moves(&read_late(&mut plant, 100, 700, &[("measurements.temperature", Given::Double(1.0))])),
        ["ACTIVE>NORMAL@700"]
    );
}

#[test]
fn whose_clock_is_wrong_is_not_silent() {
    let mut plant = with(json!({"silence": {"after": "5m"}, "normal_after": "0s"}));
    warm(&mut plant, 0, 20.0);
    for received in [240, 480, 720] {
        let fields = [("measurements.temperature", Given::Double(20.0))];
        let applied = read_late(&mut plant, -1_000_000_000, received, &fields);
        assert_eq!((applied.changes.len(), applied.refused.len()), (0, 1), "{received}: {applied:?}");
        assert_eq!(moves(&applied), [""; 0], "{received}");
    }
    assert_eq!(moves(&plant.tick(at(1_100))), ["NORMAL>ACTIVE@1020"]);
}

#[test]
fn silence_of_what_is_computed_is_heard() {
    let kinds = [
        (json!({"transform": {"expression": "if(T > 10, T)"}}), 310),
        (json!({"metric": {"expression": "avg(T)", "window": {"tumbling": {"interval": "1m"}}}}), 430),
    ];
    for (kind, expect) in kinds {
        let mut plant = plant(&json!({
            "models": [{"name": "m",
                "properties": [
                    {"name": "T", "data_type": "DOUBLE", "type": {"measurement": {"field": "t"}}},
                    {"name": "P", "data_type": "DOUBLE", "type": kind}],
                "alarms": [{"name": "silent", "property": "P", "silence": {"after": "5m"}}]}],
            "assets": [{"id": "a1", "model": "m", "device": "d1"}]}));
        for (second, value) in [(10, 20.0), (100, 5.0)] {
            read(&mut plant, second, &[("t", Given::Double(value))]);
        }
        assert_eq!(moves(&plant.tick(at(2_000))), [format!("NORMAL>ACTIVE@{expect}")], "{kind}");
    }
}

#[test]
fn silence_begins_anew_when_a_person_says_so() {
    use OperationKind::{Disable, Enable, Reset};
    for (asked, expect) in [(&[Reset][..], 1_000), (&[Disable, Enable], 1_000), (&[Disable, Enable, Disable], 9_999)] {
        let mut plant = with(json!({"silence": {"after": "5m"}}));
        warm(&mut plant, 0, 20.0);
        assert_eq!(moves(&plant.tick(at(600))), ["NORMAL>ACTIVE@300"]);
        for kind in asked {
            plant.operate(&operation(*kind, 700)).1.expect("done");
        }
        assert_eq!(moves(&plant.tick(at(999))), Vec::<String>::new(), "{asked:?}");
        let found = moves(&plant.tick(at(2_000)));
        assert_eq!(found.first().cloned(), (expect < 2_000).then(|| format!("NORMAL>ACTIVE@{expect}")), "{asked:?}");
    }
}

#[test]
fn a_rate_of_change_is_measured_over_its_span() {
    let rate = |direction: &str| {
        with(json!({"rate": {"change": 5, "within": "1m", "direction": direction}, "normal_after": "0s"}))
    };
    let rising = [(0, 20.0), (30, 22.0), (59, 26.0), (125, 27.0)];
    check(rate("rising"), &rising, 130, &["NORMAL>ACTIVE@59", "ACTIVE>NORMAL@125"]);
    check(rate("falling"), &rising, 130, &[]);
    check(rate("either"), &[(0, 20.0), (30, 14.0)], 130, &["NORMAL>ACTIVE@30"]);
    check(rate("rising"), &[(0, 20.0), (61, 26.0), (122, 32.0)], 130, &[]);
    check(rate("rising"), &[(0, 20.0), (1, 10.0), (2, 20.0)], 10, &["NORMAL>ACTIVE@2"]);
}

#[test]
fn a_limit_may_be_an_attribute() {
    let plant = with(json!({"threshold": {"operator": "GREATER", "value": {"attribute": "Limit"}}}));
    check(plant, &[(0, 70.0), (1, 70.5)], 2, &["NORMAL>ACTIVE@1"]);
}

#[test]
fn an_event_says_what_a_sitewise_alarm_says_and_more() {
    let mut plant = above_70(json!({"severity": 2, "events": ["ACTIVE", "ACKNOWLEDGED"]}));
    let event = warm(&mut plant, 0, 71.5).events.remove(0);
    assert_eq!(event.kind, "com.amazon.iotsitewise.alarm");
    assert_eq!(
        (event.source.as_str(), event.subject.as_deref(), event.time),
        ("/andon/assets/a1", Some("a1"), Some(at(0)))
    );
    let rule = json!({"inputProperty": 71.5, "operator": "GREATER", "threshold": 70.0});
    assert_eq!(
        event.data,
        json!({
            "asset_id": "a1", "asset_name": "Press 1", "model": "press", "property_id": "hot",
            "property": "Temperature", "unit": "C", "alias": "d1Temperature", "state": "ACTIVE", "value": 71.5,
            "operator": "GREATER", "threshold": 70.0, "severity": 2, "episode": 1,
            "opened_at": "2026-03-05T14:00:00Z", "equipment": "210100094", "functional_location": "1010-CWS-01",
            "timestamp": "2026-03-05T14:00:00Z",
            "detail": {"stateName": "ACTIVE", "ruleEvaluation": {"simpleRule": rule}}
        })
    );
    let event = plant.operate(&operation(OperationKind::Acknowledge, 5)).0.events.remove(0);
    assert_eq!((&event.data["action"], &event.data["note"]), (&json!("ACKNOWLEDGE"), &json!("on my way")));
    assert_eq!(
        event.data["detail"]["customerAction"],
        json!({"actionName": "ACKNOWLEDGE", "acknowledge": {"note": "on my way"}})
    );
}

#[test]
fn time_that_ran_ahead_of_a_reading_changes_no_id() {
    let run = |ahead: Option<i64>| {
        let mut plant = above_70(json!({"active_after": "10s"}));
        ahead.map(|second| plant.tick(at(second)));
        let mut events = warm(&mut plant, 0, 80.0).events;
        events.extend(plant.tick(at(60)).events);
        events
    };
    assert_eq!(run(None), run(Some(5)));
    assert_eq!(run(None)[0].id, format!("hot-1-{}-ACTIVE", at(10).as_micros()));
}

#[test]
fn late_values_do_not_judge() {
    let mut plant = above_70(json!({}));
    warm(&mut plant, 100, 60.0);
    let late = read_late(&mut plant, 50, 101, &[("measurements.temperature", Given::Double(90.0))]);
    assert_eq!(moves(&late), Vec::<String>::new());
    let bad = read(&mut plant, 102, &[("measurements.temperature", Given::Text("hot"))]);
    assert_eq!(moves(&bad), Vec::<String>::new());
}
