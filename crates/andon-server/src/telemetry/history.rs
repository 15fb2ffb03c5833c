//! The history of properties: statements over the lake's table of values, and their rows as values.
//!
//! **Constraints.** Pure. Names come in as [`Literal`]s; times are compared as times, so that files outside of them are not
//! read, and come out as microseconds, which have one form in JSON.
//!
//! **Once.** A batch that was sent again after a long time is in the table again. What is there twice, with the same
//! time and value, is one value here, as it is in memory.

use std::time::Duration;

use andon_model::{Problem, Timestamp};
use serde_json::{Map, Value};

use super::sql_text::Literal;
use crate::schema::{Aggregate, Point, SqlRows};

/// The lake's table of values of properties.
const TABLE: &str = "asset_values";
/// Its columns of values, one of which is filled in each row.
const VALUES: [&str; 4] = ["value_double", "value_integer", "value_boolean", "value_string"];

/// Most windows of one page of aggregates, and values of one page of history.
pub(crate) const MAX_ROWS: usize = 10_000;
/// The shortest window.
pub(crate) const MIN_WINDOW: Duration = Duration::from_secs(1);

/// Which values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Range {
    pub(crate) asset: String,
    pub(crate) property: String,
    /// From this time on.
    pub(crate) from: Timestamp,
    /// Before this time; without it, all.
    pub(crate) to: Option<Timestamp>,
    /// At most this many rows.
    pub(crate) rows: usize,
}

impl Range {
    fn condition(&self) -> String {
        let text = |text: &str| Literal::Text(text.to_owned());
        let (asset, property, from) = (text(&self.asset), text(&self.property), Literal::Time(self.from));
        let to = self.to.map(|to| format!(" AND ts < {}", Literal::Time(to))).unwrap_or_default();
        format!("asset = {asset} AND property = {property} AND ts >= {from}{to}")
    }
}

/// A statement, and the most rows that it has.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) rows: usize,
}

/// The statement for the values. It has more rows than are wanted: a page is full though each is there twice, and it is
/// known whether more follow. The same values stand side by side.
pub(crate) fn values_statement(range: &Range) -> Statement {
    let (values, condition, rows) = (VALUES.join(", "), range.condition(), range.rows * 2 + 1);
    let text = format!(
        "SELECT CAST(ts AS BIGINT) AS micros, quality, {values} FROM {TABLE} WHERE {condition} \
         ORDER BY ts, quality, {values} LIMIT {rows}"
    );
    Statement { text, rows }
}

/// The statement for windows of `window`; only good values count.
pub(crate) fn aggregates_statement(range: &Range, window: Duration) -> Statement {
    let micros = window.max(MIN_WINDOW).as_micros();
    let (condition, rows) = (range.condition(), range.rows + 1);
    let number = "coalesce(value_double, CAST(value_integer AS DOUBLE), CAST(value_boolean AS DOUBLE))";
    let text = format!(
        "SELECT instant / {micros} * {micros} AS micros, count(*) AS count, avg(number) AS avg, min(number) AS min, \
         max(number) AS max, sum(number) AS sum, stddev_pop(number) AS stddev \
         FROM (SELECT DISTINCT CAST(ts AS BIGINT) AS instant, {number} AS number, value_string \
         FROM {TABLE} WHERE {condition} AND quality = 'GOOD') GROUP BY micros ORDER BY micros LIMIT {rows}"
    );
    Statement { text, rows }
}

/// Rows as values, and where the next page begins.
pub(crate) fn points(rows: &SqlRows, wanted: usize) -> Result<(Vec<Point>, Option<String>), Problem> {
    page(rows, (wanted, wanted * 2 + 1), |row, ts| {
        let value = VALUES.iter().find_map(|name| row.get(*name).filter(|value| !value.is_null()));
        let quality = row.get("quality").and_then(Value::as_str).unwrap_or_default().to_owned();
        Point { ts, value: value.cloned().unwrap_or_default(), quality }
    })
}

/// Rows as windows, and where the next page begins.
pub(crate) fn aggregates(rows: &SqlRows, wanted: usize) -> Result<(Vec<Aggregate>, Option<String>), Problem> {
    page(rows, (wanted, wanted + 1), |row, from| {
        let number = |name: &str| row.get(name).and_then(Value::as_f64);
        let count = row.get("count").and_then(Value::as_u64).unwrap_or_default();
        let (avg, min, max) = (number("avg"), number("min"), number("max"));
        Aggregate { from, count, avg, min, max, sum: number("sum"), stddev: number("stddev") }
    })
}

/// At most `wanted` items of rows, of which there were `asked` for. A page ends where the time changes, so that the next
/// one begins with a time of its own.
fn page<T>(
    rows: &SqlRows,
    (wanted, asked): (usize, usize),
    read: impl Fn(&Map<String, Value>, String) -> T,
) -> Result<(Vec<T>, Option<String>), Problem> {
    let rows_are_cut = rows.rows.len() >= asked;
    let mut distinct: Vec<_> = rows.rows.iter().collect();
    distinct.dedup();
    let times = distinct.iter().map(|row| micros(row)).collect::<Result<Vec<_>, _>>()?;
    let next = times.get(wanted).or(times.last().filter(|_| rows_are_cut)).copied();
    let (length, next) = match next {
        None => (times.len(), None),
        Some(next) => match times.partition_point(|time| *time < next) {
            // More are of one time than a page has; the others of it are left out.
            0 => (wanted, Some(next.saturating_add(1))),
            before => (before, Some(next)),
        },
    };
    let text = |micros: i64| Timestamp::from_micros(micros).to_string();
    let items = distinct.into_iter().zip(times).take(length).map(|(row, time)| read(row, text(time))).collect();
    Ok((items, next.map(text)))
}

fn micros(row: &Map<String, Value>) -> Result<i64, Problem> {
    let odd = || Problem::new(andon_model::Code::Lake, "the table of values has a row without a time");
    row.get("micros").and_then(Value::as_i64).ok_or_else(odd)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn range() -> Range {
        let (asset, property) = ("o'hara".to_owned(), "t".to_owned());
        Range { asset, property, from: Timestamp::from_micros(5), to: Some(Timestamp::from_micros(9)), rows: 2 }
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write it as a literal")]
    fn rows(rows: Value) -> SqlRows {
        serde_json::from_value(json!({ "columns": [], "rows": rows, "truncated": false })).expect("rows")
    }

    #[test]
    fn names_are_quoted() {
        let Statement { text, rows } = values_statement(&range());
        let expect = "WHERE asset = 'o''hara' AND property = 't' AND ts >= to_timestamp_micros(5) \
                      AND ts < to_timestamp_micros(9) ORDER BY ts, quality, value_double, value_integer, \
                      value_boolean, value_string LIMIT 5";
        assert!(text.ends_with(expect) && rows == 5, "{text}");
        let Statement { text, .. } = aggregates_statement(&range(), Duration::ZERO);
        assert!(text.contains("/ 1000000 * 1000000") && text.contains("'o''hara'"), "{text}");
    }

    #[test]
    fn rows_become_values_page_by_page() {
        let all = rows(json!([
            { "micros": 5, "quality": "GOOD", "value_double": 1.5, "value_integer": null },
            { "micros": 6, "quality": "BAD", "value_string": "warm" },
            { "micros": 7, "quality": "GOOD" },
        ]));
        let (points, next) = points(&all, 2).expect("values");
        let seen: Vec<_> = points.iter().map(|point| (point.value.clone(), point.quality.as_str())).collect();
        assert_eq!(seen, [(json!(1.5), "GOOD"), (json!("warm"), "BAD")]);
        assert_eq!(next.as_deref(), Some("1970-01-01T00:00:00.000007Z"));
        let windows = rows(json!([{ "micros": 0, "count": 2, "avg": 1.5, "min": null }]));
        let (windows, next) = aggregates(&windows, 2).expect("windows");
        assert_eq!((windows[0].count, windows[0].avg, windows[0].min, next), (2, Some(1.5), None, None));
        assert!(aggregates(&rows(json!([{ "count": 2 }])), 2).is_err());
    }

    /// Rows are `(micros, value)`; a page has two values.
    #[test]
    fn what_is_there_twice_is_one_value() {
        let check = |given: &[(i64, f64)], expect: &[f64], next: Option<i64>| {
            let given: Vec<_> =
                given.iter().map(|(micros, value)| json!({ "micros": micros, "value_double": value })).collect();
            let (points, begins) = points(&rows(given.into()), 2).expect("values");
            let values: Vec<_> = points.iter().filter_map(|point| point.value.as_f64()).collect();
            let next = next.map(|micros| Timestamp::from_micros(micros).to_string());
            assert_eq!((values.as_slice(), begins), (expect, next));
        };
        check(&[(1, 5.0), (1, 5.0), (2, 5.0), (2, 5.0)], &[5.0, 5.0], None);
        check(&[(1, 5.0), (1, 5.0), (2, 6.0), (2, 6.0), (3, 7.0)], &[5.0, 6.0], Some(3));
        check(&[(1, 5.0), (2, 6.0), (2, 7.0)], &[5.0], Some(2));
        check(&[(1, 5.0), (1, 6.0)], &[5.0, 6.0], None);
        // Five rows are as many as were asked for: more may follow.
        check(&[(1, 5.0), (2, 6.0), (2, 6.0), (2, 6.0), (2, 6.0)], &[5.0], Some(2));
        check(&[(1, 5.0), (1, 5.0), (1, 5.0), (1, 5.0), (1, 5.0)], &[5.0], Some(2));
        check(&[(1, 5.0), (1, 6.0), (1, 7.0)], &[5.0, 6.0], Some(2));
    }
}
