//! Where the texts of an action stand in its file.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::template::Written;

/// Deepest nesting of tables that is looked into: a change set's headers stand at 3.
const MAX_DEPTH: usize = 8;

/// The strings of a file, by the step that they belong to.
#[derive(Debug)]
pub(super) struct Texts {
    file: Arc<str>,
    /// Step → its strings; those of `[episode]` under the empty name.
    by_step: BTreeMap<String, Vec<Entry>>,
}

/// A string: its option, its value, where it begins.
#[derive(Debug)]
struct Entry {
    key: String,
    value: String,
    at: usize,
}

impl Texts {
    /// Reads a file that is well-formed; of another one nothing is found.
    pub(super) fn of_file(text: &str) -> Self {
        let mut by_step = BTreeMap::new();
        if let Ok(root) = DeTable::parse(text) {
            let steps = root.get_ref().get("step").and_then(|steps| steps.get_ref().as_array());
            for step in steps.into_iter().flatten().filter_map(|step| step.get_ref().as_table()) {
                let name = step.get("name").and_then(|name| name.get_ref().as_str()).unwrap_or_default();
                by_step.insert(name.to_owned(), strings(step));
            }
            if let Some(episode) = root.get_ref().get("episode").and_then(|episode| episode.get_ref().as_table()) {
                by_step.insert(String::new(), strings(episode));
            }
        }
        Self { file: text.into(), by_step }
    }

    /// Where the text of an option stands. The same text may stand in several options of a step: the one of that name
    /// is meant; where two have both name and text in common, whatever is wrong with one is wrong with both.
    pub(super) fn find(&self, step: &str, key: &str, value: &str) -> Option<Written> {
        let mut same = self.by_step.get(step)?.iter().filter(|entry| entry.value == value);
        let first = same.clone().next();
        let found = same.find(|entry| entry.key == key).or(first)?;
        Some(Written { text: self.file.clone(), at: found.at })
    }
}

fn strings(table: &DeTable<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    gather(table, 0, &mut entries);
    entries
}

fn gather(table: &DeTable<'_>, depth: usize, entries: &mut Vec<Entry>) {
    if depth > MAX_DEPTH {
        return;
    }
    for (key, value) in table {
        let at = value.span().start;
        match value.get_ref() {
            DeValue::String(text) => {
                entries.push(Entry { key: key.get_ref().to_string(), value: text.to_string(), at });
            }
            DeValue::Table(inner) => gather(inner, depth + 1, entries),
            DeValue::Array(list) => {
                let tables = list.iter().filter_map(|entry| entry.get_ref().as_table());
                tables.for_each(|inner| gather(inner, depth + 1, entries));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
[[step]]
name = "a"
path = "x"
query = { path = "x", q = "y" }
[[step]]
name = "b"
changeset = [{ body = "x", headers = { h = "z" } }]
[episode]
once_per = "x"
"#;

    fn check(step: &str, key: &str, value: &str, expect: Option<&str>) {
        let found = Texts::of_file(FILE).find(step, key, value);
        let line = found.map(|written| FILE[..written.at].lines().last().unwrap_or_default().trim().to_owned());
        assert_eq!(line.as_deref(), expect, "for {step} {key} {value}");
    }

    #[test]
    fn texts_are_found_by_step_option_and_value() {
        check("a", "path", "x", Some("path ="));
        check("a", "q", "y", Some("query = { path = \"x\", q ="));
        check("a", "header", "y", Some("query = { path = \"x\", q ="));
        check("b", "h", "z", Some("changeset = [{ body = \"x\", headers = { h ="));
        check("b", "path", "x", Some("changeset = [{ body ="));
        check("", "once_per", "x", Some("once_per ="));
        check("a", "path", "z", None);
        check("c", "path", "x", None);
    }
}
