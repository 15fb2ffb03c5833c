//! The default action's work: `decisions/<name>.toml` with its table, and the source that brings the events.

use andon_journal::{Document, DocumentKind};
use andon_model::InvalidName;

use super::document;
use super::framework::{Framework, SourceAction};
use super::plan::Plan;
use super::records::Records;
use super::report::{Entry, Note, Outcome, Report};
use super::sheet::Sheet;
use super::table::{self, Table};
use super::text::{comment, toml_text};
use super::vocabulary::{self, Attribute};

/// Name of the source.
const SOURCE: &str = "events";

/// Writes decision, table and source; reports the default action and every table.
pub(super) fn write(
    plan: &Plan<'_>,
    framework: &Framework,
    records: &Records,
    report: &mut Report,
) -> Result<Vec<Document>, InvalidName> {
    let default = framework.default_action();
    let attributes = attributes(default, report);
    let table = table(plan, &attributes, records, report);
    report_default(default, plan, report);
    Ok(vec![
        document(DocumentKind::Table, &plan.decision, table.with_last_row().to_jdm(&plan.decision))?,
        document(DocumentKind::Decision, &plan.decision, decision_text(default, plan))?,
        document(DocumentKind::Source, SOURCE, source_text())?,
    ])
}

fn attributes(default: Option<&SourceAction>, report: &mut Report) -> Vec<Attribute> {
    let Some(payload) = default.and_then(|action| Some((action, action.payload.as_deref()?))) else {
        return Vec::new();
    };
    let attributes = vocabulary::read(payload.1);
    if attributes.is_empty() {
        let mut entry = Entry::new("decision", &payload.0.name, &payload.0.record.place);
        let what = "the payload is not the call of a decision service, so that it does not tell what conditions read";
        entry.note(Outcome::Open, Note::at(payload.0.record.at("payload"), what));
        report.add(entry);
    }
    attributes
}

fn report_default(default: Option<&SourceAction>, plan: &Plan<'_>, report: &mut Report) {
    let became = format!("decisions/{}.toml", plan.decision);
    let entry = if let Some(action) = default {
        let entry = Entry::new("action", &action.name, &action.record.place).became(became);
        entry.but(Outcome::Adapted, "Andon decides itself, and calls no decision service for it")
    } else {
        let entry = Entry::new("decision", &plan.decision, "").became(became);
        entry.but(Outcome::Open, "there is no default action in the input: check what the table reads")
    };
    report.add(entry);
}

fn table(plan: &Plan<'_>, attributes: &[Attribute], records: &Records, report: &mut Report) -> Table {
    let names_actions = |sheet: &&Sheet| table::names_actions(sheet, &plan.action_attribute);
    let mut deciding: Vec<&Sheet> = records.sheets.iter().filter(names_actions).collect();
    let used = (!deciding.is_empty()).then(|| deciding.remove(0));
    let path = format!("tables/{}.json", plan.decision);
    let mut entry =
        Entry::new("decision table", used.map_or(plan.decision.as_str(), |sheet| &*sheet.file), "").became(path);
    let table = if let Some(sheet) = used {
        table::of_sheet(sheet, attributes, plan, &mut entry)
    } else {
        let what = format!(
            "no CSV has a column {}: the table asks for no action; add the rows of your decision service",
            plan.action_attribute
        );
        entry.note(Outcome::Open, Note::at("", what));
        table::empty(attributes)
    };
    report.add(entry);
    for sheet in deciding {
        report.add(skipped(sheet, "another table names the actions already; bring both together by hand"));
    }
    table
}

fn skipped(sheet: &Sheet, what: &str) -> Entry {
    Entry::new("decision table", &*sheet.file, &*sheet.file).but(Outcome::Skipped, what)
}

fn decision_text(default: Option<&SourceAction>, plan: &Plan<'_>) -> String {
    let name = default.map_or(plan.decision.as_str(), |action| action.name.as_str());
    format!(
        "description = {}\ntable = \"{}\"\n\n{}[on]\ntype = [\"andon.framework.event\"]\n",
        toml_text(name),
        plan.decision,
        comment("What comes in at POST /api/events, or at POST /api/v1/sources/events."),
    )
}

fn source_text() -> String {
    format!(
        "description = \"Events in the shape of the events-to-business-actions framework\"\ndecoder = \"framework\"\n\n{}",
        comment("Takes pushes at POST /api/v1/sources/events; POST /api/events is built in and takes the same."),
    )
}
