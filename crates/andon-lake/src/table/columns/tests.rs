//! Columns: types, nulls and hours.

use andon_model::{IngestId, Reading, SpeaksFor, Timestamp};
use deltalake::arrow::util::display::array_value_to_string;

use super::*;
use crate::flatten::{BatchFlattener, FlattenLimits};

fn parts_of(payloads: &[&str]) -> (Schema, Vec<Part>) {
    let schema = Schema::new("flat");
    let mut flattener = BatchFlattener::new(schema, FlattenLimits::default(), "at".to_owned());
    for (payload, id) in payloads.iter().zip(1..) {
        let received = Timestamp::from_micros(1_772_719_200_000_000);
        let (device, topic, payload) = ("s1".into(), "data/s1".into(), payload.as_bytes().to_vec());
        let speaks_for = SpeaksFor::Anyone;
        flattener.push(&Reading { id: IngestId(id), received, device, topic, speaks_for, payload }).expect("flattened");
    }
    let batch = flattener.take();
    let schema = flattener.schema().clone();
    let parts = parts(&schema, batch).expect("columns");
    (schema, parts)
}

/// A line for each row: its table and hour, and its values in the order of the columns; nothing for null.
fn text(schema: &Schema, parts: &[Part]) -> Vec<String> {
    let rows = |part: &Part| {
        let name = format!("{} {:?}", schema.tables[part.table].name, part.hour.values());
        let batch = part.rows.clone();
        let line = move |row| batch.columns().iter().map(|array| value(array, row)).collect::<Vec<_>>().join("|");
        (0..part.rows.num_rows()).map(move |row| format!("{name} {}", line(row))).collect::<Vec<_>>()
    };
    parts.iter().flat_map(rows).collect()
}

/// Times as Andon has them: Arrow's own text needs a database of time zones.
fn value(array: &ArrayRef, row: usize) -> String {
    let times = array.as_any().downcast_ref::<TimestampMicrosecondArray>();
    match times {
        Some(times) => Timestamp::from_micros(times.value(row)).to_string(),
        None => array_value_to_string(array, row).expect("text"),
    }
}

#[track_caller]
fn check(payloads: &[&str], expect: &[&str]) {
    let (schema, parts) = parts_of(payloads);
    assert_eq!(text(&schema, &parts), expect);
}

#[test]
fn what_is_not_reported_is_null() {
    check(
        &[
            r#"{"t":21.5,"on":true,"s":"x"}"#,
            r#"{"n":1,"s":"yz"}"#,
            r#"{"t":22.5,"on":false,"n":2,"s":""}"#,
            r#"{"v":"é"}"#,
            "{}",
        ],
        &[
            "flat [2026, 3, 5, 14] 1|2026-03-05T14:00:00Z|data/s1|s1|21.5|true|x||",
            "flat [2026, 3, 5, 14] 2|2026-03-05T14:00:00Z|data/s1|s1|||yz|1|",
            "flat [2026, 3, 5, 14] 3|2026-03-05T14:00:00Z|data/s1|s1|22.5|false||2|",
            "flat [2026, 3, 5, 14] 4|2026-03-05T14:00:00Z|data/s1|s1|||||é",
            "flat [2026, 3, 5, 14] 5|2026-03-05T14:00:00Z|data/s1|s1|||||",
        ],
    );
}

#[test]
fn late_readings_and_their_elements_are_of_their_own_hour() {
    check(
        &[
            r#"{"at":"2026-03-05T14:59:59.5Z","h":[1,2]}"#,
            r#"{"at":"1999-12-31T23:00:00Z","h":[3]}"#,
            r#"{"at":"2026-03-05T14:00:00Z","h":[]}"#,
            r#"{"at":"2026-03-05T15:00:00Z","h":[4]}"#,
        ],
        &[
            "flat [1999, 12, 31, 23] 2|1999-12-31T23:00:00Z|data/s1|s1|1999-12-31T23:00:00Z|2",
            "flat [2026, 3, 5, 14] 1|2026-03-05T14:59:59.5Z|data/s1|s1|2026-03-05T14:59:59.5Z|1",
            "flat [2026, 3, 5, 14] 3|2026-03-05T14:00:00Z|data/s1|s1|2026-03-05T14:00:00Z|3",
            "flat [2026, 3, 5, 15] 4|2026-03-05T15:00:00Z|data/s1|s1|2026-03-05T15:00:00Z|4",
            "flat_h [1999, 12, 31, 23] 2|0|2|3",
            "flat_h [2026, 3, 5, 14] 1|0|1|1",
            "flat_h [2026, 3, 5, 14] 1|1|1|2",
            "flat_h [2026, 3, 5, 15] 4|0|4|4",
        ],
    );
}

#[test]
fn columns_have_the_names_and_types_of_the_schema() {
    let (schema, parts) = parts_of(&[r#"{"M":{"T":1.5},"h":[true],"n":1,"s":"x"}"#]);
    let told = |part: &Part| {
        let fields = part.rows.schema();
        let field =
            |f: &Arc<Field>| format!("{}:{}{}", f.name(), f.data_type(), if f.is_nullable() { "" } else { "!" });
        fields.fields().iter().map(field).collect::<Vec<_>>().join(" ")
    };
    let root = "ingest_id:Int64 ts:Timestamp(µs, \"UTC\") topic:Utf8 device:Utf8 m.t:Float64 h:Utf8 n:Int64 s:Utf8";
    let child = "id:Utf8 index:Int64 ingest_id:Int64 h.val:Boolean";
    assert_eq!(parts.iter().map(told).collect::<Vec<_>>(), [root, child]);
    assert_eq!(parts[0].rows.schema(), arrow_schema(&schema.tables[0]));
}
