//! The values of assets: each once, wherever the process dies, and again after a rebuild.

use std::sync::Arc;

use andon_journal::{Lake as _, PropertyValue, ValueContent, ValueGap, ValueMark, ValueTable as _};
use andon_model::{IngestId, Timestamp};
use object_store::ObjectStore;
use serde_json::{Value, json};

use super::dying_store::DyingStore;
use super::{BEGIN, append, ask, dump, fill, log_of, memory, open, try_open};
use crate::table::DeltaLake;

const DAY: i64 = 86_400_000_000;

fn value(property: &str, day: i64, value: ValueContent) -> PropertyValue {
    let (asset, quality) = (format!("press-{}", day.rem_euclid(2)).into(), "GOOD".into());
    PropertyValue { asset, property: property.into(), ts: Timestamp::from_micros(BEGIN + day * DAY), value, quality }
}

fn mark(next: u64, at: i64) -> ValueMark {
    ValueMark { next: IngestId(next), at: Timestamp::from_micros(BEGIN + at) }
}

/// What is appended: late values, all types, the same place at a later time, and nothing at all.
fn batches() -> Vec<(Vec<PropertyValue>, ValueMark)> {
    let double = ValueContent::Double;
    vec![
        (
            vec![value("t", 1, double(20.5)), value("t", 0, double(21.0)), value("n", -400, ValueContent::Integer(7))],
            mark(3, 5),
        ),
        (vec![value("on", 1, ValueContent::Boolean(true))], mark(3, 9)),
        (vec![], mark(4, 9)),
        (vec![value("name", 2, ValueContent::String("Press".into())), value("t", 2, double(-0.5))], mark(6, 20)),
    ]
}

async fn append_all(lake: &DeltaLake) {
    for (values, up_to) in batches() {
        lake.append(values, up_to).await.expect("appended");
    }
}

/// As a rebuilder does: from the beginning, leaving out what is there.
async fn refill(lake: &DeltaLake) -> Result<(), andon_model::Problem> {
    let Some(gap) = lake.gap().await? else { return Ok(()) };
    for (values, up_to) in batches().into_iter().filter(|(_, up_to)| *up_to > gap.done && *up_to <= gap.until) {
        lake.fill(gap.round, values, up_to).await?;
    }
    Ok(())
}

async fn values(lake: &DeltaLake) -> Vec<Value> {
    dump(lake).await.remove("asset_values").unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_rows_of_their_day() {
    let lake = open(&memory(), &log_of(&["1"]).await).await;
    assert_eq!(lake.committed().await, Ok(ValueMark::default()));
    append_all(&lake).await;
    let text = "SELECT asset, property, CAST(ts AS BIGINT) AS ts, quality, value_double, value_integer, value_boolean, \
                value_string, year, month, day FROM asset_values ORDER BY ts, property";
    let row = |(asset, property, day): (&str, &str, i64), (name, value): (&str, Value), date: [i32; 3]| {
        let [year, month, of_month] = date;
        let mut row = json!({"asset": asset, "property": property, "ts": BEGIN + day * DAY, "quality": "GOOD",
            "value_double": null, "value_integer": null, "value_boolean": null, "value_string": null,
            "year": year, "month": month, "day": of_month});
        row[name] = value;
        row
    };
    let expect = [
        row(("press-0", "n", -400), ("value_integer", json!(7)), [2025, 1, 29]),
        row(("press-0", "t", 0), ("value_double", json!(21.0)), [2026, 3, 5]),
        row(("press-1", "on", 1), ("value_boolean", json!(true)), [2026, 3, 6]),
        row(("press-1", "t", 1), ("value_double", json!(20.5)), [2026, 3, 6]),
        row(("press-0", "name", 2), ("value_string", json!("Press")), [2026, 3, 7]),
        row(("press-0", "t", 2), ("value_double", json!(-0.5)), [2026, 3, 7]),
    ];
    assert_eq!(ask(&lake, text).await, expect);
    let latest = "SELECT property FROM asset_values WHERE asset = 'press-1' AND property = 't' AND ts >= \
                  to_timestamp_micros(1772719200000000)";
    assert_eq!(ask(&lake, latest).await, [json!({"property": "t"})]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_again_is_left_out() {
    let (store, log) = (memory(), log_of(&["1"]).await);
    let lake = open(&store, &log).await;
    for _ in 0..2 {
        append_all(&lake).await;
    }
    let lake = open(&store, &log).await;
    assert_eq!(lake.committed().await, Ok(mark(6, 20)));
    append_all(&lake).await;
    assert_eq!(values(&lake).await.len(), 6);
    lake.append(vec![value("t", 3, ValueContent::Double(1.0))], mark(6, 21)).await.expect("appended");
    assert_eq!(values(&lake).await.len(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compaction_and_vacuum_leave_values_and_marks_alone() {
    let (store, log) = (memory(), log_of(&["1"]).await);
    let lake = open(&store, &log).await;
    append_all(&lake).await;
    lake.append(vec![value("t", 2, ValueContent::Double(9.0))], mark(7, 20)).await.expect("appended");
    let before = values(&lake).await;
    let done = lake.compact().await.expect("compacted");
    assert!(done.tables.iter().any(|table| table.table == "asset_values" && table.files_removed > 0), "{done:?}");
    lake.vacuum().await.expect("vacuumed");
    append_all(&lake).await;
    assert_eq!((values(&lake).await, lake.committed().await), (before, Ok(mark(7, 20))));
    lake.append(vec![value("t", 4, ValueContent::Double(9.0))], mark(8, 20)).await.expect("appended");
    assert_eq!(values(&open(&store, &log).await).await.len(), 8);
}

/// Appends go on while the gap is filled; a filling of a round that is over does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_makes_the_same_values() {
    let (store, log) = (memory(), log_of(&["1"]).await);
    let lake = open(&store, &log).await;
    assert_eq!(lake.gap().await, Ok(None));
    append_all(&lake).await;
    let before = values(&lake).await;
    lake.rebuild().await.expect("begun");
    assert_eq!(values(&lake).await, Vec::<Value>::new());
    let gap = ValueGap { round: 1, done: ValueMark::default(), until: mark(6, 20) };
    assert_eq!((lake.gap().await, lake.committed().await), (Ok(Some(gap)), Ok(mark(6, 20))));
    lake.append(vec![value("t", 3, ValueContent::Double(1.0))], mark(9, 21)).await.expect("appended");
    lake.rebuild().await.expect("begun again");
    let until = mark(9, 21);
    lake.fill(1, vec![value("t", 8, ValueContent::Double(8.0))], until).await.expect("left out");
    let lake = open(&store, &log).await;
    assert_eq!(lake.gap().await, Ok(Some(ValueGap { round: 2, done: ValueMark::default(), until })));
    refill(&lake).await.expect("filled");
    lake.fill(2, vec![value("t", 3, ValueContent::Double(1.0))], until).await.expect("filled");
    let mut expect = before;
    expect.push(values(&lake).await.into_iter().find(|row| row["day"] == 8).expect("the fourth day"));
    let order = |row: &Value| ["asset", "property", "ts"].map(|name| row[name].as_str().expect("text").to_owned());
    expect.sort_by_key(order);
    assert_eq!((values(&lake).await, lake.gap().await), (expect, Ok(None)));
}

/// Brings everything until the store dies; a dead store stays dead.
async fn live(store: &Arc<DyingStore>, log: &Arc<crate::raw::RawLog>) {
    let store: Arc<dyn ObjectStore> = store.clone();
    let Ok(lake) = try_open(&store, log).await else { return };
    for (values, up_to) in batches() {
        for _ in 0..2 {
            let _ = lake.append(values.clone(), up_to).await;
        }
    }
    let _ = lake.rebuild().await;
    let _ = refill(&lake).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_the_process_dies_each_value_is_there_once() {
    let log = log_of(&[r#"{"t":1}"#]).await;
    let whole = open(&memory(), &log).await;
    append_all(&whole).await;
    let expect = values(&whole).await;
    for is_made in [false, true] {
        for last in 0.. {
            let inner = memory();
            let dying = DyingStore::new(&inner, last, is_made);
            live(&dying, &log).await;
            let after = open(&inner, &log).await;
            append_all(&after).await;
            refill(&after).await.expect("filled");
            assert_eq!(values(&after).await, expect, "death at write {last}, made: {is_made}");
            assert_eq!((after.committed().await, after.gap().await), (Ok(mark(6, 20)), Ok(None)));
            if !dying.is_dead() {
                assert!(last > 15, "the test has seen too few writes: {last}");
                break;
            }
        }
    }
}

/// A table that could not be written is written when its store is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_and_values_do_not_disturb_each_other() {
    let log = log_of(&["1", "2"]).await;
    let lake = open(&memory(), &log).await;
    append_all(&lake).await;
    fill(&lake, 1).await;
    append(&log, &["3"]).await;
    lake.rebuild().await.expect("begun");
    fill(&lake, 10).await;
    refill(&lake).await.expect("filled");
    let status = lake.status();
    let rows = |name: &str| status.tables.iter().find(|table| table.name == name).map(|table| table.rows);
    assert_eq!((rows("readings"), rows("asset_values")), (Some(3), Some(6)));
    assert!(lake.shared.state().adds_up());
}
