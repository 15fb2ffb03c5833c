//! Tables that came along beside the one that names the actions: mappings of equipment, codes, plants.
//!
//! **Purpose.** A pre action that asks a decision service for such a table needs no call any more: the table becomes a
//! lookup where every row is found by equal texts, else a decision that the step asks. A table that no action asks
//! becomes a lookup as well, for whoever knows what reads it.
//!
//! **Constraints.** A table belongs to an action when every attribute that the action sends is one of its columns.

use std::collections::BTreeSet;

use andon_journal::{Document, DocumentKind};
use andon_model::InvalidName;

use super::cell;
use super::document;
use super::framework::{Category, Framework, SourceAction};
use super::names::Names;
use super::plan::Plan;
use super::records::Records;
use super::report::{Entry, Note, Outcome, Report};
use super::sheet::{Row, Sheet};
use super::table::{self, output_field};
use super::text::{comment, toml_literal, toml_text};
use super::vocabulary::{self, Attribute};

/// A table, and what it becomes.
#[derive(Debug)]
pub(super) struct Brought<'a> {
    pub(super) sheet: &'a Sheet,
    /// Name of the lookup or of the decision.
    pub(super) name: String,
    /// What actions send when they ask it; empty when none does.
    attributes: Vec<Attribute>,
    pub(super) form: Form,
}

/// What a table becomes.
#[derive(Debug)]
pub(super) enum Form {
    /// `lookups/<name>.csv`.
    Lookup(Rows),
    /// `decisions/<name>.toml` and `tables/<name>.json`.
    Decision,
    /// Nothing, for this reason.
    Nothing(Note),
}

/// A lookup: its header, the key columns first, and its rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    keys: usize,
    header: Vec<String>,
    cells: Vec<Vec<String>>,
}

/// Every table but those that name actions.
pub(super) fn all<'a>(
    framework: &Framework,
    records: &'a Records,
    action_attribute: &str,
    decision: &str,
) -> Vec<Brought<'a>> {
    let mut names = Names::default();
    // The decision's own name is taken.
    names.give(decision, decision);
    let sheets = records.sheets.iter().filter(|sheet| !table::names_actions(sheet, action_attribute));
    sheets
        .map(|sheet| {
            let name = names.give(table::stem(&sheet.file), "table");
            let attributes = framework.actions.iter().find_map(|action| asks(action, sheet)).unwrap_or_default();
            let form = if attributes.is_empty() { mapping(sheet) } else { asked(sheet, &attributes) };
            Brought { sheet, name, attributes, form }
        })
        .collect()
}

/// The table that an action asks, unless it stays with its decision service.
pub(super) fn of<'b, 'a>(brought: &'b [Brought<'a>], action: &SourceAction) -> Option<&'b Brought<'a>> {
    brought.iter().find(|table| !matches!(table.form, Form::Nothing(_)) && asks(action, table.sheet).is_some())
}

/// What an action sends to the decision service, when a sheet has a column for all of it.
fn asks(action: &SourceAction, sheet: &Sheet) -> Option<Vec<Attribute>> {
    let attributes = vocabulary::read(action.payload.as_deref().unwrap_or_default());
    let has = |attribute: &Attribute| {
        sheet.header.iter().any(|column| vocabulary::find(std::slice::from_ref(attribute), column).is_some())
    };
    let fits = action.category == Category::Child && !attributes.is_empty() && attributes.iter().all(has);
    fits.then_some(attributes)
}

impl Brought<'_> {
    /// The columns of a lookup's key with the templates that fill them, or what a decision is asked, as TOML.
    pub(super) fn question(&self, action: &SourceAction, rewrite: impl Fn(&str) -> String) -> String {
        let sent = vocabulary::read(action.payload.as_deref().unwrap_or_default());
        let pairs = sent.iter().map(|attribute| (output_field(&attribute.name), rewrite(&attribute.value)));
        if matches!(self.form, Form::Lookup(_)) {
            let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name} = {}", toml_text(&value))).collect();
            return format!("lookup = {}\nkey = {{ {} }}\n", toml_text(&self.name), pairs.join(", "));
        }
        let members: Vec<String> = sent
            .iter()
            .map(|attribute| format!("\"{}\": {}", output_field(&attribute.name), self.input(attribute, &rewrite)))
            .collect();
        let input = format!("{{{}}}", members.join(", "));
        format!("table = {}\ninput = {}\n", toml_text(&self.name), toml_literal(&input))
    }

    /// What a decision is given for an attribute: a text, as the decision service was, or where its cells compare
    /// numbers the value as the event has it.
    fn input(&self, attribute: &Attribute, rewrite: impl Fn(&str) -> String) -> String {
        let value = rewrite(&attribute.value);
        let is_one = value.starts_with("${{") && value.ends_with("}}") && value.matches("${{").count() == 1;
        if !is_one {
            return serde_json::Value::from(value).to_string();
        }
        if self.compares_numbers(attribute) { value } else { format!("\"{value}\"") }
    }

    fn compares_numbers(&self, attribute: &Attribute) -> bool {
        let named = |column: &String| vocabulary::find(std::slice::from_ref(attribute), column).is_some();
        let Some(at) = self.sheet.header.iter().position(named) else { return false };
        let cells = self.sheet.rows.iter().filter_map(|row| cell::condition(&row.cells[at]).ok());
        let first = |cell: &str| cell.trim_start_matches(['<', '>', '=', '!', '[', '(', ' ', '-']).chars().next();
        cells.into_iter().any(|cell| first(&cell).is_some_and(|c| c.is_ascii_digit()))
    }
}

/// A table that is asked: a lookup when its conditions are equal texts that never repeat, its results texts.
fn asked(sheet: &Sheet, attributes: &[Attribute]) -> Form {
    let used = |at: &usize| !sheet.header[*at].is_empty();
    let is_key = |at: &usize| vocabulary::find(attributes, &sheet.header[*at]).is_some();
    let (keys, values): (Vec<usize>, Vec<usize>) = (0..sheet.header.len()).filter(used).partition(is_key);
    let plain = |cell: Result<String, cell::CellFault>| -> Option<String> { serde_json::from_str(&cell.ok()?).ok() };
    let text = |row: &Row, at: usize| {
        let cell = row.cells[at].as_str();
        if keys.contains(&at) {
            return plain(cell::condition(cell));
        }
        if cell.trim().is_empty() { Some(String::new()) } else { plain(cell::result(cell)) }
    };
    let columns: Vec<usize> = keys.iter().chain(&values).copied().collect();
    let rows = sheet.rows.iter().filter(|row| row.cells.iter().any(|cell| !cell.trim().is_empty()));
    let rows: Option<Vec<Vec<String>>> = rows.map(|row| columns.iter().map(|at| text(row, *at)).collect()).collect();
    let names = columns.iter().map(|at| output_field(table::last(&sheet.header[*at])));
    match rows.and_then(|rows| Rows::new(keys.len(), names.collect(), rows)) {
        Some(rows) if !values.is_empty() => Form::Lookup(rows),
        _ => Form::Decision,
    }
}

/// A table that nobody asks: a lookup by the fewest leading columns that tell its rows apart.
fn mapping(sheet: &Sheet) -> Form {
    let columns: Vec<usize> = (0..sheet.header.len()).filter(|at| !sheet.header[*at].is_empty()).collect();
    let names: Vec<String> = columns.iter().map(|at| output_field(table::last(&sheet.header[*at]))).collect();
    let rows: Vec<Vec<String>> =
        sheet.rows.iter().map(|row| columns.iter().map(|at| cell::result_text(&row.cells[*at])).collect()).collect();
    let candidates = (1..columns.len()).find_map(|keys| Rows::new(keys, names.clone(), rows.clone()));
    match candidates {
        Some(rows) => Form::Lookup(rows),
        None => Form::Nothing(Note::at(
            place_of_repetition(sheet, &rows),
            "no columns tell its rows apart, or it has one column; make it a lookup by hand",
        )),
    }
}

/// The first row that says the same as one before, or the file.
fn place_of_repetition(sheet: &Sheet, rows: &[Vec<String>]) -> String {
    let mut seen = BTreeSet::new();
    let repeated = rows.iter().position(|row| !seen.insert(row.split_last().map_or(&row[..], |(_, keys)| keys)));
    repeated.and_then(|at| sheet.rows.get(at)).map_or_else(|| sheet.file.to_string(), |row| sheet.row_place(row))
}

impl Rows {
    /// `None` when a name or a key repeats.
    fn new(keys: usize, header: Vec<String>, rows: Vec<Vec<String>>) -> Option<Self> {
        let names: BTreeSet<&String> = header.iter().collect();
        let distinct: BTreeSet<&[String]> = rows.iter().filter_map(|row| row.get(..keys)).collect();
        let holds = keys > 0 && names.len() == header.len() && distinct.len() == rows.len();
        holds.then_some(Self { keys, header, cells: rows })
    }

    fn to_csv(&self) -> Option<String> {
        let mark = |(at, name): (usize, &String)| if at < self.keys { format!("{name}*") } else { name.clone() };
        let header: Vec<String> = self.header.iter().enumerate().map(mark).collect();
        let mut writer = csv::Writer::from_writer(Vec::new());
        for record in std::iter::once(&header).chain(&self.cells) {
            writer.write_record(record).ok()?;
        }
        String::from_utf8(writer.into_inner().ok()?).ok()
    }
}

/// Writes them all, and reports each.
pub(super) fn write_all(plan: &Plan<'_>, report: &mut Report) -> Result<Vec<Document>, InvalidName> {
    let mut documents = Vec::new();
    for brought in &plan.brought {
        let object = if brought.attributes.is_empty() { "mapping table" } else { "decision table" };
        let mut entry = Entry::new(object, &*brought.sheet.file, &*brought.sheet.file);
        documents.extend(write(brought, plan, &mut entry)?);
        report.add(entry);
    }
    Ok(documents)
}

fn write(brought: &Brought<'_>, plan: &Plan<'_>, entry: &mut Entry) -> Result<Vec<Document>, InvalidName> {
    let name = brought.name.as_str();
    match &brought.form {
        Form::Nothing(note) => {
            entry.note(Outcome::Skipped, note.clone());
            Ok(Vec::new())
        }
        Form::Lookup(rows) => {
            entry.became = Some(format!("lookups/{name}.csv"));
            let (outcome, what) = if brought.attributes.is_empty() {
                (
                    Outcome::Open,
                    "nothing that was read asks it: name it in a decision's [lookups] or in a lookup step".into(),
                )
            } else {
                (Outcome::Adapted, format!("the actions that asked for it read the lookup {name}, without a call"))
            };
            entry.note(outcome, Note::at("", what));
            rows.to_csv().map(|text| document(DocumentKind::Lookup, name, text)).into_iter().collect()
        }
        Form::Decision => {
            entry.became = Some(format!("tables/{name}.json"));
            let what = format!("the actions that asked for it ask the decision {name}, without a call");
            entry.note(Outcome::Adapted, Note::at("", what));
            let attributes: Vec<Attribute> = brought.attributes.iter().map(asked_as_event).collect();
            let table = table::of_sheet(brought.sheet, &attributes, plan, entry);
            let head = comment("Asked by steps, not by events: what a step sends is event.data here.");
            let text = format!(
                "{head}description = {}\ntable = {}\n",
                toml_text(table::stem(&brought.sheet.file)),
                toml_text(name)
            );
            Ok(vec![
                document(DocumentKind::Table, name, table.without_actions().to_jdm(name))?,
                document(DocumentKind::Decision, name, text)?,
            ])
        }
    }
}

/// A step's input takes the place of the event's data.
fn asked_as_event(attribute: &Attribute) -> Attribute {
    Attribute { path: Some(format!("event.data.{}", output_field(&attribute.name))), ..attribute.clone() }
}
