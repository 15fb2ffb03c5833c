//! `andon devices import`: a file of devices goes to the server in parts, certificates come back, keys stay here.
//!
//! **Life of a line.** A line without a signing request gets a key, which is in the folder for good before the server hears
//! of the device. The line goes with its signing request; the certificate follows the key into the folder. Killed
//! anywhere, here or there, the same command takes the keys that are there and comes to the same devices. A certificate is
//! written only for the key that was asked for.

mod listed;
mod parts;
mod progress;
mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use andon_devices::enrolment::{BulkFormat, file_digest};
use andon_devices::registry::AuthorityRecord;
use andon_model::{Code, Problem};
use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{DeviceView, bundle, keys};
use crate::client::Client;
use crate::output::{Failure, Output};
use crate::scenario::local;
pub(super) use listed::list;
use parts::{Outline, Part, PartMaker, outline};
use progress::Progress;
use report::{Report, table};

/// What to do when the server went away in the middle.
const GOES_ON: &str = "look whether the server runs, then repeat the command: it goes on where it stopped";

/// The file to import.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A file that ends in .csv, or in .jsonl or .ndjson
    file: PathBuf,
    /// Keep the keys and write the certificates in this folder; needed unless every line has a signing request
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// What came of a line.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(rename = "line")]
    number: u64,
    outcome: String,
    #[serde(default)]
    problem: Option<Problem>,
    #[serde(flatten)]
    device: Value,
}

pub(super) async fn run(import: &Import, client: &Client, output: Output) -> anyhow::Result<ExitCode> {
    let format = format(&import.file)?;
    let file = std::fs::read(&import.file).map_err(|error| local(&import.file, error.to_string()))?;
    let Outline { lines, first_without_request, profiles } = outline(format, &file);
    match (&import.out, first_without_request) {
        (Some(folder), _) => keys::prepare_folder(folder)?,
        (None, Some(line)) => return Err(nowhere(line).into()),
        (None, None) => {}
    }
    let sender = Sender { id: file_digest(&file), name: name(&import.file), client, folder: import.out.as_deref() };
    let mut kinds = BTreeMap::new();
    for profile in profiles {
        // That there is no such profile is the server's to say, for each line.
        kinds.extend(keys::kind_of(&profile, client).await?.map(|kind| (profile, kind)));
    }
    let maker = PartMaker { file, format, folder: import.out.clone(), kinds };
    let (send, mut parts) = mpsc::channel(1);
    let making = tokio::task::spawn_blocking(move || maker.make(&send));
    let (mut report, mut progress) = (Report::default(), Progress::new(output.is_json(), lines));
    while let Some(part) = parts.recv().await {
        let answered = sender.send(part?, &mut report, &mut progress).await;
        answered.map_err(|error| Failure::advise(error, Code::ServerUnreachable, GOES_ON))?;
    }
    making.await?;
    drop(progress);
    output.show(&report, table)?;
    Ok(if report.faulty == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn nowhere(line: u64) -> Failure {
    let lost = format!("line {line} has no signing request, and no folder was named in which its key is kept");
    Failure::new(Code::BadRequest, lost).at("--out")
}

fn format(file: &Path) -> Result<BulkFormat, Failure> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Ok(BulkFormat::Csv),
        Some("jsonl" | "ndjson") => Ok(BulkFormat::JsonLines),
        _ => Err(Failure::new(Code::BadRequest, "a file of devices ends in .csv, .jsonl or .ndjson").about(file)),
    }
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Sends parts, and keeps what comes back.
struct Sender<'a> {
    /// Digest of the file.
    id: String,
    /// Its name.
    name: String,
    client: &'a Client,
    folder: Option<&'a Path>,
}

impl Sender<'_> {
    async fn send(&self, part: Part, report: &mut Report, progress: &mut Progress) -> anyhow::Result<()> {
        let Part { number, more, body, certified, keys_made } = part;
        report.keys_made += keys_made;
        let query = [
            ("file", self.name.clone()),
            ("of", self.id.clone()),
            ("part", number.to_string()),
            ("more", more.to_string()),
        ];
        let media_type = "application/x-ndjson";
        let mut answers = self.client.exchange_lines("/api/v1/device-imports", &query, media_type, body).await?;
        let mut authorities: Option<Vec<AuthorityRecord>> = None;
        while let Some(text) = answers.next().await? {
            let line: Line = serde_json::from_slice(&text)?;
            if line.number == 0 {
                let why = line.problem.unwrap_or_else(|| Problem::new(Code::Internal, "the import broke off"));
                return Err(Failure::from(why).remedy(GOES_ON).into());
            }
            // The first device may have made the authority.
            let known = match &authorities {
                Some(known) => known,
                None => authorities.insert(self.authorities().await?),
            };
            let number = line.number;
            match self.keep(line, certified.get(&number), known)? {
                Ok(outcome) => report.count(&outcome),
                Err(problem) => report.fault(number, problem),
            }
            progress.step();
        }
        Ok(())
    }

    /// The authorities; their roots are in the folder from now on.
    async fn authorities(&self) -> anyhow::Result<Vec<AuthorityRecord>> {
        let known: Vec<AuthorityRecord> = self.client.get("/api/v1/authorities").await?;
        if let Some(folder) = self.folder {
            bundle::write_roots(folder, &known)?;
        }
        Ok(known)
    }

    /// Writes the certificate of the line, if there is a folder; its outcome, or what is wrong with it.
    fn keep(
        &self,
        line: Line,
        key: Option<&Vec<u8>>,
        known: &[AuthorityRecord],
    ) -> anyhow::Result<Result<String, Problem>> {
        if let Some(problem) = line.problem {
            return Ok(Err(problem));
        }
        let (Some(folder), Some(key)) = (self.folder, key) else { return Ok(Ok(line.outcome)) };
        let view: DeviceView = serde_json::from_value(line.device)?;
        let Some(certificate) = bundle::certified(&view.device, key) else {
            let name = &view.device.name;
            let detail = format!("no certificate of {name} that is in force is for this key; rotate it with the key");
            return Ok(Err(Problem::new(Code::Onboarding, detail).at(format!("line {}", line.number))));
        };
        bundle::write_certificate(folder, &view.device.name, certificate, known)?;
        Ok(Ok(line.outcome))
    }
}
