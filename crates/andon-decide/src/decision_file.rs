//! `decisions/<name>.toml`: which events, which table, which lookups, which test cases.

use std::collections::BTreeMap;

use andon_model::{Code, Name};
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use crate::findings::{File, Findings};
use crate::pattern::{Filter, MAX_PATTERNS};

/// Longest decision file, in bytes.
const MAX_TEXT_BYTES: usize = 1024 * 1024;
/// Most lookups in one decision.
const MAX_LOOKUPS: usize = 20;
/// Length of a rule service's identifier.
const SERVICE_ID_CHARS: usize = 32;
/// Longest name of a result's object.
const MAX_OBJECT_CHARS: usize = 80;
/// Most test cases in one decision.
const MAX_CASES: usize = 1_000;

/// The file as written. Unknown keys are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionFile {
    /// For people.
    #[serde(default)]
    pub(crate) description: String,
    /// Stem of the table's file.
    pub(crate) table: Spanned<Name>,
    /// Under which identifier rule services ask it, beside its name: 32 hexadecimal digits.
    #[serde(default)]
    pub(crate) rule_service_id: Option<Spanned<String>>,
    /// What rule services call the object that holds an output.
    #[serde(default)]
    pub(crate) result_object: Option<Spanned<String>>,
    /// Which events.
    #[serde(default)]
    pub(crate) on: Filter,
    /// Lookups by the name under which table and templates see their result.
    #[serde(default)]
    pub(crate) lookups: BTreeMap<String, LookupUse>,
    /// The decision's own tests.
    #[serde(default)]
    pub(crate) cases: Vec<Spanned<Case>>,
}

/// A lookup and how its key is made from the event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LookupUse {
    /// Stem of the lookup's file.
    pub(crate) table: Spanned<Name>,
    /// One ZEN expression per key column.
    pub(crate) key: Vec<Spanned<String>>,
}

/// A test: an event and what must come out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What it shows.
    pub(crate) name: String,
    /// The event, with the attributes of a `CloudEvent`.
    pub(crate) event: toml::Table,
    /// What must come out.
    pub(crate) expect: Expect,
}

/// What a case expects; what is left out is not compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// The actions, in order; empty when none.
    pub(crate) actions: Option<Vec<Name>>,
    /// Numbers of the rows that hit, in order.
    pub(crate) rows: Option<Vec<usize>>,
    /// Part of the first output.
    pub(crate) output: Option<toml::Table>,
}

/// Reads the file.
pub(crate) fn read(file: &File<'_>) -> Result<DecisionFile, Findings> {
    if file.text.len() > MAX_TEXT_BYTES {
        return Err(vec![file.error_on(
            Code::ConfigurationValue,
            1,
            1,
            format!("the file has {} bytes, at most {MAX_TEXT_BYTES} are read", file.text.len()),
        )]);
    }
    let decision: DecisionFile = toml::from_str(file.text).map_err(|error| {
        vec![file.error_at(Code::ConfigurationSyntax, &error.span().unwrap_or_default(), error.message())]
    })?;
    let mut findings = limits(file, &decision);
    findings.extend(rule_service(file, &decision));
    if findings.is_empty() { Ok(decision) } else { Err(findings) }
}

fn limits(file: &File<'_>, decision: &DecisionFile) -> Findings {
    let counts = [
        ("lookups", decision.lookups.len(), MAX_LOOKUPS),
        ("cases", decision.cases.len(), MAX_CASES),
        ("patterns in one list", decision.on.longest(), MAX_PATTERNS),
    ];
    let mut findings: Findings = counts
        .into_iter()
        .filter(|(_, count, most)| count > most)
        .map(|(what, count, most)| {
            file.error_on(Code::ConfigurationValue, 1, 1, format!("{count} {what}, at most {most} are allowed"))
        })
        .collect();
    for (alias, lookup) in &decision.lookups {
        if !is_alias(alias) {
            let what = format!("{alias:?} cannot name a lookup's result: use a-z, 0-9 and '_', not \"event\"");
            findings.push(file.error_at(Code::ConfigurationValue, &lookup.table.span(), what));
        }
    }
    findings
}

/// What rule services are told must have their form.
fn rule_service(file: &File<'_>, decision: &DecisionFile) -> Findings {
    let id = decision.rule_service_id.as_ref().filter(|id| !is_service_id(id.get_ref()));
    let object = decision.result_object.as_ref().filter(|object| !is_technical_name(object.get_ref()));
    let faults = [
        id.map(|id| (id.span(), format!("{:?} is no rule service: it has 32 hexadecimal digits", id.get_ref()))),
        object.map(|object| {
            let what = format!("{:?} cannot name an object: a letter, then letters, digits and '_'", object.get_ref());
            (object.span(), what)
        }),
    ];
    let fault = |(span, what)| file.error_at(Code::ConfigurationValue, &span, what);
    faults.into_iter().flatten().map(fault).collect()
}

fn is_service_id(text: &str) -> bool {
    text.len() == SERVICE_ID_CHARS && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Technical names of SAP's data objects.
fn is_technical_name(text: &str) -> bool {
    let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    starts_well && text.len() <= MAX_OBJECT_CHARS && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether expressions can read a lookup's result under this name.
fn is_alias(text: &str) -> bool {
    let taken = ["event", "true", "false", "null", "not", "and", "or", "in", "decision"].contains(&text);
    let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    !taken && starts_well && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A TOML value as JSON; dates and times become text.
pub(crate) fn to_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(flag) => Value::from(*flag),
        toml::Value::Datetime(time) => Value::from(time.to_string()),
        toml::Value::Array(items) => Value::Array(items.iter().map(to_json).collect()),
        toml::Value::Table(table) => table_to_json(table),
    }
}

/// A TOML table as a JSON object.
pub(crate) fn table_to_json(table: &toml::Table) -> Value {
    Value::Object(table.iter().map(|(key, value)| (key.clone(), to_json(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, place: &str, detail: &str) {
        let file = File { path: "decisions/d.toml", text };
        let findings = read(&file).err().unwrap_or_default();
        let found: Vec<_> = findings.iter().map(|(_, p)| (p.place.clone().unwrap_or_default(), &p.detail)).collect();
        assert_eq!(found.len(), 1, "{text:?}: {found:?}");
        assert_eq!(found[0].0, place, "for {text:?}: {found:?}");
        assert!(found[0].1.contains(detail), "for {text:?}: {found:?}");
    }

    #[test]
    fn faults_name_line_and_column() {
        check("table = 'a'\nnonsense = 1\n", "decisions/d.toml line 2 column 1", "unknown field `nonsense`");
        check("table = 'A b'\n", "decisions/d.toml line 1 column 9", "is not a name");
        check("table = \n", "decisions/d.toml line 1 column 9", "");
        check("description = 'x'\n", "decisions/d.toml line 1 column 1", "missing field `table`");
        check("table = 'a'\n[on]\nkind = ['x']\n", "decisions/d.toml line 3 column 1", "unknown field `kind`");
        check("table = 'a'\n[lookups.event]\ntable = 'b'\nkey = []\n", "decisions/d.toml line 3 column 9", "\"event\"");
        check("table = 'a'\n[lookups.Asset]\ntable = 'b'\nkey = []\n", "decisions/d.toml line 3 column 9", "\"Asset\"");
        check("table = 'a'\nrule_service_id = '12'\n", "decisions/d.toml line 2 column 19", "32 hexadecimal digits");
        check("table = 'a'\nresult_object = '1 a'\n", "decisions/d.toml line 2 column 17", "cannot name an object");
        check(&"a".repeat(MAX_TEXT_BYTES + 1), "decisions/d.toml line 1 column 1", "at most");
    }

    #[test]
    fn toml_values_become_json() {
        let table: toml::Table =
            toml::from_str("a = [1, 2.5, true]\nb = { t = 2024-03-05T14:00:00Z }\n").expect("TOML");
        assert_eq!(table_to_json(&table), serde_json::json!({"a": [1, 2.5, true], "b": {"t": "2024-03-05T14:00:00Z"}}));
    }
}
