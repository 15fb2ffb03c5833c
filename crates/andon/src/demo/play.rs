//! Playing the scenarios: configuration by the API, inputs as their senders deliver them.

use std::fs;
use std::path::{Path, PathBuf};

use andon_connectors::{Location, SourceSpec};
use andon_journal::{Change, Document, DocumentKind};
use andon_model::Code;
use andon_server::schema::KeptReadings;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::embedded::{self, Scenario};
use super::progress::Progress;
use super::stage::Stage;
use crate::client::{Client, DeliveredAnswer};
use crate::commands::apply::put_into_force;
use crate::commands::events::intake_for;
use crate::output::Failure;
use crate::scenario::{self, local};

/// Where the scenarios' destination expects the simulator.
const DEFAULT_SIMULATOR: &str = "http://127.0.0.1:8481";
/// Where readings are reported by HTTP.
const READINGS: &str = "/api/v1/readings";
/// Secret that the scenarios' destination names.
const PASSWORD_SECRET: &str = "sap-password";

/// What must come out of the scenarios, and what was done to them.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// Events.
    pub(super) events: i64,
    /// Documents in SAP.
    pub(super) documents: usize,
    /// Quarantine entries.
    pub(super) quarantined: i64,
    /// Deliveries that were sent a second time and recognised.
    pub(super) recognised: usize,
    /// Readings that were acknowledged.
    pub(super) readings: u64,
}

/// `expected/documents.json`, as far as it is counted here.
#[derive(Deserialize)]
struct ExpectedDocuments {
    events: i64,
    documents: Vec<Value>,
}

/// Applies every scenario and delivers its inputs.
pub(super) async fn all(stage: &Stage, progress: &Progress) -> anyhow::Result<Expected> {
    let body = json!({ "value": stage.sap_password.expose() });
    let _: Value = stage.client.submit(Method::PUT, &format!("/api/v1/secrets/{PASSWORD_SECRET}"), &body).await?;
    let mut expected = Expected::default();
    for (number, scenario) in embedded::SCENARIOS.iter().enumerate() {
        show(number, scenario, progress);
        let folder = stage.folder().join("scenarios").join(scenario.name);
        unpack(scenario, &folder)?;
        let (documents, revision) = apply(stage, &folder).await?;
        play(stage, &folder.join("input"), &documents, &mut expected).await?;
        expect(&folder.join("expected"), &mut expected)?;
        let (name, count) = (scenario.name, documents.len());
        progress.say(&format!("applied {name} as revision {revision}: {count} documents; played its inputs"));
    }
    Ok(expected)
}

fn show(number: usize, scenario: &Scenario, progress: &Progress) {
    let all = embedded::SCENARIOS.len();
    let what = format!("{number} of {all} scenarios played; {}", scenario.name);
    progress.move_to(number as u64, all as u64, what);
}

fn unpack(scenario: &Scenario, folder: &Path) -> Result<(), Failure> {
    for file in scenario.files {
        copy_to(&folder.join(file.path), file.bytes)?;
    }
    Ok(())
}

fn copy_to(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let parent = file.parent().unwrap_or(file);
    fs::create_dir_all(parent).map_err(|error| local(parent, error.to_string()))?;
    fs::write(file, bytes).map_err(|error| local(file, error.to_string()))
}

/// Puts a scenario into force, its destination pointed at the demo's own simulator; gives its documents and the revision.
async fn apply(stage: &Stage, folder: &Path) -> anyhow::Result<(Vec<Document>, i64)> {
    let mut documents = scenario::read(folder)?;
    let address = stage.simulator.base_url();
    for document in documents.iter_mut().filter(|document| document.kind == DocumentKind::Destination) {
        document.text = document.text.replace(DEFAULT_SIMULATOR, &address);
    }
    let changes: Vec<Change> = documents.iter().cloned().map(Change::Put).collect();
    let answer = put_into_force(&stage.client, &changes).await?;
    Ok((documents, answer.revision))
}

/// Files for a bucket source go into its folder; the others are sent by HTTP. Readings are reported once, since one that
/// is reported twice is two readings.
async fn play(stage: &Stage, input: &Path, documents: &[Document], expected: &mut Expected) -> anyhow::Result<()> {
    let entrance = entrance(documents);
    for file in files_below(input)? {
        let bytes = fs::read(&file).map_err(|error| local(&file, error.to_string()))?;
        match &entrance {
            Some(Entrance::Folder(folder)) => {
                let path = file.strip_prefix(input).unwrap_or(&file);
                copy_to(&stage.data_folder().join(folder).join(path), &bytes)?;
            }
            Some(Entrance::Push(path)) => send(&stage.client, path, "application/json", bytes, expected).await?,
            Some(Entrance::Readings) => {
                let kept: KeptReadings = stage.client.deliver(READINGS, "application/x-ndjson", bytes).await?;
                expected.readings += kept.count as u64;
            }
            None => {
                let (path, content_type) = intake_for(&bytes);
                send(&stage.client, &path, &content_type, bytes, expected).await?;
            }
        }
    }
    Ok(())
}

/// Where a scenario takes its inputs.
enum Entrance {
    /// A folder below the data folder.
    Folder(PathBuf),
    /// A path of the API.
    Push(String),
    /// Where gateways report readings.
    Readings,
}

/// That of a scenario's source; without one, that of its asset models.
fn entrance(documents: &[Document]) -> Option<Entrance> {
    let has_models = documents.iter().any(|document| document.kind == DocumentKind::Model);
    let of_source = documents.iter().filter(|document| document.kind == DocumentKind::Source).find_map(source_entrance);
    of_source.or(has_models.then_some(Entrance::Readings))
}

/// `None` for buckets that are no folder.
fn source_entrance(document: &Document) -> Option<Entrance> {
    match SourceSpec::parse(&document.name, &document.text).ok()?.bucket.map(|bucket| bucket.location) {
        Some(Location::Folder(folder)) => Some(Entrance::Folder(folder)),
        Some(Location::S3(_)) => None,
        None => Some(Entrance::Push(format!("/api/v1/sources/{}", document.name))),
    }
}

/// Sends a file, and once more, as a sender does that did not hear the first answer.
async fn send(
    client: &Client,
    path: &str,
    content_type: &str,
    body: Vec<u8>,
    expected: &mut Expected,
) -> anyhow::Result<()> {
    match client.deliver::<DeliveredAnswer>(path, content_type, body.clone()).await {
        Ok(_) => {
            let again: DeliveredAnswer = client.deliver(path, content_type, body).await?;
            expected.recognised += again.events.iter().filter(|event| !event.new).count();
            Ok(())
        }
        Err(error) if is_undecodable(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Refused because it is no event, and kept in quarantine: some inputs are meant to be.
fn is_undecodable(error: &anyhow::Error) -> bool {
    let codes = [Code::Undecodable, Code::BadCloudEvent];
    error.downcast_ref::<Failure>().is_some_and(|failure| codes.contains(&failure.problem.code))
}

fn expect(folder: &Path, expected: &mut Expected) -> anyhow::Result<()> {
    let documents: ExpectedDocuments = serde_json::from_slice(&fs::read(folder.join("documents.json"))?)?;
    let quarantine: Vec<Value> = serde_json::from_slice(&fs::read(folder.join("quarantine.json"))?)?;
    expected.events += documents.events;
    expected.documents += documents.documents.len();
    expected.quarantined += i64::try_from(quarantine.len())?;
    Ok(())
}

/// Every file below a folder, in the order of their paths.
fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| local(&folder, error.to_string()))? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}
