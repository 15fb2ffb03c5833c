//! A decision table as CSV becomes `tables/<name>.json`.
//!
//! The header names attributes, with or without their data object (`EventInfo.SourceSystem`). A column is a condition
//! when the default action's payload gives its attribute to the decision service, or when its cells begin with an
//! operator; every other column is a result. The result that the default action reads names the action.

use super::cell;
use super::plan::Plan;
use super::report::{Entry, Note, Outcome};
use super::sheet::{Row, Sheet};
use super::vocabulary::{self, Attribute};

/// The output of Andon's tables that names the action.
pub(super) const ACTION_FIELD: &str = "action";
/// Andon's word for no action.
const NO_ACTION: &str = "\"none\"";
/// Most rows that a table may have, less the one that is added.
const MAX_ROWS: usize = 9_999;

/// What a column is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Role {
    /// Tests the value at this path.
    Condition(String),
    /// Names the action by its identifier.
    Action,
    /// An output of this name.
    Result(String),
    /// Has no header and no cell.
    Empty,
}

/// A column of a JDM table.
#[derive(Debug)]
struct Column {
    id: String,
    name: String,
    field: String,
}

/// A table, ready to be written.
#[derive(Debug, Default)]
pub(super) struct Table {
    inputs: Vec<Column>,
    outputs: Vec<Column>,
    /// Members of each row: column, cell.
    rows: Vec<Vec<(String, String)>>,
}

/// The stem of a file's label.
pub(super) fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Whether a table has the result that names the action.
pub(super) fn names_actions(sheet: &Sheet, attribute: &str) -> bool {
    sheet.header.iter().any(|column| last(column) == attribute)
}

/// An attribute as the name of an output: letters, digits and `_`.
pub(super) fn output_field(attribute: &str) -> String {
    let field: String = attribute.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    match field.as_str() {
        "" => "_".to_owned(),
        ACTION_FIELD => format!("{ACTION_FIELD}_"),
        other if other.starts_with(|c: char| c.is_ascii_digit()) => format!("_{other}"),
        _ => field,
    }
}

/// `EventInfo.SourceSystem` is about `SourceSystem`.
pub(super) fn last(column: &str) -> &str {
    column.rsplit('.').next().unwrap_or(column).trim()
}

/// Makes a table of a sheet; rows that cannot be carried over are told to `entry` and left out.
pub(super) fn of_sheet(sheet: &Sheet, attributes: &[Attribute], plan: &Plan<'_>, entry: &mut Entry) -> Table {
    let roles: Vec<Role> = (0..sheet.header.len()).map(|at| role(sheet, at, attributes, plan, entry)).collect();
    let mut table = Table::default();
    for (at, role) in roles.iter().enumerate() {
        let (id, name) = (format!("c{}", at + 1), sheet.header[at].clone());
        match role {
            Role::Condition(path) => table.inputs.push(Column { id, name, field: path.clone() }),
            Role::Action => table.outputs.push(Column { id, name: "Action".into(), field: ACTION_FIELD.into() }),
            Role::Result(field) => table.outputs.push(Column { id, name, field: field.clone() }),
            Role::Empty => {}
        }
    }
    for row in sheet.rows.iter().filter(|row| row.cells.iter().any(|cell| !cell.trim().is_empty())) {
        match members(sheet, row, &roles, plan) {
            Ok(_) if table.rows.len() == MAX_ROWS => {
                entry.note(Outcome::Skipped, Note::at(sheet.row_place(row), format!("a table has {MAX_ROWS} rows")));
                break;
            }
            Ok(members) => table.rows.push(members),
            Err(note) => entry.note(Outcome::Open, note),
        }
    }
    table
}

/// A table that asks for nothing, to be completed.
pub(super) fn empty(attributes: &[Attribute]) -> Table {
    let paths = attributes.iter().filter_map(|attribute| Some((attribute.name.clone(), attribute.path.clone()?)));
    let inputs = paths.enumerate().map(|(at, (name, field))| Column { id: format!("c{}", at + 1), name, field });
    let outputs = vec![Column { id: "action".into(), name: "Action".into(), field: ACTION_FIELD.into() }];
    Table { inputs: inputs.collect(), outputs, rows: Vec::new() }
}

fn role(sheet: &Sheet, at: usize, attributes: &[Attribute], plan: &Plan<'_>, entry: &mut Entry) -> Role {
    let header = sheet.header[at].as_str();
    let cells = || sheet.rows.iter().map(|row| row.cells[at].trim()).filter(|cell| !cell.is_empty());
    if header.is_empty() && cells().next().is_none() {
        return Role::Empty;
    }
    if last(header) == plan.action_attribute {
        return Role::Action;
    }
    let place = || format!("{} line 1 column {header}", sheet.file);
    match vocabulary::find(attributes, header) {
        Some(Attribute { path: Some(path), .. }) => Role::Condition(path.clone()),
        found if found.is_some() || cells().any(cell::is_condition) => {
            let path = format!("event.data.{}", output_field(last(header)));
            let what = format!("the default action does not fill it with a path of the event; {path} is assumed");
            entry.note(Outcome::Open, Note::at(place(), what));
            Role::Condition(path)
        }
        _ => Role::Result(output_field(last(header))),
    }
}

fn members(sheet: &Sheet, row: &Row, roles: &[Role], plan: &Plan<'_>) -> Result<Vec<(String, String)>, Note> {
    let mut members = vec![("_description".to_owned(), format!("line {} of {}", row.line, sheet.file))];
    for (at, (role, text)) in roles.iter().zip(&row.cells).enumerate() {
        let fault = |what: String| Note::at(sheet.cell_place(row, at), format!("{what}; the row is left out"));
        let cell = match role {
            Role::Condition(_) => cell::condition(text).map_err(|error| fault(error.to_string()))?,
            Role::Result(_) => cell::result(text).map_err(|error| fault(error.to_string()))?,
            Role::Action => action(text, plan).map_err(fault)?,
            Role::Empty => continue,
        };
        members.push((format!("c{}", at + 1), cell));
    }
    Ok(members)
}

/// The name of an action by its identifier; no identifier is no action.
fn action(text: &str, plan: &Plan<'_>) -> Result<String, String> {
    let id = cell::result_text(text);
    if id.is_empty() {
        return Ok(NO_ACTION.to_owned());
    }
    let name = plan.action_name(&id).ok_or_else(|| format!("{id} is not among the main actions that were read"))?;
    Ok(format!("\"{name}\""))
}

impl Table {
    /// A table that steps ask: no row names an action. Where nothing matches, the step that asked is refused.
    pub(super) fn without_actions(mut self) -> Self {
        const ID: &str = "action";
        self.outputs.push(Column { id: ID.into(), name: "Action".into(), field: ACTION_FIELD.into() });
        self.rows.iter_mut().for_each(|row| row.push((ID.to_owned(), NO_ACTION.to_owned())));
        self
    }

    /// A table that is asked about events. Where nothing matched the framework ended in an error; Andon keeps such an
    /// event without a run, and says so.
    pub(super) fn with_last_row(mut self) -> Self {
        self.add_last_row();
        self
    }

    fn add_last_row(&mut self) {
        let takes_all = |row: &Vec<(String, String)>| {
            self.inputs.iter().all(|input| row.iter().any(|(id, cell)| *id == input.id && cell.is_empty()))
        };
        if self.rows.last().is_some_and(takes_all) {
            return;
        }
        let mut row = vec![("_description".to_owned(), "everything else: the event is kept, without a run".to_owned())];
        row.extend(self.inputs.iter().map(|input| (input.id.clone(), String::new())));
        row.extend(self.outputs.iter().map(|output| {
            let cell = if output.field == ACTION_FIELD { NO_ACTION } else { "" };
            (output.id.clone(), cell.to_owned())
        }));
        self.rows.push(row);
    }

    /// Its JDM document, one row on a line.
    pub(super) fn to_jdm(&self, name: &str) -> String {
        let columns = |columns: &[Column]| {
            let lines = columns.iter().map(|c| object([("id", &c.id), ("name", &c.name), ("field", &c.field)]));
            lines.map(|line| format!("          {line}")).collect::<Vec<_>>().join(",\n")
        };
        let rows = self.rows.iter().enumerate().map(|(at, members)| {
            let id = format!("r{:04}", at + 1);
            let members = members.iter().map(|(id, cell)| (id.as_str(), cell));
            format!("          {}", object(std::iter::once(("_id", &id)).chain(members)))
        });
        format!(
            "{{\n  \"nodes\": [\n    {{\"id\": \"in\", \"name\": \"Event\", \"type\": \"inputNode\", \
             \"position\": {{\"x\": 80, \"y\": 160}}}},\n    {{\n      \"id\": \"table\",\n      \"name\": {},\n      \
             \"type\": \"decisionTableNode\",\n      \"position\": {{\"x\": 380, \"y\": 160}},\n      \"content\": {{\n        \
             \"hitPolicy\": \"first\",\n        \"inputs\": [\n{}\n        ],\n        \"outputs\": [\n{}\n        ],\n        \
             \"rules\": [\n{}\n        ]\n      }}\n    }},\n    {{\"id\": \"out\", \"name\": \"Decision\", \
             \"type\": \"outputNode\", \"position\": {{\"x\": 680, \"y\": 160}}}}\n  ],\n  \"edges\": [\n    \
             {{\"id\": \"e1\", \"sourceId\": \"in\", \"targetId\": \"table\"}},\n    \
             {{\"id\": \"e2\", \"sourceId\": \"table\", \"targetId\": \"out\"}}\n  ]\n}}\n",
            json(name),
            columns(&self.inputs),
            columns(&self.outputs),
            rows.collect::<Vec<_>>().join(",\n"),
        )
    }
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, &'a String)>) -> String {
    let members = members.into_iter().map(|(name, value)| format!("{}: {}", json(name), json(value)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_become_outputs() {
        let check = |attribute: &str, expect: &str| assert_eq!(output_field(attribute), expect, "{attribute}");
        check("Priority", "Priority");
        check("Planner group", "Planner_group");
        check("2nd", "_2nd");
        check("action", "action_");
        check("", "_");
    }
}
