//! Measurements, transforms and metrics.

use andon_assets::{Given, Limits, Plant, Put, PutTo, Quality, RefusedWhy};
use serde_json::{Value, json};

use crate::common::{at, changes, latest, plant, read, read_late, warm};

/// Asset `a1` of a model with these properties beside the measurement `Temperature`.
fn with(properties: &[Value]) -> Plant {
    let temperature = json!({"name": "Temperature", "data_type": "DOUBLE", "unit": "C", "type": {"measurement": {}}});
    let all: Vec<&Value> = std::iter::once(&temperature).chain(properties).collect();
    plant(&json!({"models": [{"name": "m", "alias": "{device}{property}", "properties": all}],
        "assets": [{"id": "a1", "model": "m", "device": "d1"}]}))
}

fn transform(name: &str, expression: &str) -> Value {
    json!({"name": name, "data_type": "DOUBLE", "type": {"transform": {"expression": expression}}})
}

fn metric(name: &str, expression: &str, interval: &str) -> Value {
    json!({"name": name, "data_type": "DOUBLE",
        "type": {"metric": {"expression": expression, "window": {"tumbling": {"interval": interval}}}}})
}

#[test]
fn values_have_their_property_s_type() {
    let mut plant = with(&[json!({"name": "Count", "data_type": "INTEGER", "type": {"measurement": {}}})]);
    let fields = [
        ("measurements.temperature", Given::Text("20.75")),
        ("measurements.count", Given::Double(3.0)),
        ("measurements.other", Given::Integer(1)),
    ];
    let applied = read(&mut plant, 0, &fields);
    assert_eq!(changes(&applied), ["Temperature 20.75@0", "Count 3@0"]);
    let applied = read(&mut plant, 1, &[("measurements.count", Given::Text("many"))]);
    assert_eq!(applied.refused[0].why, RefusedWhy::WrongType);
    assert_eq!(plant.value("a1", "Count").expect("there").refused, 1);
    assert_eq!(latest(&plant, "Count"), json!(3));
}

#[test]
fn transforms_follow_in_order_and_once() {
    let mut plant = with(&[
        transform("Both", "Double + Half"),
        transform("Double", "Temperature * 2"),
        transform("Half", "Temperature / 2"),
    ]);
    let applied = warm(&mut plant, 0, 10.0);
    assert_eq!(changes(&applied)[0], "Temperature 10.0@0");
    assert_eq!(changes(&applied).last().map(String::as_str), Some("Both 25.0@0"));
    assert_eq!(applied.changes.len(), 4);
}

#[test]
fn a_formula_without_a_result_gives_no_value() {
    let mut plant = with(&[transform("Hot", "if(Temperature > 40, Temperature)"), transform("Odd", "1 / Temperature")]);
    assert_eq!(changes(&warm(&mut plant, 0, 10.0)), ["Temperature 10.0@0", "Odd 0.1@0"]);
    assert_eq!(changes(&warm(&mut plant, 1, 0.0)), ["Temperature 0.0@1"]);
    assert_eq!(latest(&plant, "Odd"), json!(0.1));
}

#[test]
fn a_formula_that_cannot_be_computed_is_counted() {
    let mut half = transform("Half", "Temperature / 2");
    half["data_type"] = json!("INTEGER");
    let mut plant = with(&[half, transform("Large", "Temperature ^ 20 * 1000")]);
    assert!(warm(&mut plant, 0, 4.0).refused.is_empty());
    let applied = warm(&mut plant, 1, 1e4 + 1.0);
    assert_eq!(applied.refused.iter().map(|refused| refused.why).collect::<Vec<_>>(), [RefusedWhy::NotComputed; 2]);
    let faults = |property| plant.value("a1", property).map(|view| (view.faults, view.fault.unwrap_or_default()));
    assert_eq!(faults("Half"), Some((1, "5000.5 is no value of type Integer".to_owned())));
    assert!(faults("Large").is_some_and(|(count, why)| count == 1 && !why.is_empty()), "{:?}", faults("Large"));
    assert_eq!(latest(&plant, "Half"), json!(2));
}

#[test]
fn times_are_whole_seconds() {
    let mut when = transform("When", "timestamp(Temperature)");
    when["data_type"] = json!("INTEGER");
    let mut last = metric("Last", "timestamp(last(Temperature))", "1m");
    last["data_type"] = json!("INTEGER");
    let mut plant = with(&[when, last]);
    let ts = andon_model::Timestamp::from_micros(at(5).as_micros() + 700_000);
    let to = PutTo::Property { asset: "a1", property: "Temperature" };
    plant.put(&Put { to, ts, received: at(6), quality: Quality::Good, value: Given::Double(1.0) });
    plant.tick(at(100));
    assert_eq!((latest(&plant, "When"), latest(&plant, "Last")), (json!(1_772_719_205), json!(1_772_719_205)));
}

#[test]
fn only_good_values_count() {
    let mut plant = with(&[transform("Double", "Temperature * 2"), metric("Mean", "avg(Temperature)", "1m")]);
    let put = |quality, second: i64| Put {
        to: PutTo::Alias("d1Temperature"),
        ts: at(second),
        received: at(second),
        quality,
        value: Given::Double(50.0),
    };
    assert_eq!(changes(&plant.put(&put(Quality::Bad, 0))), ["Temperature 50.0@0"]);
    assert_eq!(latest(&plant, "Double"), Value::Null);
    plant.put(&put(Quality::Good, 1));
    assert_eq!(latest(&plant, "Double"), json!(100.0));
    plant.put(&put(Quality::Uncertain, 2));
    assert_eq!(changes(&plant.tick(at(70))), ["Mean 50.0@60"]);
}

#[test]
fn metrics_close_their_windows() {
    let mut plant = with(&[
        metric("Mean", "avg(Temperature)", "1m"),
        metric("Span", "max(Temperature) - min(Temperature)", "1m"),
        metric("Count", "count(Temperature)", "2m"),
    ]);
    for (second, temperature) in [(0, 10.0), (30, 20.0), (59, 30.0)] {
        assert_eq!(warm(&mut plant, second, temperature).changes.len(), 1);
    }
    assert_eq!(changes(&warm(&mut plant, 69, 5.0)), ["Temperature 5.0@69"], "the window waits ten seconds");
    let closed = changes(&warm(&mut plant, 70, 7.0));
    assert_eq!(closed, ["Mean 20.0@60", "Span 20.0@60", "Temperature 7.0@70"]);
    assert_eq!(changes(&plant.tick(at(129))), Vec::<String>::new());
    assert_eq!(changes(&plant.tick(at(130))), ["Mean 6.0@120", "Span 2.0@120", "Count 5.0@120"]);
    assert_eq!(changes(&plant.tick(at(100_000))), Vec::<String>::new(), "windows without values give none");
}

#[test]
fn late_values_are_kept_and_counted_where_they_belong() {
    let mut plant = with(&[
        transform("Double", "Temperature * 2"),
        metric("Mean", "avg(Temperature)", "1m"),
        metric("Doubles", "sum(Double)", "1m"),
    ]);
    warm(&mut plant, 30, 10.0);
    warm(&mut plant, 62, 50.0);
    let late = read_late(&mut plant, 40, 65, &[("measurements.temperature", Given::Double(20.0))]);
    assert_eq!(changes(&late), ["Temperature 20.0@40 late", "Double 40.0@40 late"]);
    assert_eq!(latest(&plant, "Temperature"), json!(50.0));
    assert_eq!(changes(&plant.tick(at(71))), ["Mean 15.0@60", "Doubles 60.0@60"]);
    read_late(&mut plant, 41, 75, &[("measurements.temperature", Given::Double(99.0))]);
    let mean = plant.value("a1", "Mean").expect("there");
    assert_eq!((mean.too_late, mean.latest.and_then(|p| p.value.number())), (1, Some(15.0)));
    let recent: Vec<_> = plant.recent("a1", "Temperature").expect("there").filter_map(|p| p.value.number()).collect();
    assert_eq!(recent, [10.0, 20.0, 99.0, 50.0]);
    assert_eq!(plant.value("a1", "Temperature").expect("there").late, 2);
}

#[test]
fn the_same_reading_twice_counts_once() {
    let mut plant = with(&[metric("Count", "count(Temperature)", "1m")]);
    assert_eq!(warm(&mut plant, 5, 10.0).changes.len(), 1);
    assert_eq!(warm(&mut plant, 5, 10.0).changes.len(), 0);
    assert_eq!(changes(&plant.tick(at(100))), ["Count 1.0@60"]);
}

#[test]
fn times_far_away_are_refused() {
    let mut plant = with(&[]);
    let mut why = |second, received| {
        let applied = read_late(&mut plant, second, received, &[("measurements.temperature", Given::Double(1.0))]);
        applied.refused.first().map(|refused| refused.why)
    };
    assert_eq!(why(0, 7 * 86_400), None);
    assert_eq!(why(-1, 7 * 86_400), Some(RefusedWhy::OutOfRange));
    assert_eq!(why(8 * 86_400 + 600, 8 * 86_400), None);
    assert_eq!(why(8 * 86_400 + 601, 8 * 86_400), Some(RefusedWhy::OutOfRange));
}

#[test]
fn metrics_of_metrics_see_whole_windows() {
    let mut plant = with(&[metric("Mean", "avg(Temperature)", "1m"), metric("Peak", "max(Mean)", "5m")]);
    for minute in 0..5 {
        warm(&mut plant, minute * 60 + 30, 10.0 * minute as f64);
    }
    assert_eq!(changes(&plant.tick(at(310))), ["Mean 40.0@300", "Peak 40.0@300"]);
}

#[test]
fn the_first_and_the_last_value_are_known() {
    let mut plant = with(&[
        metric("Rise", "last(Temperature) - first(Temperature)", "1m"),
        metric("Begin", "earliest(Temperature)", "1m"),
        metric("When", "timestamp(latest(Temperature))", "1m"),
        metric("Noise", "stdev(Temperature)", "1m"),
    ]);
    for (second, temperature) in [(10, 10.0), (50, 14.0), (70, 20.0), (110, 24.0)] {
        warm(&mut plant, second, temperature);
    }
    plant.tick(at(130));
    assert_eq!(latest(&plant, "Rise"), json!(4.0));
    assert_eq!(latest(&plant, "Begin"), json!(14.0));
    assert_eq!(latest(&plant, "When"), json!(1_772_719_310.0));
    assert_eq!(latest(&plant, "Noise"), json!(2.0));
}

#[test]
fn parents_see_the_values_of_their_parts() {
    let definition = json!({
        "models": [
            {"name": "line", "hierarchies": [{"name": "machines", "model": "m"}], "properties": [
                {"name": "Warmest", "data_type": "DOUBLE", "type": {"metric": {"expression": "max(t)",
                    "variables": [{"name": "t", "value": {"property": "Temperature", "hierarchy": "machines"}}],
                    "window": {"tumbling": {"interval": "1m"}}}}}]},
            {"name": "m", "properties": [{"name": "Temperature", "data_type": "DOUBLE", "type": {"measurement": {}}}]}
        ],
        "assets": [
            {"id": "a1", "model": "m", "device": "d1", "parent": {"asset": "line-1", "hierarchy": "machines"}},
            {"id": "a2", "model": "m", "device": "d2", "parent": {"asset": "line-1", "hierarchy": "machines"}},
            {"id": "a3", "model": "m", "device": "d3"},
            {"id": "line-1", "model": "line"}
        ]
    });
    let mut plant = plant(&definition);
    for (asset, value) in [("a1", 10.0), ("a2", 30.0), ("a3", 99.0)] {
        let to = PutTo::Property { asset, property: "Temperature" };
        let (ts, quality, value) = (at(5), Quality::Good, Given::Double(value));
        plant.put(&Put { to, ts, received: ts, quality, value });
    }
    let applied = plant.tick(at(70));
    assert_eq!((changes(&applied), applied.changes[0].asset.as_ref()), (vec!["Warmest 30.0@60".into()], "line-1"));
    assert_eq!(plant.asset("line-1").expect("there").parts, ["a1", "a2"]);
    assert_eq!(plant.roots().map(|asset| asset.id).collect::<Vec<_>>(), ["a3", "line-1"]);
}

#[test]
fn a_part_whose_clock_is_ahead_takes_nothing_from_the_others() {
    let count = json!({"metric": {"expression": "count(t)", "window": {"tumbling": {"interval": "1m"}},
        "variables": [{"name": "t", "value": {"property": "T", "hierarchy": "parts"}}]}});
    let parent = json!({"asset": "hall", "hierarchy": "parts"});
    let mut plant = plant(&json!({
        "models": [
            {"name": "hall", "hierarchies": [{"name": "parts", "model": "m"}],
                "properties": [{"name": "Count", "data_type": "INTEGER", "type": count}]},
            {"name": "m", "properties": [{"name": "T", "data_type": "DOUBLE", "type": {"measurement": {}}}]}],
        "assets": [{"id": "hall", "model": "hall"}, {"id": "k1", "model": "m", "parent": parent},
            {"id": "k2", "model": "m", "parent": parent}]}));
    let mut put = |asset, second: i64, received: i64| {
        let to = PutTo::Property { asset, property: "T" };
        let (ts, received, quality) = (at(second), at(received), Quality::Good);
        plant.put(&Put { to, ts, received, quality, value: Given::Double(1.0) })
    };
    put("k1", 540, 0);
    for second in 0..10 {
        put("k2", second, second);
    }
    let closed: Vec<_> = [70, 610].into_iter().flat_map(|second| changes(&plant.tick(at(second)))).collect();
    assert_eq!(closed, ["Count 10@60", "Count 1@600"]);
    assert_eq!(plant.value("hall", "Count").expect("there").too_late, 0);
}

#[test]
fn memory_stays_within_its_limit() {
    let definition = json!({"models": [{"name": "m", "discover": {"capability_models": ["x*"]},
        "properties": [{"name": "Text", "data_type": "STRING", "type": {"measurement": {}}}]}]});
    let definition = andon_assets::definition::PlantDefinition::read(&definition).expect("right");
    let limits = Limits { assets: 50, recent_bytes: 100_000, ..Limits::default() };
    let mut plant = Plant::new(&definition, limits).expect("right");
    let text = "x".repeat(1_000);
    for n in 0..2_000 {
        let device = format!("d{}", n % 60);
        let fields = [
            ("device.deviceid", Given::Text(&device)),
            ("device.capabilitymodelid", Given::Text("x1")),
            ("measurements.text", Given::Text(&text)),
        ];
        read(&mut plant, n, &fields);
        assert!(plant.recent_bytes() <= limits.recent_bytes, "after {n}");
    }
    assert_eq!(plant.asset_count(), 50);
}
