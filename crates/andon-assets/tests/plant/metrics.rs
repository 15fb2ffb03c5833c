//! Windows that grow value by value have what a list of all values would give.

use std::collections::BTreeMap;

use andon_assets::{Applied, Plant};
use proptest::prelude::*;
use serde_json::json;

use crate::common::{BEGIN, at, plant, read_late};

const FUNCTIONS: [&str; 8] = ["avg", "sum", "min", "max", "count", "stdev", "first", "last"];

fn all_functions() -> Plant {
    let metric = |name: &&str| {
        json!({"name": name, "data_type": "DOUBLE", "type": {"metric": {"expression": format!("{name}(T)"),
            "window": {"tumbling": {"interval": "1m", "lateness": "30s"}}}}})
    };
    let mut properties: Vec<_> = FUNCTIONS.iter().map(metric).collect();
    properties.push(json!({"name": "T", "data_type": "DOUBLE", "type": {"measurement": {"field": "t"}}}));
    plant(&json!({"models": [{"name": "m", "properties": properties}],
        "assets": [{"id": "a1", "model": "m", "device": "d1"}]}))
}

/// What a function gives for all values of a window, in the order of their times.
fn from_list(function: &str, values: &[f64]) -> f64 {
    let (count, sum) = (values.len() as f64, values.iter().sum::<f64>());
    let mean = sum / count;
    match function {
        "avg" => mean,
        "sum" => sum,
        "min" => values.iter().copied().fold(f64::INFINITY, f64::min),
        "max" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        "count" => count,
        "stdev" => (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt(),
        "first" => values[0],
        _ => values[values.len() - 1],
    }
}

/// The windows that were told: values by property and end.
fn told(applied: Vec<Applied>) -> BTreeMap<(String, i64), f64> {
    let changes = applied.into_iter().flat_map(|applied| applied.changes);
    let windows = changes.filter(|change| change.property.as_ref() != "T");
    let entry = |change: andon_assets::Change| {
        let end = change.point.ts.as_micros() / 1_000_000 - BEGIN;
        ((change.property.to_string(), end), change.point.value.number().expect("a number"))
    };
    windows.map(entry).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Values up to 30 seconds out of order, which is the lateness: none is lost, none counts twice.
    #[test]
    fn windows_have_every_value(steps in prop::collection::vec((1_i64..15, 0_i64..30, -50.0_f64..50.0), 1..150)) {
        let mut plant = all_functions();
        let (mut now, mut windows, mut applied) = (100, BTreeMap::<i64, BTreeMap<i64, f64>>::new(), Vec::new());
        for (wait, late, value) in steps {
            now += wait;
            let second = now - late;
            let window = windows.entry(second.div_euclid(60) * 60 + 60).or_default();
            if window.contains_key(&second) {
                continue;
            }
            window.insert(second, value);
            applied.push(read_late(&mut plant, second, now, &[("t", andon_assets::Given::Double(value))]));
        }
        applied.push(plant.tick(at(now + 100)));
        let found = told(applied);
        prop_assert_eq!(found.len(), windows.len() * FUNCTIONS.len());
        for ((function, end), value) in found {
            let values: Vec<f64> = windows[&end].values().copied().collect();
            let expect = from_list(&function, &values);
            prop_assert!((value - expect).abs() < 1e-9, "{function} up to {end}: {value}, not {expect}");
        }
        prop_assert_eq!(plant.value("a1", "avg").expect("there").too_late, 0);
    }
}
