//! Changing the configuration: check as a whole, store as a revision, put into force.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_journal::{Applied, Change, Document, DocumentKind, DocumentVersion, Finding, JournalError};
use andon_model::{Name, Severity};

use crate::catalog::Catalog;
use crate::engine::{EngineError, RunningSource, Shared};
use crate::lane::Message;
use crate::{SourceInfo, SourceParts, counters, plant, pump, telemetry};

/// Why a change was not applied; nothing of it is in force.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The configuration as it would be has faults.
    #[error("the configuration has faults and was not applied: {}", first_error(findings))]
    Refused {
        /// All that was found, warnings included.
        findings: Vec<Finding>,
    },
    /// Storing failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It is stored, but could not be put into force.
    #[error(transparent)]
    InForce(#[from] EngineError),
}

fn first_error(findings: &[Finding]) -> String {
    let first = findings.iter().find(|finding| finding.severity == Severity::Error);
    first.map(|finding| finding.problem.to_string()).unwrap_or_default()
}

/// The configuration as it would be, and what is wrong with it.
pub(crate) struct Checked {
    pub(crate) findings: Vec<Finding>,
}

impl Checked {
    fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

pub(crate) async fn check(shared: &Shared, changes: Vec<Change>) -> Result<Checked, JournalError> {
    let revision = shared.configurations.newest_revision().await?;
    let stored = shared.configurations.documents_at(revision).await?;
    let documents = changed(stored, changes, revision + 1);
    let (catalog, mut findings) = Catalog::compile(revision + 1, &documents);
    findings.extend(plant::read_definition(&documents, shared.settings.plant.limits).1);
    findings.extend(documents.iter().flat_map(|version| shared.adapters.check(&version.document)));
    let texts: Vec<Document> = documents.into_iter().map(|version| version.document).collect();
    findings.extend(shared.adapters.check_types(&texts, &catalog.facts()));
    findings.extend(shared.adapters.check_secrets(&texts).await);
    findings.extend(catalog.run_cases());
    Ok(Checked { findings })
}

/// The configuration in force, and the same with changes made: compiled, not checked against services and cases.
pub(crate) async fn with_changes(
    shared: &Shared,
    changes: Vec<Change>,
) -> Result<(Arc<Catalog>, Arc<Catalog>), ApplyError> {
    let current = shared.catalog();
    let stored = shared.configurations.documents_at(current.revision).await?;
    let documents = changed(stored, changes, current.revision + 1);
    let (catalog, findings) = Catalog::compile(current.revision, &documents);
    let checked = Checked { findings };
    if checked.has_errors() {
        return Err(ApplyError::Refused { findings: checked.findings });
    }
    Ok((current, Arc::new(catalog)))
}

pub(crate) async fn apply(
    shared: &Arc<Shared>,
    changes: Vec<Change>,
    author: &str,
) -> Result<(Applied, Vec<Finding>), ApplyError> {
    let _one_at_a_time = shared.applying.lock().await;
    let checked = check(shared, changes.clone()).await?;
    if checked.has_errors() {
        return Err(ApplyError::Refused { findings: checked.findings });
    }
    let applied = shared.configurations.put(changes, author, shared.clock.now()).await?;
    put_newest_into_force(shared).await?;
    Ok((applied, checked.findings))
}

/// Compiles the newest revision and swaps it in: catalog, destinations, sources.
pub(crate) async fn put_newest_into_force(shared: &Arc<Shared>) -> Result<(), EngineError> {
    let revision = shared.configurations.newest_revision().await?;
    let versions = shared.configurations.documents_at(revision).await?;
    let (catalog, mut findings) = Catalog::compile(revision, &versions);
    let (plant, faults) = plant::read_definition(&versions, shared.settings.plant.limits);
    findings.extend(faults);
    if let Some(finding) = findings.into_iter().find(|finding| finding.severity == Severity::Error) {
        return Err(EngineError::Configuration { revision, problem: finding.problem });
    }
    let refused = |problem| EngineError::Configuration { revision, problem };
    let destinations = documents(&versions, DocumentKind::Destination);
    let target = shared.adapters.target(&destinations).map_err(refused)?;
    for destination in &destinations {
        counters::register_destination(&destination.name);
    }
    let sources = build_sources(shared, &documents(&versions, DocumentKind::Source)).map_err(refused)?;
    let (decisions, actions) = catalog.sizes();
    telemetry::configured(revision, decisions, actions, sources.len());
    shared.plant.define(plant).map_err(|error| refused(error.into()))?;
    *shared.catalog.write() = Arc::new(catalog);
    *shared.target.write() = target;
    run_sources(shared, sources);
    // The lane may not be running yet, or be busy; it looks at the gates again soon in either case.
    drop(shared.lane.try_send(Message::Reconfigured));
    Ok(())
}

fn documents(versions: &[DocumentVersion], kind: DocumentKind) -> Vec<Document> {
    versions.iter().filter(|v| v.document.kind == kind).map(|v| v.document.clone()).collect()
}

fn build_sources(shared: &Shared, documents: &[Document]) -> Result<BTreeMap<Name, SourceParts>, andon_model::Problem> {
    let mut sources: BTreeMap<Name, SourceParts> = shared.adapters.built_in_sources().into_iter().collect();
    for document in documents {
        sources.insert(document.name.clone(), shared.adapters.source(document)?);
    }
    Ok(sources)
}

/// Swaps the sources: pulled ones are stopped and started anew, deliveries find the new decoders.
fn run_sources(shared: &Arc<Shared>, sources: BTreeMap<Name, SourceParts>) {
    let mut running = BTreeMap::new();
    let mut pulled = Vec::new();
    for (name, parts) in sources {
        let info = SourceInfo { name: name.clone(), auth: parts.auth, description: parts.description };
        let source = RunningSource { info, decoder: parts.decoder, notifications: parts.notifications };
        counters::register_source(&name);
        running.insert(name.clone(), Arc::new(source));
        pulled.extend(parts.pulled.map(|source| (name, source)));
    }
    *shared.sources.write() = running;
    pump::restart(shared, pulled);
}

/// The stored documents with the changes made, in order of kind and name.
fn changed(stored: Vec<DocumentVersion>, changes: Vec<Change>, revision: i64) -> Vec<DocumentVersion> {
    let key = |document: &Document| (document.kind, document.name.clone());
    let mut documents: BTreeMap<_, _> = stored.into_iter().map(|v| (key(&v.document), v)).collect();
    for change in changes {
        match change {
            Change::Delete(kind, name) => drop(documents.remove(&(kind, name))),
            Change::Put(document) => {
                let version = documents.get(&key(&document)).map_or(1, |known| known.version + 1);
                let (author, at) = (String::new(), andon_model::Timestamp::default());
                documents.insert(key(&document), DocumentVersion { document, version, revision, author, at });
            }
        }
    }
    documents.into_values().collect()
}
