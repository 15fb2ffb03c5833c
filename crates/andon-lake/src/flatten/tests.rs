//! Flattening: golden tables, limits, and what holds for any payloads.

use std::fmt::Write as _;

use andon_model::{IngestId, Reading, SpeaksFor, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FlattenFault, FlattenLimits, Flattener, Row, Scalar, Schema, event_time};

fn reading(id: u64, payload: &str) -> Reading {
    let received = Timestamp::from_micros(1_772_719_200_000_000);
    let (device, topic, speaks_for) = ("d".into(), "t".into(), SpeaksFor::Anyone);
    Reading { id: IngestId(id), received, device, topic, speaks_for, payload: payload.as_bytes().to_vec() }
}

fn flattener() -> Flattener {
    Flattener::new(Schema::new("flat"), FlattenLimits::default())
}

/// One line per row: table, id and index, and the values with their columns.
fn text(flattener: &Flattener, rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let table = &flattener.schema().tables[row.table];
        let element = row.element.as_ref().map(|(id, index)| format!(" [{id} {index}]")).unwrap_or_default();
        let value = |(column, value): &(usize, Scalar)| format!(" {}={value:?}", table.columns[*column].name);
        let values: String = row.values.iter().map(value).collect();
        writeln!(out, "{}{element}{values}", table.name).expect("text");
    }
    out
}

#[track_caller]
fn check(payloads: &[&str], expect: &str) {
    let mut flattener = flattener();
    let mut out = String::new();
    for (payload, id) in payloads.iter().zip(1..) {
        let flat = flattener.flatten(&reading(id, payload)).expect("flattened");
        out += &text(&flattener, &flat.rows);
    }
    let expect: Vec<_> = expect.trim().lines().map(str::trim).collect();
    assert_eq!(out.lines().collect::<Vec<_>>(), expect);
}

#[test]
fn members_become_columns_and_the_first_type_keeps_the_name() {
    check(
        &[
            r#"{"device":{"deviceId":"d1"},"measurements":{"temperature":21,"occupied":true,"none":null}}"#,
            r#"{"device":{"deviceId":"d2"},"measurements":{"temperature":21.5}}"#,
            r#"{"measurements":{"temperature":"20.75"}}"#,
            r#"{"measurements":{"temperature":false}}"#,
            r#"{"measurements":{"temperature":{"indoor":19}}}"#,
            r#"{"measurements":{"temperature":22}}"#,
        ],
        r#"
        flat device.deviceid=String("d1") measurements.temperature=Int(21) measurements.occupied=Boolean(true)
        flat device.deviceid=String("d2") measurements.temperature.double=Double(21.5)
        flat measurements.temperature.string=String("20.75")
        flat measurements.temperature.boolean=Boolean(false)
        flat measurements.temperature.indoor=Int(19)
        flat measurements.temperature=Int(22)
        "#,
    );
}

#[test]
fn arrays_become_child_tables() {
    check(
        &[
            r#"{"history":[1,2],"tags":[{"k":"line","v":4},{"k":"hall","v":"3"}]}"#,
            r#"{"history":[],"tags":null}"#,
            r#"{"history":"none"}"#,
        ],
        r#"
        flat history=Array("1") tags=Array("1")
        flat_history [1 0] history.val=Int(1)
        flat_history [1 1] history.val=Int(2)
        flat_tags [1 0] tags.val.k=String("line") tags.val.v=Int(4)
        flat_tags [1 1] tags.val.k=String("hall") tags.val.v.string=String("3")
        flat history=Array("2")
        flat history.string=String("none")
        "#,
    );
}

#[test]
fn arrays_in_arrays_have_tables_of_their_own() {
    check(
        &[r#"{"m":[[1,2],[],null,[3]],"o":[{"p":[true]}]}"#],
        r#"
        flat m=Array("1") o=Array("1")
        flat_m [1 0] m.val=Array("1.0")
        flat_m [1 1] m.val=Array("1.1")
        flat_m [1 2]
        flat_m [1 3] m.val=Array("1.3")
        flat_o [1 0] o.val.p=Array("1.0")
        flat_m.val [1.0 0] m.val.val=Int(1)
        flat_m.val [1.0 1] m.val.val=Int(2)
        flat_m.val [1.3 0] m.val.val=Int(3)
        flat_o.val.p [1.0 0] o.val.p.val=Boolean(true)
        "#,
    );
}

#[test]
fn names_that_clash_are_numbered_in_order() {
    check(
        &[
            r#"{"m":{"Temperature":1,"temperature":2,"TEMPERATURE":3},"ts":4,"a.b":5,"a":{"b":6},"x y":7,"x,y":8,"":9}"#,
            r#"{"m":{"TEMPERATURE":3,"temperature":"2"},"a":{"b":6}}"#,
            r#"{"List":[1],"list":[2]}"#,
        ],
        r#"
        flat m.temperature=Int(1) m.temperature__2=Int(2) m.temperature__3=Int(3) ts__2=Int(4) a.b=Int(5) a.b__2=Int(6) x_y=Int(7) x_y__2=Int(8) _=Int(9)
        flat m.temperature__3=Int(3) m.temperature.string=String("2") a.b__2=Int(6)
        flat list=Array("3") list__2=Array("3")
        flat_list [3 0] list.val=Int(1)
        flat_list__2 [3 0] list.val=Int(2)
        "#,
    );
}

#[test]
fn payloads_that_are_no_objects_have_a_value() {
    check(
        &["21.5", "\"on\"", "[1]", "null", "18446744073709551615"],
        r#"
        flat value=Double(21.5)
        flat value.string=String("on")
        flat value.array=Array("3")
        flat_value [3 0] value.val=Int(1)
        flat
        flat value=Double(1.8446744073709552e19)
        "#,
    );
}

/// A refused reading leaves nothing behind.
#[test]
fn limits_are_told_and_nothing_stays() {
    let limits = FlattenLimits { columns: 3, tables: 2, rows: 4 };
    let mut flattener = Flattener::new(Schema::new("flat"), limits);
    flattener.flatten(&reading(1, r#"{"a":1,"b":[1]}"#)).expect("within");
    let before = flattener.schema().clone();
    let long = format!("{{\"{}\":1}}", "x".repeat(300));
    let cases = [
        (r#"{"c":1,"d":2}"#, "table flat would get more than 3 columns, the first of them d"),
        (r#"{"c":[1]}"#, "there would be more than 2 tables, the first of them for the array c"),
        (r#"{"c":1,"b":[1,2,3,4]}"#, "the reading gives more than 4 rows"),
        (&long, "a name of 300 bytes, at most 247 are allowed"),
        ("{\"c\":1", "the payload is not JSON: EOF while parsing an object at line 1 column 6"),
        ("1e999", "the payload is not JSON: number out of range"),
        ("\u{1}", "the payload is not JSON: expected value at line 1 column 1"),
    ];
    for (payload, expect) in cases {
        let fault = flattener.flatten(&reading(2, payload)).expect_err(payload);
        assert!(fault.to_string().contains(expect), "{fault}");
        assert_eq!(*flattener.schema(), before, "{payload}");
    }
    let flat = flattener.flatten(&reading(3, r#"{"e":1,"a":2}"#)).expect("there is room for one more");
    assert_eq!(text(&flattener, &flat.rows), "flat e=Int(1) a=Int(2)\n");
    assert!(flat.schema_grew);
}

#[test]
fn ten_thousand_fields_are_too_many() {
    let members: Vec<_> = (0..10_000).map(|n| format!("\"f{n}\":{n}")).collect();
    let payload = format!("{{{}}}", members.join(","));
    let fault = flattener().flatten(&reading(1, &payload)).expect_err("too many");
    let expect = FlattenFault::Columns { table: "flat".into(), limit: 4_096, path: "f4096".into() };
    assert_eq!(fault, expect);
}

#[test]
fn the_time_of_the_event_is_read_or_that_of_receipt() {
    let check = |payload: &str, path: &str, expect: &str| {
        assert_eq!(event_time(&reading(1, payload), path).to_string(), expect, "{payload}");
    };
    check(r#"{"ts":1709647331871}"#, "ts", "2024-03-05T14:02:11.871Z");
    check(r#"{"m":{"at":1709647331}}"#, "m.at", "2024-03-05T14:02:11Z");
    check(r#"{"at":"2024-03-05T15:02:11+01:00"}"#, "at", "2024-03-05T14:02:11Z");
    check(r#"{"Device":{"timeStamp":" 1709647331 "}}"#, "device.timestamp", "2024-03-05T14:02:11Z");
    check(r#"{"device.at":1709647331}"#, "device.at", "2024-03-05T14:02:11Z");
    check(r#"{"at":null,"At":{},"aT":1709647331}"#, "at", "2024-03-05T14:02:11Z");
    check("1709647331", "value", "2024-03-05T14:02:11Z");
    check(r#"{"at":"1678-01-01T00:00:00Z"}"#, "at", "1678-01-01T00:00:00Z");
    check(r#"{"at":"2261-12-31T23:59:59Z"}"#, "at", "2261-12-31T23:59:59Z");
    for far in ["\"9999-12-31T23:59:59Z\"", "\"0001-01-01T00:00:00Z\"", "253402300799000", "-9214560001", "9214646400"]
    {
        check(&format!("{{\"at\":{far}}}"), "at", "2026-03-05T14:00:00Z");
    }
    for payload in ["{}", "{\"at\":true}", "{\"at\":\"yesterday\"}", "{\"at\":1e300}", "[", "1"] {
        check(payload, "at", "2026-03-05T14:00:00Z");
    }
    check(r#"{"at":1709647331}"#, "", "2026-03-05T14:00:00Z");
}

pub(super) fn payloads() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e6..1e6_f64).prop_map(Value::from),
        "[a-c]{0,3}".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[aAbB.]{0,3}", inner), 0..4).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// Values that must be found again: scalars and arrays.
fn count(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Array(elements) => 1 + elements.iter().map(count).sum::<usize>(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 1,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_restarts_change_nothing(given in prop::collection::vec(payloads(), 1..6), restart in 0..6_usize) {
        let (mut whole, mut parts) = (flattener(), flattener());
        for (n, payload) in given.iter().enumerate() {
            if n == restart {
                let kept = serde_json::to_string(parts.schema()).expect("text");
                parts = Flattener::new(serde_json::from_str(&kept).expect("schema"), FlattenLimits::default());
            }
            let reading = reading(n as u64, &payload.to_string());
            let flat = whole.flatten(&reading).expect("flattened");
            prop_assert_eq!(flat.rows.iter().map(|row| row.values.len()).sum::<usize>(), count(payload));
            prop_assert_eq!(parts.flatten(&reading).expect("flattened"), flat);
        }
        prop_assert_eq!(whole.schema(), parts.schema());
        for table in &whole.schema().tables {
            let mut names: Vec<_> = table.columns.iter().map(|c| c.name.to_lowercase()).collect();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), table.columns.len());
        }
    }
}

/// Stored beside the tables: this text never changes.
#[test]
fn golden_schema() {
    let mut flattener = flattener();
    flattener.flatten(&reading(1, r#"{"device":{"deviceId":"d1"},"tags":[{"K":1}]}"#)).expect("flattened");
    let expect = json!({"v": 1, "tables": [
        {"name": "flat", "parent": null, "columns": [
            {"name": "device.deviceid", "kind": "string", "path": ["device", "deviceId"]},
            {"name": "tags", "kind": "array", "path": ["tags"]},
        ]},
        {"name": "flat_tags", "parent": [0, 1], "columns": [
            {"name": "tags.val.k", "kind": "int", "path": ["tags", "val", "K"]},
        ]},
    ]});
    assert_eq!(serde_json::to_value(flattener.schema()).expect("JSON"), expect);
}
