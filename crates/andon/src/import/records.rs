//! What each file holds: rows of the framework's tables, or a decision table.
//!
//! A table is told by the file's name, as CAP writes it (`sap.paa.action.mgmt-Actions.csv`), or by the context of an
//! OData answer (`$metadata#Actions`). Columns are read in any case; an association is its foreign key (`method_ID`) or,
//! in JSON, the expanded object, whose members are read as `method_name`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::encoding;
use super::files::InputFile;
use super::report::{Entry, Note, Outcome, Report};
use super::sheet::{self, Sheet};

/// Most rows of one JSON file.
const MAX_ROWS: usize = 20_000;
/// How deep expanded objects are read.
const MAX_DEPTH: usize = 4;

/// A table of the framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entity {
    Actions,
    Relations,
    Types,
    Methods,
    ContentTypes,
    Categories,
    FlowTypes,
    Destinations,
    Logs,
}

/// The tables by the words that name them.
const ENTITIES: [(&str, Entity); 12] = [
    ("actions", Entity::Actions),
    ("prepostactions", Entity::Relations),
    ("types", Entity::Types),
    ("methods", Entity::Methods),
    ("contenttypes", Entity::ContentTypes),
    ("actioncategories", Entity::Categories),
    ("flowtypes", Entity::FlowTypes),
    ("destinations", Entity::Destinations),
    ("subaccountdestinations", Entity::Destinations),
    ("instancedestinations", Entity::Destinations),
    ("logheaders", Entity::Logs),
    ("logitems", Entity::Logs),
];

/// One row of a table, with its columns in lower case; empty cells are left out.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// File and line, or file and number of the object.
    pub(super) place: String,
    fields: BTreeMap<String, String>,
}

impl Record {
    /// A column's text, trimmed; `None` when it is empty or not there.
    pub(super) fn get(&self, column: &str) -> Option<&str> {
        self.raw(column).map(str::trim).filter(|text| !text.is_empty())
    }

    /// A column's text as written.
    pub(super) fn raw(&self, column: &str) -> Option<&str> {
        self.fields.get(&column.to_ascii_lowercase()).map(String::as_str)
    }

    /// Where a column stands.
    pub(super) fn at(&self, column: &str) -> String {
        format!("{} column {column}", self.place)
    }
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Records {
    tables: BTreeMap<Entity, Vec<Record>>,
    /// CSV files that are no table of the framework: decision tables.
    pub(super) sheets: Vec<Sheet>,
}

impl Records {
    /// Reads the files; what cannot be read is reported.
    pub(super) fn read(files: &[InputFile], report: &mut Report) -> Self {
        let mut records = Self::default();
        for file in files {
            records.read_file(file, report);
        }
        records
    }

    /// The rows of a table.
    pub(super) fn of(&self, entity: Entity) -> &[Record] {
        self.tables.get(&entity).map_or(&[], Vec::as_slice)
    }

    fn read_file(&mut self, file: &InputFile, report: &mut Report) {
        let label: Arc<str> = file.label.as_str().into();
        let mut entry = Entry::new("file", &*label, &*label);
        let mut faults = Vec::new();
        match &file.bytes {
            None => faults.push(Note::at("", "only CSV and JSON are read; export a decision table as CSV")),
            Some(bytes) if is_json(&label) => self.read_json(&label, bytes, &mut faults),
            Some(bytes) => self.read_csv(&label, bytes, &mut faults),
        }
        if !faults.is_empty() {
            for note in faults {
                entry.note(Outcome::Skipped, note);
            }
            report.add(entry);
        }
    }

    fn read_csv(&mut self, label: &Arc<str>, bytes: &[u8], faults: &mut Vec<Note>) {
        let Some(sheet) = sheet::read(label, bytes, faults) else { return };
        match entity_of_file(label) {
            Some(entity) => self.tables.entry(entity).or_default().extend(records_of(&sheet)),
            None => self.sheets.push(sheet),
        }
    }

    fn read_json(&mut self, label: &Arc<str>, bytes: &[u8], faults: &mut Vec<Note>) {
        let text = match encoding::text(label, bytes) {
            Ok(text) => text,
            Err(note) => return faults.push(note),
        };
        let value: Value = match serde_json::from_str(&text) {
            Ok(value) => value,
            Err(error) => {
                let place = format!("{label} line {} column {}", error.line(), error.column());
                return faults.push(Note::at(place, format!("the file is not JSON: {error}")));
            }
        };
        let Some(entity) =
            entity_of_answer(&value).or_else(|| entity_of_file(label)).or_else(|| entity_of_rows(&value))
        else {
            let what = "neither its name nor its @odata.context names a table of the framework, such as Actions";
            return faults.push(Note::at(&**label, what));
        };
        let rows = rows_of(&value);
        if rows.len() > MAX_ROWS {
            faults.push(Note::at(&**label, format!("only the first {MAX_ROWS} of {} objects were read", rows.len())));
        }
        for (index, row) in rows.iter().take(MAX_ROWS).enumerate() {
            let place = format!("{label} object {}", index + 1);
            match row.as_object() {
                Some(members) => self.add_object(entity, &place, members),
                None => faults.push(Note::at(place, "an object is expected")),
            }
        }
    }

    /// An object, and as rows of their own the related actions that were expanded into it.
    fn add_object(&mut self, entity: Entity, place: &str, members: &Map<String, Value>) {
        let mut fields = BTreeMap::new();
        flatten("", members, MAX_DEPTH, &mut fields);
        let root = fields.get("id").cloned();
        self.tables.entry(entity).or_default().push(Record { place: place.to_owned(), fields });
        let children = members.iter().find(|(name, _)| name.eq_ignore_ascii_case("childActions"));
        let children = children.map(|(_, value)| rows_of(value)).unwrap_or_default();
        for (index, child) in children.iter().take(MAX_ROWS).enumerate() {
            let mut fields = BTreeMap::new();
            child.as_object().inspect(|child| flatten("", child, MAX_DEPTH, &mut fields));
            if let Some(root) = &root {
                fields.insert("rootaction_id".into(), root.clone());
            }
            let place = format!("{place} childActions[{index}]");
            self.tables.entry(Entity::Relations).or_default().push(Record { place, fields });
        }
    }
}

fn is_json(label: &str) -> bool {
    label.to_ascii_lowercase().ends_with(".json")
}

fn records_of(sheet: &Sheet) -> impl Iterator<Item = Record> {
    sheet.rows.iter().map(|row| {
        let cells = sheet.header.iter().map(|name| name.to_ascii_lowercase()).zip(row.cells.iter().cloned());
        Record { place: sheet.row_place(row), fields: cells.collect() }
    })
}

/// `sap.paa.action.mgmt-Actions.csv`, `actions.json` and `…_ACTIONS.csv` all hold actions.
fn entity_of_file(label: &str) -> Option<Entity> {
    let name = label.rsplit(['/', '\\']).next().unwrap_or(label).to_ascii_lowercase();
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    entity_of_word(stem.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or(stem))
}

/// `"@odata.context": "$metadata#Actions(childActions())"`
fn entity_of_answer(value: &Value) -> Option<Entity> {
    let context = value.get("@odata.context")?.as_str()?;
    let set = context.split_once('#')?.1;
    entity_of_word(&set.split(['(', '/']).next()?.to_ascii_lowercase())
}

/// What the destination service answers is told by its members, `Name` with `Type` or `URL`.
fn entity_of_rows(value: &Value) -> Option<Entity> {
    let first = rows_of(value).first()?.as_object()?;
    let has = |name: &str| first.contains_key(name);
    (has("Name") && (has("URL") || has("Authentication"))).then_some(Entity::Destinations)
}

fn entity_of_word(word: &str) -> Option<Entity> {
    ENTITIES.iter().find(|(known, _)| *known == word).map(|(_, entity)| *entity)
}

/// The objects of an OData answer, V4 (`value`) or V2 (`d.results`), of a list, or the one object itself.
fn rows_of(value: &Value) -> &[Value] {
    let value = value.get("d").or_else(|| value.get("destinationConfiguration")).unwrap_or(value);
    match value.get("value").or_else(|| value.get("results")).unwrap_or(value) {
        Value::Array(rows) => rows,
        one => std::slice::from_ref(one),
    }
}

fn flatten(prefix: &str, members: &Map<String, Value>, depth: usize, fields: &mut BTreeMap<String, String>) {
    for (name, value) in members {
        let name = format!("{prefix}{}", name.to_ascii_lowercase());
        match value {
            Value::String(text) => drop(fields.insert(name, text.clone())),
            Value::Bool(_) | Value::Number(_) => drop(fields.insert(name, value.to_string())),
            Value::Object(inner) if depth > 0 => flatten(&format!("{name}_"), inner, depth - 1, fields),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_told_by_the_file_name() {
        let check = |name: &str, expect: Option<Entity>| assert_eq!(entity_of_file(name), expect, "{name}");
        check("db/data/sap.paa.action.mgmt-Actions.csv", Some(Entity::Actions));
        check("sap.paa.action.mgmt-prepostActions.csv", Some(Entity::Relations));
        check("SAP_PAA_ACTION_MGMT_FLOWTYPES.csv", Some(Entity::FlowTypes));
        check("contentTypes.json", Some(Entity::ContentTypes));
        check("DecideActions.csv", None);
        check("E2BDecision.csv", None);
    }

    #[test]
    fn answers_of_both_versions_are_read() {
        let check = |text: &str, expect: &str| {
            let files = [InputFile { label: "x/actions.json".into(), bytes: Some(text.into()) }];
            let mut report = Report::default();
            let records = Records::read(&files, &mut report);
            let shown: Vec<String> = [Entity::Actions, Entity::Relations]
                .iter()
                .flat_map(|entity| records.of(*entity))
                .map(|r| format!("{} {:?}", r.place, r.fields))
                .chain(report.entries.iter().map(Entry::story))
                .collect();
            assert_eq!(shown.join("\n"), expect, "{text}");
        };
        check(r#"{"d":{"results":[{"ID":"1","X":null}]}}"#, "x/actions.json object 1 {\"id\": \"1\"}");
        check(
            r#"{"@odata.context":"$metadata#Actions","value":[{"ID":"1","method":{"name":"GET"},"isCsrfTokenNeeded":true,
               "childActions":[{"ID":"r","action":{"ID":"2"}}]}]}"#,
            "x/actions.json object 1 {\"id\": \"1\", \"iscsrftokenneeded\": \"true\", \"method_name\": \"GET\"}\n\
             x/actions.json object 1 childActions[0] {\"action_id\": \"2\", \"id\": \"r\", \"rootaction_id\": \"1\"}",
        );
        check("[7]", "x/actions.json object 1: an object is expected");
        check(
            "{",
            "x/actions.json line 1 column 1: the file is not JSON: EOF while parsing an object at line 1 column 1",
        );
    }
}
