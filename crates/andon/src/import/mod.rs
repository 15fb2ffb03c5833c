//! `andon import`: the configuration of SAP's events-to-business-actions framework becomes a scenario folder.
//!
//! **Purpose.** Actions, their pre and post actions, destinations and the decision table are read from what the
//! framework keeps (CSV under `db/data`, JSON of its OData service) and from decision tables as CSV, and written as
//! documents that `andon check` takes. Whatever becomes something else, or nothing, stands in a [`Report`] with file,
//! line and column.
//!
//! **Constraints.** No I/O but in [`files`]; the same input gives the same documents, byte for byte. Nothing is
//! guessed silently: an assumption is a note in the report and a comment in the document. Files, rows and cells have
//! limits. No input makes it panic.
//!
//! **Life of a row.** [`files`] reads the files, [`records`] tells by name and content what each holds, [`framework`]
//! resolves identifiers into typed actions and relations, [`plan`] names everything and puts the steps in order,
//! [`role`] tells what kind of step each action becomes, [`template`] rewrites identifiers to these names, and
//! [`action`], [`decision`], [`table`], [`brought`] and [`destination`] write the documents.

mod action;
mod attachment;
mod batch;
mod brought;
mod cell;
mod decision;
mod destination;
mod encoding;
mod files;
mod framework;
mod model;
mod names;
mod plan;
mod readme;
mod records;
mod report;
mod role;
mod services;
mod sheet;
mod table;
mod template;
mod text;
mod vocabulary;

#[cfg(test)]
mod tests;

use andon_journal::{Document, DocumentKind};
use andon_model::{InvalidName, Name};

pub(crate) use destination::Way;
pub(crate) use files::{InputFile, read as read_files};
pub(crate) use readme::{readme, report_page};
pub(crate) use report::{Outcome, Report};

use plan::Plan;
use records::Records;

/// What an import makes of its input.
#[derive(Debug)]
pub(crate) struct Import {
    /// The scenario, in order of kind and name.
    pub(crate) documents: Vec<Document>,
    /// What became of every object.
    pub(crate) report: Report,
}

/// Makes a scenario of files. What cannot be read is told by the report.
///
/// # Errors
/// Never, as long as [`names`] gives out names.
pub(crate) fn import(files: &[InputFile], way: Way) -> Result<Import, InvalidName> {
    let mut report = Report::default();
    let records = Records::read(files, &mut report);
    let framework = framework::resolve(&records, &mut report);
    let plan = Plan::of(&framework, &records, &mut report);
    let mut documents = Vec::new();
    for planned in &plan.actions {
        documents.push(action::write(planned, &plan, &mut report)?);
    }
    documents.extend(destination::write_all(&plan, &framework, way, &mut report)?);
    documents.extend(brought::write_all(&plan, &mut report)?);
    documents.extend(decision::write(&plan, &framework, &records, &mut report)?);
    documents.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    report.finish();
    Ok(Import { documents, report })
}

/// A document under a name that [`names`] made.
fn document(kind: DocumentKind, name: &str, text: String) -> Result<Document, InvalidName> {
    Ok(Document { kind, name: Name::new(name)?, text })
}
