//! `destinations/<name>.toml`: the framework's destinations are those of SAP BTP, and stay there by default. No secret of
//! an export is ever written, only the name under which it is to be stored.

mod own;
mod provided;

use std::fmt::Write as _;

use andon_journal::{Document, DocumentKind};
use andon_model::InvalidName;

use super::document;
use super::framework::Framework;
use super::plan::Plan;
use super::records::Record;
use super::report::{Entry, Outcome, Report};
use super::services;
use super::text::toml_text;

/// Where destinations have their address and credentials from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Way {
    /// The destination service of SAP BTP goes on keeping them; Andon asks it with its service key
    Btp,
    /// They are written here, with names for the secrets, which are to be stored
    Own,
}

/// Writes the destinations that steps use, and reports the others.
pub(super) fn write_all(
    plan: &Plan<'_>,
    framework: &Framework,
    way: Way,
    report: &mut Report,
) -> Result<Vec<Document>, InvalidName> {
    let mut documents = Vec::new();
    for (source, name) in &plan.destinations {
        let row = row(framework, source);
        let place = row.map(|row| row.place.clone()).or_else(|| first_use(plan, source)).unwrap_or_default();
        let mut entry = Entry::new("destination", *source, place).became(format!("destinations/{name}.toml"));
        let description = row.and_then(|row| row.get("descr").or_else(|| row.get("description"))).unwrap_or(source);
        let mut text = format!("description = {}\n", toml_text(description));
        text.push_str(&match way {
            Way::Btp if provided::is_name(source) => provided::lines(source, row, &mut entry),
            Way::Btp | Way::Own => own::lines(framework, source, name, row, &mut entry),
        });
        if let Some(service) = first_service(plan, source) {
            let _ = writeln!(text, "\n[odata]\ncsrf_service_document = {}", toml_text(&format!("{service}/")));
        }
        documents.push(document(DocumentKind::Destination, name, text)?);
        report.add(entry);
    }
    for row in &framework.destinations {
        let name = row.get("name").unwrap_or_default();
        if !plan.destinations.contains_key(name) {
            report.add(Entry::new("destination", name, &row.place).but(Outcome::NotNeeded, "no step uses it"));
        }
    }
    Ok(documents)
}

fn row<'a>(framework: &'a Framework, name: &str) -> Option<&'a Record> {
    framework.destinations.iter().find(|row| row.get("name") == Some(name))
}

fn first_use(plan: &Plan<'_>, destination: &str) -> Option<String> {
    let mut steps = plan.actions.iter().flat_map(|action| &action.steps);
    steps.find(|step| step.source.destination == destination).map(|step| step.source.record.at("dest"))
}

fn first_service(plan: &Plan<'_>, destination: &str) -> Option<String> {
    let steps = plan.actions.iter().flat_map(|action| &action.steps);
    let mut used = steps.filter(|step| step.sends() && step.source.destination == destination);
    used.find_map(|step| services::gateway(&step.path.text).map(|gateway| gateway.service.to_owned()))
}

/// What the row says under one of two names: that of the framework's list, or that of the destination service.
fn either<'a>(row: Option<&'a Record>, listed: &str, property: &str) -> Option<&'a str> {
    row.and_then(|row| row.get(listed).or_else(|| row.get(property)))
}

/// `ProxyType`, where it is known.
fn proxy(row: Option<&Record>) -> Option<&str> {
    either(row, "proxy", "proxytype")
}

/// `Authentication`, where it is known.
fn authentication(row: Option<&Record>) -> Option<&str> {
    either(row, "auth", "authentication")
}
