//! The same inputs give the same state and events, however they are cut.

use andon_assets::definition::PlantDefinition;
use andon_assets::{Applied, Given, Limits, Measured, Operation, OperationKind, Plant, Quality, Snapshot};
use andon_model::SpeaksFor;
use proptest::prelude::*;
use serde_json::json;

use crate::common::at;

#[derive(Debug, Clone)]
enum Input {
    /// Device, seconds measured and received, temperature.
    Read(u8, i64, i64, f64),
    Tick(i64),
    Operate(u8, i64, u8),
}

fn new_plant() -> Plant {
    let definition = json!({"models": [
        {"name": "line", "hierarchies": [{"name": "machines", "model": "m"}], "properties": [
            {"name": "Warmest", "data_type": "DOUBLE", "type": {"metric": {"expression": "max(t)",
                "variables": [{"name": "t", "value": {"property": "T", "hierarchy": "machines"}}],
                "window": {"tumbling": {"interval": "1m", "lateness": "20s"}}}}}]},
        {"name": "m", "alias": "{device}{property}",
         "discover": {"topics": ["data/{device}"], "parent": {"asset": "line-1", "hierarchy": "machines"}},
         "properties": [
            {"name": "Device", "data_type": "STRING", "type": {"attribute": {"from": "{device}"}}},
            {"name": "T", "data_type": "DOUBLE", "type": {"measurement": {"field": "t"}}},
            {"name": "F", "data_type": "DOUBLE", "type": {"transform": {"expression": "T * 9 / 5 + 32"}}},
            {"name": "Mean", "data_type": "DOUBLE", "type": {"metric": {"expression": "avg(F) + stdev(F)",
                "window": {"tumbling": {"interval": "1m"}}}}},
            {"name": "Peak", "data_type": "DOUBLE", "type": {"metric": {"expression": "latest(Mean)",
                "window": {"tumbling": {"interval": "5m"}}}}}],
         "alarms": [
            {"name": "hot", "property": "T", "threshold": {"operator": ">", "value": 70, "hysteresis": 5},
             "active_after": "5s", "normal_after": "20s", "acknowledge": true,
             "events": ["NORMAL", "ACTIVE", "ACKNOWLEDGED", "LATCHED", "SNOOZE_DISABLED", "DISABLED"]},
            {"name": "jump", "property": "T", "rate": {"change": 30, "within": "30s"}},
            {"name": "mean", "property": "Mean", "threshold": {"operator": ">=", "value": 160}},
            {"name": "silent", "property": "T", "silence": {"after": "45s"}}]}],
        "assets": [{"id": "line-1", "model": "line"}]});
    let definition = PlantDefinition::read(&definition).expect("shapes are right");
    let limits = Limits { recent_points: 8, ..Limits::default() };
    Plant::new(&definition, limits).expect("definitions are right")
}

fn feed(plant: &mut Plant, input: &Input) -> Applied {
    match input {
        Input::Read(device, ts, received, temperature) => {
            let (device, topic) = (format!("d{device}"), format!("data/d{device}"));
            let fields = [("t", Given::Double(*temperature))];
            let (ts, received, quality) = (at(*ts), at(*received), Quality::Good);
            let (device, topic, speaks_for) = (device.as_str(), topic.as_str(), &SpeaksFor::Anyone);
            plant.apply(&Measured { device, topic, speaks_for, ts, received, quality, fields: &fields })
        }
        Input::Tick(second) => plant.tick(at(*second)),
        Input::Operate(device, second, kind) => {
            let kind = match kind {
                0 => OperationKind::Acknowledge,
                1 => OperationKind::Snooze { until: at(*second + 40) },
                2 => OperationKind::Reset,
                3 => OperationKind::Enable,
                _ => OperationKind::Disable,
            };
            let (asset, alarm) = (format!("d{device}"), "hot".to_owned());
            plant.operate(&Operation { asset, alarm, kind, at: at(*second), by: None, note: None }).0
        }
    }
}

/// Inputs in the order of their receipt, some measured earlier.
fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let one = (0_u8..10, 0_u8..3, 0_i64..20, prop_oneof![3 => Just(0_i64), 1 => 0_i64..90], 0_u8..5, 40_u8..100);
    prop::collection::vec(one, 1..120).prop_map(|steps| {
        let mut now = 0;
        let mut input = |(what, device, wait, late, kind, temperature): (u8, u8, i64, i64, u8, u8)| {
            now += wait;
            match what {
                0 => Input::Tick(now),
                1 => Input::Operate(device, now, kind),
                _ => Input::Read(device, now - late, now, f64::from(temperature)),
            }
        };
        steps.into_iter().map(&mut input).collect()
    })
}

fn run(plant: &mut Plant, inputs: &[Input]) -> Vec<Applied> {
    inputs.iter().map(|input| feed(plant, input)).collect()
}

fn restarted(plant: &Plant) -> Plant {
    let text = serde_json::to_string(&plant.snapshot()).expect("serialises");
    let snapshot: Snapshot = serde_json::from_str(&text).expect("reads");
    let mut fresh = new_plant();
    let restored = fresh.restore(snapshot);
    assert_eq!((restored.assets, restored.left_out), (plant.asset_count(), vec![]));
    fresh
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_changes_nothing(inputs in inputs(), cut in 0_usize..120) {
        let cut = cut.min(inputs.len());
        let mut straight = new_plant();
        let told = run(&mut straight, &inputs);
        let mut first = new_plant();
        run(&mut first, &inputs[..cut]);
        let mut second = restarted(&first);
        prop_assert_eq!(second.snapshot(), first.snapshot());
        prop_assert_eq!(&run(&mut second, &inputs[cut..])[..], &told[cut..]);
        prop_assert_eq!(second.snapshot(), straight.snapshot());
        prop_assert_eq!(second.recent_bytes(), straight.recent_bytes());
    }

    #[test]
    fn time_may_pass_in_any_steps(inputs in inputs(), step in 1_i64..30) {
        let (mut straight, mut ticking) = (new_plant(), new_plant());
        let mut ids = (Vec::new(), Vec::new());
        for input in &inputs {
            let until = match input {
                Input::Read(_, _, second, _) | Input::Tick(second) | Input::Operate(_, second, _) => *second,
            };
            let mut second = ticking.now().as_micros() / 1_000_000 - crate::common::BEGIN;
            while second > 0 && second + step < until {
                second += step;
                ids.1.extend(ticking.tick(at(second)).events);
            }
            ids.0.extend(feed(&mut straight, input).events);
            ids.1.extend(feed(&mut ticking, input).events);
        }
        let last = straight.now().max(ticking.now());
        ids.0.extend(straight.tick(last).events);
        ids.1.extend(ticking.tick(last).events);
        prop_assert_eq!(ids.0, ids.1);
        prop_assert_eq!(straight.snapshot(), ticking.snapshot());
    }

    #[test]
    fn an_alarm_has_one_open_episode_and_tells_each_state_once(inputs in inputs()) {
        let mut plant = new_plant();
        let mut ids = std::collections::HashSet::new();
        let mut open = std::collections::HashMap::new();
        for applied in run(&mut plant, &inputs) {
            for event in applied.events {
                prop_assert!(ids.insert((event.source.clone(), event.id.clone())), "twice: {}", event.id);
            }
            for moved in applied.transitions {
                let key = (moved.asset.clone(), moved.alarm.clone());
                let known = open.entry(key).or_insert((0, false));
                if moved.episode != known.0 {
                    prop_assert!(!known.1, "a second episode while one is open: {moved:?}");
                    prop_assert_eq!(moved.episode, known.0 + 1);
                    prop_assert_eq!(moved.to.word(), "ACTIVE");
                }
                let ends = matches!(moved.to.word(), "NORMAL" | "DISABLED");
                *known = (moved.episode, if ends { false } else { known.1 || moved.to.word() == "ACTIVE" });
            }
        }
    }

    #[test]
    fn flapping_never_opens_two_episodes(values in prop::collection::vec((0_i64..20, 0_u8..2), 1..200)) {
        let mut plant = new_plant();
        let mut now = 0;
        for (wait, hot) in values {
            now += wait;
            feed(&mut plant, &Input::Read(1, now, now, if hot == 1 { 90.0 } else { 10.0 }));
            feed(&mut plant, &Input::Read(1, now, now, 90.0));
        }
        let alarms = plant.alarms_of("d1").expect("there");
        prop_assert!(alarms.iter().find(|alarm| alarm.alarm == "hot").expect("there").episode <= 1);
    }

    #[test]
    fn within_the_band_nothing_happens(values in prop::collection::vec(65.001_f64..70.0, 1..100), hot in any::<bool>()) {
        let mut plant = new_plant();
        let first = if hot { 90.0 } else { 20.0 };
        for second in 0..10 {
            feed(&mut plant, &Input::Read(1, second, second, first));
        }
        let before = plant.alarms_of("d1").expect("there")[0].clone();
        for (second, value) in (10..).zip(values) {
            feed(&mut plant, &Input::Read(1, second, second, value));
        }
        let after = &plant.alarms_of("d1").expect("there")[0];
        prop_assert_eq!((before.state, before.episode, before.since), (after.state, after.episode, after.since));
    }
}
