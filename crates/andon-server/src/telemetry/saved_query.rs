//! Saved queries: `queries/<name>.toml`, a statement with parameters and how its rows are drawn.
//!
//! ```toml
//! title = "Temperature of a device type"
//! chart = "line"
//! x = "ts"
//! y = ["temperature"]
//! series = "device"
//! sql = '''SELECT ts, device, "measurements.temperature" AS temperature FROM readings WHERE ts > :since'''
//! [parameters.since]
//! type = "time"
//! default = "48h"
//! ```
//!
//! **Life of a saved query.** It is applied as a document and checked by [`check_with`]; whoever asks for its data gives values
//! for its parameters, which [`statement`] quotes into the text that goes to the lake.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use andon_journal::{Document, DocumentKind};
use andon_model::{Code, Problem, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::sql_text::{self, Literal};
use crate::schema::{ChartKind, ParameterType, QueryParameter, SavedQuery};

/// Most parameters of a query.
const MAX_PARAMETERS: usize = 32;

/// Longest span before now, so that arithmetic with times never overflows: ten years.
const MAX_SPAN_SECONDS: u64 = 3_660 * 86_400;

/// The document as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryFile {
    title: String,
    #[serde(default)]
    description: String,
    sql: String,
    #[serde(default)]
    chart: ChartKind,
    x: Option<String>,
    #[serde(default)]
    y: Columns,
    series: Option<String>,
    #[serde(default)]
    parameters: BTreeMap<String, QueryParameter>,
}

/// One column, or several.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Columns {
    #[default]
    None,
    One(String),
    Several(Vec<String>),
}

/// Reads and checks a document, and its statement by `is_statement`. That is not planned: its tables come with the readings.
pub(crate) fn check_with(
    document: &Document,
    is_statement: impl FnOnce(&str) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let query = check(document)?;
    is_statement(&query.sql).map_err(|Problem { code, place, detail }| {
        let place = place.map_or_else(|| "sql".to_owned(), |place| format!("sql, {place}"));
        Problem::new(code, detail).at(format!("{} {place}", document.path()))
    })
}

/// Reads and checks a document but for its statement.
pub(crate) fn check(document: &Document) -> Result<SavedQuery, Problem> {
    let query = read(document)?;
    match fault(&query) {
        None => Ok(query),
        Some((code, detail)) => Err(Problem::new(code, detail).at(document.path())),
    }
}

/// The saved queries among `documents`, in order of their names. Documents in force were checked when they were applied.
pub(crate) fn all(documents: &[Document]) -> Vec<SavedQuery> {
    let queries = documents.iter().filter(|document| document.kind == DocumentKind::Query);
    queries.filter_map(|document| check(document).ok()).collect()
}

fn read(document: &Document) -> Result<SavedQuery, Problem> {
    let file: QueryFile = toml::from_str(&document.text).map_err(|error| {
        let line = error.span().map(|span| document.text[..span.start].matches('\n').count() + 1);
        let place = line.map_or_else(|| document.path(), |line| format!("{} line {line}", document.path()));
        Problem::new(Code::ConfigurationSyntax, error.message()).at(place)
    })?;
    let QueryFile { title, description, sql, chart, x, y, series, parameters } = file;
    let y = match y {
        Columns::None => Vec::new(),
        Columns::One(column) => vec![column],
        Columns::Several(columns) => columns,
    };
    Ok(SavedQuery { name: document.name.to_string(), title, description, sql, chart, x, y, series, parameters })
}

fn fault(query: &SavedQuery) -> Option<(Code, String)> {
    let used: BTreeSet<&str> = sql_text::parameters(&query.sql).collect();
    if let Some(name) = used.iter().find(|name| !query.parameters.contains_key(**name)) {
        return Some((Code::ConfigurationReference, format!("sql names :{name}, which is not among the parameters")));
    }
    if let Some(name) = query.parameters.keys().find(|name| !used.contains(name.as_str())) {
        return Some((Code::ConfigurationReference, format!("sql does not name the parameter :{name}")));
    }
    let detail = query.parameters.iter().find_map(|(name, parameter)| default_fault(name, parameter));
    detail.or_else(|| shape_fault(query)).map(|detail| (Code::ConfigurationValue, detail))
}

fn default_fault(name: &str, parameter: &QueryParameter) -> Option<String> {
    let text = plain_text(parameter.default.as_ref()?);
    let literal = text.and_then(|text| literal(parameter.r#type, &text, Timestamp::default()));
    literal.is_none().then(|| format!("the default of parameter {name} is not {}", words(parameter.r#type)))
}

fn shape_fault(query: &SavedQuery) -> Option<String> {
    let needs = match query.chart {
        ChartKind::Line | ChartKind::Bar if query.x.is_none() || query.y.is_empty() => "x and y",
        ChartKind::Stat if query.y.len() != 1 => "one column as y",
        _ if query.title.trim().is_empty() => "a title",
        _ if query.sql.trim().is_empty() => "a statement as sql",
        _ if query.parameters.len() > MAX_PARAMETERS => return Some(format!("more than {MAX_PARAMETERS} parameters")),
        _ => return None,
    };
    Some(format!("a query of this chart needs {needs}"))
}

/// The statement of `query` with the values that were given, and defaults for the others.
pub(crate) fn statement(
    query: &SavedQuery,
    given: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<String, Problem> {
    let refused = |detail: String| Problem::new(Code::BadRequest, detail).at("query");
    if let Some(name) = given.keys().find(|name| !query.parameters.contains_key(*name)) {
        return Err(refused(format!("query {} has no parameter {name}", query.name)));
    }
    let mut values = BTreeMap::new();
    for (name, parameter) in &query.parameters {
        let text = given.get(name).cloned().or_else(|| plain_text(parameter.default.as_ref()?));
        let text = text.ok_or_else(|| refused(format!("give the parameter {name}: {}", words(parameter.r#type))))?;
        let literal = literal(parameter.r#type, &text, now);
        let literal = literal.ok_or_else(|| refused(format!("{name} must be {}", words(parameter.r#type))))?;
        values.insert(name.clone(), literal);
    }
    sql_text::bind(&query.sql, &values).map_err(|name| refused(format!("the parameter {name} has no value")))
}

fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn literal(kind: ParameterType, text: &str, now: Timestamp) -> Option<Literal> {
    match kind {
        ParameterType::Text => Some(Literal::Text(text.to_owned())),
        ParameterType::Number => text.parse().ok().filter(|n: &f64| n.is_finite()).map(Literal::Number),
        ParameterType::Integer => text.parse().ok().map(Literal::Integer),
        ParameterType::Boolean => text.parse().ok().map(Literal::Boolean),
        ParameterType::Time => moment(text, now).map(Literal::Time),
    }
}

/// A time, or a span before `now`: `90s`, `15m`, `48h`, `7d`, `2w`, or `now`.
pub(crate) fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if text == "now" {
        return Some(now);
    }
    text.parse().ok().or_else(|| Some(now.before(span(text)?)))
}

/// A span of whole seconds: a number with `s`, `m`, `h`, `d` or `w`.
pub(crate) fn span(text: &str) -> Option<Duration> {
    const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];
    let (number, unit) = UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, seconds)))?;
    let seconds = number.parse::<u64>().ok()?.checked_mul(*unit)?;
    (seconds <= MAX_SPAN_SECONDS).then(|| Duration::from_secs(seconds))
}

const fn words(kind: ParameterType) -> &'static str {
    match kind {
        ParameterType::Text => "a text",
        ParameterType::Number => "a number",
        ParameterType::Integer => "a whole number",
        ParameterType::Boolean => "true or false",
        ParameterType::Time => "a time such as 2026-03-05T14:00:00Z, or a span before now such as 48h",
    }
}

#[cfg(test)]
mod tests {
    use andon_model::Name;

    use super::*;

    fn document(text: &str) -> Document {
        Document { kind: DocumentKind::Query, name: Name::new("q").unwrap(), text: text.to_owned() }
    }

    const HOT: &str = "title = \"Hot\"\nsql = \"SELECT * FROM r WHERE t > :limit AND d = :device AND ts > :since\"\n\
        [parameters.limit]\ntype = \"number\"\ndefault = 70\n[parameters.device]\n\
        [parameters.since]\ntype = \"time\"\ndefault = \"1h\"\n";

    #[test]
    fn faults_name_their_place() {
        let check = |text: &str, expect: &str| {
            let problem = check(&document(text)).expect_err("refused").to_string();
            assert!(problem.contains(expect) && problem.contains("queries/q.toml"), "{text:?}: {problem}");
        };
        check("title = 1\nsql = \"SELECT 1\"", "queries/q.toml line 1");
        check("title = \"a\"\nsql = \"SELECT 1\"\ncolour = 1", "colour");
        check("title = \"a\"\nsql = \"SELECT :x\"", ":x, which is not among the parameters");
        check("title = \"a\"\nsql = \"SELECT ':x'\"\n[parameters.x]", "does not name the parameter :x");
        check("title = \"a\"\nsql = \"SELECT 1\"\nchart = \"line\"\nx = \"ts\"", "needs x and y");
        check("title = \"a\"\nsql = \"SELECT 1\"\nchart = \"stat\"", "needs one column");
        check("title = \" \"\nsql = \"SELECT 1\"", "needs a title");
        check("title = \"a\"\nsql = \"SELECT :x\"\n[parameters.x]\ntype = \"time\"\ndefault = 5", "is not a time");
    }

    #[test]
    fn parameters_are_given_or_have_defaults() {
        let query = check(&document(HOT)).expect("a query");
        let now = Timestamp::from_micros(7_200_000_000);
        let with = |pairs: &[(&str, &str)]| {
            let given = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            statement(&query, &given, now).map_err(|problem| problem.detail)
        };
        let expect =
            "SELECT * FROM r WHERE t > CAST(7e1 AS DOUBLE) AND d = 'p''1' AND ts > to_timestamp_micros(3600000000)";
        assert_eq!(with(&[("device", "p'1")]).as_deref(), Ok(expect));
        let refused = |pairs: &[(&str, &str)], words: &str| {
            let detail = with(pairs).expect_err("refused");
            assert!(detail.contains(words), "{detail}");
        };
        refused(&[], "give the parameter device");
        refused(&[("device", "a"), ("limit", "hot")], "limit must be a number");
        refused(&[("device", "a"), ("since", "yesterday")], "since must be a time");
        refused(&[("device", "a"), ("colour", "red")], "no parameter colour");
    }

    #[test]
    fn spans_are_limited() {
        for (text, seconds) in [("90s", Some(90)), ("48h", Some(172_800)), ("2w", Some(1_209_600)), ("9999w", None)] {
            assert_eq!(span(text).map(|span| span.as_secs()), seconds, "{text}");
        }
        for text in ["", "h", "-1h", "1.5h", "1y", "ä"] {
            assert_eq!(span(text), None, "{text}");
        }
    }
}
