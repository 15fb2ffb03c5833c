//! Batches: the same rows as reading by reading, and the short way for what is known.

use andon_model::{IngestId, Reading, SpeaksFor, Timestamp};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::flatten::cells::{ColumnCells, Values};
use crate::flatten::tests::payloads;
use crate::flatten::{Row, Scalar};

/// What neither way may stumble over, or what is known to have two meanings.
const ODD: [&str; 12] = [
    r#"{"a":1,"a":null}"#,
    r#"{"a":null,"a":"x"}"#,
    r#"{"a":{"b":1},"a":{"B":2}}"#,
    r#"{"b":null,"B":{"a":null}}"#,
    r#"{"a":"\u00e9\n","b":[1,{"a":-0,"a":0}]}"#,
    r#"{"a":18446744073709551615,"b":-9223372036854775808}"#,
    r#"{"a":1709647331.871,"A":"2024-03-05T15:02:11+01:00"}"#,
    r#"{"a":[1"#,
    "{\"a\":1} 2",
    "1e999",
    "",
    " [[1],[],[2,null]] ",
];

fn reading(id: u64, payload: impl Into<Vec<u8>>) -> Reading {
    let received = Timestamp::from_micros(1_772_719_200_000_000);
    let (device, topic, speaks_for) = ("d".into(), "t".into(), SpeaksFor::Anyone);
    Reading { id: IngestId(id), received, device, topic, speaks_for, payload: payload.into() }
}

fn batches(limits: FlattenLimits) -> BatchFlattener {
    BatchFlattener::new(Schema::new("flat"), limits, "a".to_owned())
}

/// A row with the reading that it came from, and its values by column.
type FoundRow = (u64, Row);

fn sorted(id: u64, mut row: Row) -> FoundRow {
    row.values.sort_by_key(|(column, _)| *column);
    (id, row)
}

fn rows_of(batch: &Batch) -> Vec<FoundRow> {
    let tables = batch.tables.iter().enumerate();
    tables.flat_map(|(table, cells)| (0..cells.readings.len()).map(move |at| row(batch, table, at))).collect()
}

fn row(batch: &Batch, table: usize, at: usize) -> FoundRow {
    let cells = &batch.tables[table];
    let element = cells.indexes.get(at).map(|index| (text(&cells.ids, at), *index));
    let columns = cells.columns.iter().enumerate();
    let values = columns.filter_map(|(column, cells)| Some((column, value(cells, at)?))).collect();
    (batch.origins[cells.readings[at] as usize].id.0, Row { table, element, values })
}

fn value(column: &ColumnCells, row: usize) -> Option<Scalar> {
    let at = column.rows.binary_search(&u32::try_from(row).expect("few rows")).ok()?;
    Some(match &column.values {
        Values::Boolean(values) => Scalar::Boolean(values[at]),
        Values::Int(values) => Scalar::Int(values[at]),
        Values::Double(values) => Scalar::Double(values[at]),
        Values::Text(texts) => Scalar::String(text(texts, at)),
    })
}

fn text(texts: &crate::flatten::Texts, at: usize) -> String {
    let [begin, end] = [texts.offsets[at], texts.offsets[at + 1]].map(|end| usize::try_from(end).expect("forward"));
    texts.bytes[begin..end].to_owned()
}

/// Cells of strings and of join ids look alike.
fn plain(row: Row) -> Row {
    let value = |value| if let Scalar::Array(id) = value { Scalar::String(id) } else { value };
    Row { values: row.values.into_iter().map(|(column, of)| (column, value(of))).collect(), ..row }
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    let one = prop_oneof![
        4 => payloads().prop_map(|payload| payload.to_string()),
        1 => prop::sample::select(&ODD[..]).prop_map(str::to_owned)
    ];
    // Few that come again and again, as devices do.
    let pool = prop::collection::vec(one, 1..5);
    (pool, prop::collection::vec(any::<Index>(), 1..16))
        .prop_map(|(pool, picks)| picks.iter().map(|pick| pick.get(&pool).clone()).collect())
}

fn limits() -> impl Strategy<Value = FlattenLimits> {
    let narrow = FlattenLimits { columns: 4, tables: 3, rows: 4 };
    prop_oneof![Just(FlattenLimits::default()), Just(narrow)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn batches_are_what_readings_are_one_by_one(given in texts(), limits in limits(), cut in 0..16_usize) {
        let (mut one_by_one, mut many) = (Flattener::new(Schema::new("flat"), limits), batches(limits));
        let (mut expect, mut found, mut times) = (Vec::new(), Vec::new(), Vec::new());
        for (position, (payload, id)) in given.iter().zip(1..).enumerate() {
            if position == cut {
                let batch = many.take();
                found.extend(rows_of(&batch));
                times.extend(batch.origins);
            }
            let reading = reading(id, payload.as_str());
            match one_by_one.flatten(&reading) {
                Ok(flat) => {
                    prop_assert_eq!(many.push(&reading), Ok(()), "{}", payload);
                    expect.extend(flat.rows.into_iter().map(|row| sorted(id, plain(row))));
                }
                Err(fault) => prop_assert_eq!(many.push(&reading), Err(fault)),
            }
            prop_assert_eq!(many.schema(), one_by_one.schema());
        }
        let batch = many.take();
        found.extend(rows_of(&batch));
        times.extend(batch.origins);
        // Rows of a table keep the order of the log; tables stand beside each other.
        expect.sort_by_key(|(_, row)| row.table);
        found.sort_by_key(|(_, row)| row.table);
        prop_assert_eq!(found, expect);
        for origin in times {
            let at = usize::try_from(origin.id.0 - 1).expect("few");
            let reading = reading(origin.id.0, given[at].as_str());
            prop_assert_eq!(origin.time, event_time(&reading, "a"), "{}", given[at]);
        }
    }
}

#[test]
fn what_is_known_goes_the_short_way() {
    let known =
        [r#"{"a":1709647331,"m":{"t":21.5,"on":true,"s":"x"},"tags":[{"k":[1,2]}]}"#, "21.5", r#"{"m":{"t":2}}"#];
    let quick = [
        r#"{"tags":[{"k":[3]},{"k":[]},null],"m":{"s":"\u00e9","t":-1.5e3},"new":{"n":null,"o":{}}}"#,
        r#"{ "m" : { "t" : 7 } }"#,
        "0.5",
        "{}",
    ];
    let not_quick = [r#"{"m":{"t":"warm"}}"#, r#"{"new":1}"#, r#"{"m":{},"m":{}}"#, "true", "\u{1}", r#"{"m":{"t":1}"#];
    let mut batches = batches(FlattenLimits::default());
    for payload in known {
        assert_eq!(batches.push(&reading(1, payload)), Ok(()));
    }
    for payload in not_quick {
        assert_eq!(batches.quick(3, &reading(2, payload)), None, "{payload}");
    }
    let (readings, rows) = (batches.batch.readings(), batches.batch.rows());
    assert_eq!((readings, rows), (3, 3 + 1 + 2));
    for payload in quick {
        assert!(batches.quick(3, &reading(2, payload)).is_some(), "{payload}");
        batches.batch.back_to(3);
    }
    assert_eq!(batches.batch.rows(), rows);
}

#[test]
fn a_reading_beyond_a_limit_leaves_nothing_behind() {
    let mut batches = batches(FlattenLimits { columns: 3, tables: 2, rows: 4 });
    batches.push(&reading(1, r#"{"a":1,"b":[1]}"#)).expect("within");
    let (before, schema) = (rows_of(&batches.batch), batches.schema().clone());
    for payload in [r#"{"a":1,"b":[1,2,3,4]}"#, r#"{"a":1,"c":2,"d":3}"#, r#"{"a":1,"b":[1"#, r#"{"a":1,"c":[1]}"#] {
        batches.push(&reading(2, payload)).expect_err(payload);
        assert_eq!((rows_of(&batches.batch), batches.schema()), (before.clone(), &schema), "{payload}");
    }
    batches.push(&reading(3, r#"{"a":2,"b":[3,4,5]}"#)).expect("within");
    assert_eq!(batches.take().rows(), 2 + 4);
}

#[test]
fn a_batch_is_full_by_bytes() {
    let mut batches = batches(FlattenLimits::default());
    let payload = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    let mut pushed = 0;
    while !batches.is_full() {
        pushed += 1;
        batches.push(&reading(pushed, payload.as_bytes())).expect("pushed");
    }
    assert_eq!((pushed, batches.take().readings()), (64, 64));
    assert!(!batches.is_full());
}
