//! Values in the text of a query: quoted, so that no value is ever read as SQL.

use std::collections::BTreeMap;
use std::fmt;

use andon_model::Timestamp;

/// A value as it stands in a SQL text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    Integer(i64),
    /// Finite; others become NULL, which compares with nothing.
    Number(f64),
    Boolean(bool),
    Time(Timestamp),
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Standard SQL: only the quote itself has a meaning in a text, and doubled it has none.
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Integer(number) => write!(f, "({number})"),
            Self::Number(number) if number.is_finite() => write!(f, "CAST({number:e} AS DOUBLE)"),
            Self::Number(_) => f.write_str("CAST(NULL AS DOUBLE)"),
            Self::Boolean(truth) => write!(f, "{truth}"),
            Self::Time(time) => write!(f, "to_timestamp_micros({})", time.as_micros()),
        }
    }
}

/// A part of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    /// Text that stays as it is.
    Plain(&'a str),
    /// The name of a parameter, without its colon.
    Parameter(&'a str),
}

/// Names of the parameters in `sql`, each as often as it stands there.
pub(crate) fn parameters(sql: &str) -> impl Iterator<Item = &str> {
    parts(sql).filter_map(|part| if let Part::Parameter(name) = part { Some(name) } else { None })
}

/// `sql` with a value in place of each parameter; `Err` with the name of one that has none.
pub(crate) fn bind(sql: &str, values: &BTreeMap<String, Literal>) -> Result<String, String> {
    let mut bound = String::with_capacity(sql.len());
    for part in parts(sql) {
        match part {
            Part::Plain(text) => bound.push_str(text),
            Part::Parameter(name) => bound += &values.get(name).ok_or(name)?.to_string(),
        }
    }
    Ok(bound)
}

fn parts(sql: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        let (part, behind) = first_part(rest)?;
        rest = behind;
        Some(part)
    })
}

fn first_part(text: &str) -> Option<(Part<'_>, &str)> {
    if text.is_empty() {
        return None;
    }
    if let Some(name) = text.strip_prefix(':').map(name_at).filter(|name| !name.is_empty()) {
        return Some((Part::Parameter(name), &text[1 + name.len()..]));
    }
    let length = plain_length(text);
    Some((Part::Plain(&text[..length]), &text[length..]))
}

/// The name that `text` begins with: lower-case letters, digits and `_`, beginning with a letter.
fn name_at(text: &str) -> &str {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        return "";
    }
    text.split(|c| !legal(c)).next().unwrap_or_default()
}

/// Bytes at the beginning of `text` that have no parameter: a quoted text or name, a comment, a cast, or all up to the
/// next of these.
fn plain_length(text: &str) -> usize {
    const ENCLOSED: [(&str, &str); 4] = [("'", "'"), ("\"", "\""), ("--", "\n"), ("/*", "*/")];
    if let Some((open, close)) = ENCLOSED.into_iter().find(|(open, _)| text.starts_with(open)) {
        let behind = text[open.len()..].find(close).map(|at| open.len() + at + close.len());
        return behind.unwrap_or(text.len());
    }
    if text.starts_with("::") {
        return 2;
    }
    let special = |(at, c): &(usize, char)| *at > 0 && matches!(c, '\'' | '"' | '-' | '/' | ':');
    text.char_indices().find(special).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> BTreeMap<String, Literal> {
        let text = |text: &str| Literal::Text(text.to_owned());
        let pairs = [("device", text("d'1")), ("n", Literal::Integer(-3)), ("x", Literal::Number(1.5))];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    #[test]
    fn parameters_are_found_where_they_stand() {
        let check = |sql: &str, expect: &str| assert_eq!(bind(sql, &values()).as_deref(), Ok(expect), "{sql}");
        check("SELECT 1", "SELECT 1");
        check("WHERE device = :device AND n>:n", "WHERE device = 'd''1' AND n>(-3)");
        check("SELECT ':device', \":n\", ts::date, :x", "SELECT ':device', \":n\", ts::date, CAST(1.5e0 AS DOUBLE)");
        check("SELECT 'it''s :n' -- :n\n, :n /* :n */", "SELECT 'it''s :n' -- :n\n, (-3) /* :n */");
        check("SELECT a-b/c, ':n", "SELECT a-b/c, ':n");
        check("ä:n", "ä(-3)");
        check(": :1 :N", ": :1 :N");
        assert_eq!(bind("= :other", &values()), Err("other".to_owned()));
        assert_eq!(parameters("a = :a AND b = :b OR a < :a").collect::<Vec<_>>(), ["a", "b", "a"]);
    }

    #[test]
    fn values_stay_values() {
        let check = |literal: Literal, expect: &str| assert_eq!(literal.to_string(), expect);
        check(Literal::Text("'; DROP TABLE x; --".to_owned()), "'''; DROP TABLE x; --'");
        check(Literal::Text("\\'".to_owned()), "'\\'''");
        check(Literal::Number(f64::NAN), "CAST(NULL AS DOUBLE)");
        check(Literal::Boolean(true), "true");
        check(Literal::Time(Timestamp::from_micros(5)), "to_timestamp_micros(5)");
    }
}
