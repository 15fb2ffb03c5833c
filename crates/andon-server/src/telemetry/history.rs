//! The history of properties: statements over the lake's table of values, and their rows as values.
//!
//! **Constraints.** Pure. Names come in as [`Literal`]s; times are compared as times, so that files outside of them are not
//! read, and come out as microseconds, which have one form in JSON.

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

/// The statement for the values, with one row more than wanted, to know whether there are more.
pub(crate) fn values_statement(range: &Range) -> String {
    let (values, condition, rows) = (VALUES.join(", "), range.condition(), range.rows + 1);
    format!(
        "SELECT CAST(ts AS BIGINT) AS micros, quality, {values} FROM {TABLE} WHERE {condition} ORDER BY ts LIMIT {rows}"
    )
}

/// The statement for windows of `window`; only good values count.
pub(crate) fn aggregates_statement(range: &Range, window: Duration) -> String {
    let micros = window.max(MIN_WINDOW).as_micros();
    let (condition, rows) = (range.condition(), range.rows + 1);
    let number = "coalesce(value_double, CAST(value_integer AS DOUBLE), CAST(value_boolean AS DOUBLE))";
    format!(
        "SELECT micros, count(*) AS count, avg(number) AS avg, min(number) AS min, max(number) AS max, \
         sum(number) AS sum, stddev_pop(number) AS stddev \
         FROM (SELECT CAST(ts AS BIGINT) / {micros} * {micros} AS micros, {number} AS number \
         FROM {TABLE} WHERE {condition} AND quality = 'GOOD') GROUP BY micros ORDER BY micros LIMIT {rows}"
    )
}

/// Rows as values, and where the next page begins.
pub(crate) fn points(rows: &SqlRows, wanted: usize) -> Result<(Vec<Point>, Option<String>), Problem> {
    page(rows, wanted, |row, ts| {
        let value = VALUES.iter().find_map(|name| row.get(*name).filter(|value| !value.is_null()));
        let quality = row.get("quality").and_then(Value::as_str).unwrap_or_default().to_owned();
        Point { ts, value: value.cloned().unwrap_or_default(), quality }
    })
}

/// Rows as windows, and where the next page begins.
pub(crate) fn aggregates(rows: &SqlRows, wanted: usize) -> Result<(Vec<Aggregate>, Option<String>), Problem> {
    page(rows, wanted, |row, from| {
        let number = |name: &str| row.get(name).and_then(Value::as_f64);
        let count = row.get("count").and_then(Value::as_u64).unwrap_or_default();
        let (avg, min, max) = (number("avg"), number("min"), number("max"));
        Aggregate { from, count, avg, min, max, sum: number("sum"), stddev: number("stddev") }
    })
}

fn page<T>(
    rows: &SqlRows,
    wanted: usize,
    read: impl Fn(&Map<String, Value>, String) -> T,
) -> Result<(Vec<T>, Option<String>), Problem> {
    let odd = || Problem::new(andon_model::Code::Lake, "the table of values has a row without a time");
    let mut items = Vec::with_capacity(rows.rows.len());
    for row in &rows.rows {
        let micros = row.get("micros").and_then(Value::as_i64).ok_or_else(odd)?;
        let ts = Timestamp::from_micros(micros).to_string();
        if items.len() == wanted {
            return Ok((items, Some(ts)));
        }
        items.push(read(row, ts));
    }
    Ok((items, None))
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
        let text = values_statement(&range());
        let expect = "WHERE asset = 'o''hara' AND property = 't' AND ts >= to_timestamp_micros(5) \
                      AND ts < to_timestamp_micros(9) ORDER BY ts LIMIT 3";
        assert!(text.ends_with(expect), "{text}");
        let text = aggregates_statement(&range(), Duration::ZERO);
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
}
