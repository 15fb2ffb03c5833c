//! `README.md` and `REPORT.md` of the folder.

use std::fmt::Write as _;

use andon_journal::{Document, Finding};
use andon_model::Severity;

use super::report::{Entry, Outcome, Report};

/// Outcomes that come first in the report.
const ORDER: [Outcome; 5] = [Outcome::Skipped, Outcome::Open, Outcome::Adapted, Outcome::Carried, Outcome::NotNeeded];

/// What the folder is, and what to do next.
pub(crate) fn readme(folder: &str, documents: &[Document]) -> String {
    let mut text = format!(
        "# {folder}\n\nWritten by `andon import` from the configuration of SAP's events-to-business-actions framework. \
         `REPORT.md` tells what became of every object.\n\n| file | |\n|---|---|\n"
    );
    for document in documents {
        let _ = writeln!(text, "| `{}` | {} |", document.path(), what(document));
    }
    text.push_str(
        "\n## Next\n\n1. Complete what `REPORT.md` lists as *to complete*: addresses, credentials, rows.\n\
         2. `andon check <this folder>`\n3. `andon apply <this folder>`\n\
         4. Try it without effect: `andon events dry-run event.json`\n\
         5. Point the senders at `POST /api/events`, with a token of the role `intake`.\n",
    );
    text
}

fn what(document: &Document) -> &'static str {
    use andon_journal::DocumentKind as Kind;
    match document.kind {
        Kind::Source => "takes the events",
        Kind::Lookup => "a mapping table",
        Kind::Decision => "which events are decided, in place of the default action",
        Kind::Table => "the decision table",
        Kind::Action => "a main action with its pre and post actions",
        Kind::Destination => "where requests go",
        Kind::Metadata => "what a service takes, for the types check",
        Kind::Model => "a kind of asset",
        Kind::Asset => "assets",
        Kind::Query => "a saved query",
    }
}

/// Every object with what became of it, and what the check found.
pub(crate) fn report_page(report: &Report, findings: &[Finding]) -> String {
    let mut text = String::from("# What became of the imported configuration\n\n| outcome | objects |\n|---|---|\n");
    for outcome in ORDER {
        let _ = writeln!(text, "| {} | {} |", outcome.as_str(), report.count(outcome));
    }
    for outcome in ORDER {
        let entries = report.entries.iter().filter(|entry| entry.outcome == outcome);
        section(&mut text, outcome, entries);
    }
    if report.omitted > 0 {
        let _ = writeln!(text, "\n{} more objects are not listed.", report.omitted);
    }
    checked(&mut text, findings);
    text
}

fn section<'a>(text: &mut String, outcome: Outcome, entries: impl Iterator<Item = &'a Entry>) {
    let mut entries = entries.peekable();
    if entries.peek().is_none() {
        return;
    }
    let title = outcome.as_str();
    let _ = writeln!(text, "\n## {}{}\n", title[..1].to_ascii_uppercase(), &title[1..]);
    for entry in entries {
        let became = entry.became.as_ref().map(|path| format!(" → `{path}`")).unwrap_or_default();
        let place = if entry.place.is_empty() { String::new() } else { format!(" ({})", plain(&entry.place)) };
        let _ = writeln!(text, "* {} **{}**{place}{became}", entry.object, plain(&entry.name));
        for note in &entry.notes {
            let _ = writeln!(text, "  * {}", plain(&note.to_string()));
        }
    }
}

fn checked(text: &mut String, findings: &[Finding]) {
    text.push_str("\n## Check\n\n");
    if findings.is_empty() {
        text.push_str("`andon check` finds nothing against the folder.\n");
    }
    for finding in findings {
        let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
        let _ = writeln!(text, "* {severity} {}", plain(&finding.problem.to_string()));
    }
}

/// A text of the input on one line, without meaning for Markdown.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '*' | '_' | '`' | '<' | '>' | '[' | ']' | '|' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}
