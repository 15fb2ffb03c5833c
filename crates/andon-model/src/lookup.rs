//! Mapping tables: composite key → named values.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Most rows in one lookup.
const MAX_ROWS: usize = 500_000;

/// A named mapping table, read from CSV: key columns first (their headers end in `*`), then values.
///
/// ```text
/// equipment*,plant*,functional_location,sap_equipment
/// pump-01,1010,1010-CWS-01,210100094
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    key_columns: Vec<String>,
    value_columns: Vec<String>,
    rows: HashMap<Vec<String>, Vec<String>>,
}

/// Why a CSV text is not a lookup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LookupError {
    /// Line in the CSV text, counted from 1.
    pub line: u64,
    /// What is wrong and what to do.
    pub what: String,
}

impl LookupError {
    fn new(line: u64, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

impl Lookup {
    /// Reads the CSV form.
    pub fn parse_csv(text: &str) -> Result<Self, LookupError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|e| csv_error(&e))?.clone();
        let (key_columns, value_columns) = split_headers(&headers)?;
        let mut rows = HashMap::new();
        for record in reader.records() {
            let record = record.map_err(|e| csv_error(&e))?;
            let line = record.position().map_or(0, csv::Position::line);
            let mut cells = record.iter().map(str::to_owned);
            let key: Vec<String> = cells.by_ref().take(key_columns.len()).collect();
            if rows.len() == MAX_ROWS {
                return Err(LookupError::new(line, format!("a lookup holds at most {MAX_ROWS} rows")));
            }
            if rows.insert(key.clone(), cells.collect()).is_some() {
                return Err(LookupError::new(line, format!("the key {} stands here a second time", key.join(", "))));
            }
        }
        Ok(Self { key_columns, value_columns, rows })
    }

    /// Names of the key columns, in order.
    pub fn key_columns(&self) -> &[String] {
        &self.key_columns
    }

    /// Names of the value columns, in order.
    pub fn value_columns(&self) -> &[String] {
        &self.value_columns
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The keys of all rows, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &[String]> {
        self.rows.keys().map(Vec::as_slice)
    }

    /// The values for a key, as an object; `None` when the key is not listed.
    pub fn get(&self, key: &[String]) -> Option<Value> {
        let cells = self.rows.get(key)?;
        let object: Map<String, Value> =
            self.value_columns.iter().cloned().zip(cells.iter().map(|c| Value::String(c.clone()))).collect();
        Some(Value::Object(object))
    }
}

fn split_headers(headers: &csv::StringRecord) -> Result<(Vec<String>, Vec<String>), LookupError> {
    let keys: Vec<String> = headers.iter().map_while(|h| h.strip_suffix('*')).map(str::to_owned).collect();
    let values: Vec<String> = headers.iter().skip(keys.len()).map(str::to_owned).collect();
    if keys.is_empty() {
        return Err(LookupError::new(1, "no key column: end the header of each key column with '*', as in equipment*"));
    }
    if let Some(late) = values.iter().find(|h| h.ends_with('*')) {
        return Err(LookupError::new(1, format!("key column {late} must stand before the value columns")));
    }
    let mut seen = std::collections::HashSet::new();
    for name in keys.iter().chain(&values) {
        if name.is_empty() || !seen.insert(name) {
            return Err(LookupError::new(1, format!("column name {name:?} is empty or used twice")));
        }
    }
    Ok((keys, values))
}

fn csv_error(error: &csv::Error) -> LookupError {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            LookupError::new(line, format!("{len} cells where the header has {expected_len}"))
        }
        _ => LookupError::new(line, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, error: &str) {
        let found = Lookup::parse_csv(text).map_err(|e| e.to_string());
        assert_eq!(found.err().as_deref().unwrap_or(""), error, "for {text:?}");
    }

    #[test]
    fn composite_keys_find_their_row() {
        let lookup = Lookup::parse_csv("a*,b*,c\n1,2,\"x, y\"\n1,3,z\n").expect("valid");
        assert_eq!(lookup.get(&["1".into(), "2".into()]), Some(serde_json::json!({"c": "x, y"})));
        assert_eq!(lookup.get(&["1".into()]), None);
        assert_eq!(lookup.len(), 2);
    }

    #[test]
    fn faults_name_the_line() {
        check("a*,b\n1,2\n1,3\n", "line 3: the key 1 stands here a second time");
        check("a*,b\n1\n", "line 2: 1 cells where the header has 2");
        check("a,b\n1,2\n", "line 1: no key column: end the header of each key column with '*', as in equipment*");
        check("a*,b,c*\n", "line 1: key column c* must stand before the value columns");
        check("a*,a\n", "line 1: column name \"a\" is empty or used twice");
    }
}
