//! The parts of a file: rows with a signing request each, made ready while the part before is under way.
//!
//! **Life of a part.** The next rows are read; those without a signing request get a key, in its file for good before
//! anything is sent; then they are written as JSON Lines that say which line of the file they are. Nothing here talks to
//! the server.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use andon_devices::enrolment::{BulkFormat, BulkRow, NumberedRow, bulk_rows};
use andon_devices::pki::{KeyKind, PrivateKey, SigningRequest};
use andon_devices::{DeviceName, ProfileName};
use andon_model::{Code, Problem};
use tokio::sync::mpsc;

use super::super::{bundle, keys};
use crate::output::Failure;

/// Lines of a part: a few commits of the server, and no more keys than are made in a second.
const LINES: usize = 400;

/// Keys that are written at the same time: most of that is waiting for the disk.
const WRITERS: usize = 8;

/// A file to import, and where its keys go.
pub(super) struct PartMaker {
    pub(super) file: Vec<u8>,
    pub(super) format: BulkFormat,
    /// Without one, every line has a signing request.
    pub(super) folder: Option<PathBuf>,
    /// The kind of key of a device by its profile, where the line does not say.
    pub(super) kinds: BTreeMap<ProfileName, KeyKind>,
}

/// A part, ready to be sent.
pub(super) struct Part {
    /// From 1.
    pub(super) number: u32,
    /// Whether further parts follow.
    pub(super) more: bool,
    /// JSON Lines.
    pub(super) body: Vec<u8>,
    /// The public keys that are to be certified, in DER, by line.
    pub(super) certified: BTreeMap<u64, Vec<u8>>,
    /// Keys that were made for it.
    pub(super) keys_made: u64,
}

/// What is known of a device's key.
type Made = Result<(PrivateKey, bool), Problem>;

/// Whether the line needs a key of ours.
pub(super) fn needs_key(row: &BulkRow) -> bool {
    row.csr.is_none() && row.problem.is_none() && row.device.is_some()
}

impl PartMaker {
    /// Makes the parts, one ahead of the one that is under way; ends early when nobody wants more. Blocks.
    pub(super) fn make(&self, send: &mpsc::Sender<Result<Part, Failure>>) {
        let mut rows = bulk_rows(self.format, &self.file).peekable();
        for number in 1.. {
            let part = self.next(number, &mut rows).transpose();
            let Some(part) = part else { break };
            let failed = part.is_err();
            if send.blocking_send(part).is_err() || failed {
                break;
            }
        }
    }

    fn next(
        &self,
        number: u32,
        rows: &mut Peekable<impl Iterator<Item = NumberedRow>>,
    ) -> Result<Option<Part>, Failure> {
        let lines: Vec<NumberedRow> = rows.by_ref().take(LINES).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        let keys = match &self.folder {
            Some(folder) => self.keys(folder, &lines)?,
            None => BTreeMap::new(),
        };
        let keys_made = keys.values().filter(|made| matches!(made, Ok((_, true)))).count() as u64;
        let (mut body, mut certified) = (Vec::new(), BTreeMap::new());
        for NumberedRow { line, row } in lines {
            let row = row.and_then(|row| with_request(row, &keys)).unwrap_or_else(faulty);
            certified.extend(key_of(&row).map(|key| (line, key)));
            let text = serde_json::to_vec(&BulkRow { line: Some(line), ..row }).map_err(|error| unwritable(&error))?;
            body.extend(text);
            body.push(b'\n');
        }
        Ok(Some(Part { number, more: rows.peek().is_some(), body, certified, keys_made }))
    }

    /// The keys of the devices that need one, each in its file for good.
    fn keys(&self, folder: &Path, lines: &[NumberedRow]) -> Result<BTreeMap<DeviceName, Made>, Failure> {
        let mut wanted = BTreeMap::new();
        for row in lines.iter().filter_map(|line| line.row.as_ref().ok()).filter(|row| needs_key(row)) {
            let of_profile = row.profile.as_ref().and_then(|profile| self.kinds.get(profile).copied());
            let kind = row.key.or(of_profile).unwrap_or_default();
            wanted.extend(row.device.clone().map(|device| (device, kind)));
        }
        let wanted: Vec<(DeviceName, KeyKind)> = wanted.into_iter().collect();
        let own_key = |(device, kind): &(DeviceName, KeyKind)| -> (DeviceName, Made) {
            let made = keys::of_file(&bundle::file_of(folder, device, "key"), *kind);
            (device.clone(), made.map_err(|failure| failure.problem))
        };
        let share = wanted.len().div_ceil(WRITERS).max(1);
        let made = std::thread::scope(|scope| {
            let writers: Vec<_> = wanted
                .chunks(share)
                .map(|share| scope.spawn(move || share.iter().map(own_key).collect::<Vec<_>>()))
                .collect();
            writers.into_iter().filter_map(|writer| writer.join().ok()).flatten().collect::<BTreeMap<_, _>>()
        });
        keys::sync_folder(folder)?;
        Ok(made)
    }
}

/// The row with a signing request for the key of its device.
fn with_request(row: BulkRow, keys: &BTreeMap<DeviceName, Made>) -> Result<BulkRow, Problem> {
    let Some(device) = row.device.as_ref().filter(|_| needs_key(&row)) else { return Ok(row) };
    match keys.get(device) {
        // Without a request, the server would make a key.
        None => Err(Problem::new(Code::Internal, format!("no key was made for {device}"))),
        Some(Err(problem)) => Err(problem.clone()),
        Some(Ok((key, _))) => Ok(BulkRow { csr: Some(SigningRequest::of(key)?), key: None, ..row }),
    }
}

fn faulty(problem: Problem) -> BulkRow {
    BulkRow { problem: Some(problem), ..BulkRow::default() }
}

/// The key of a signing request. One that cannot be read is the server's to refuse.
fn key_of(row: &BulkRow) -> Option<Vec<u8>> {
    Some(SigningRequest::from_pem(row.csr.as_deref()?).ok()?.key().to_der())
}

fn unwritable(error: &serde_json::Error) -> Failure {
    Failure::new(Code::Internal, error.to_string())
}

/// What a file has, without making anything of it.
pub(super) struct Outline {
    pub(super) lines: u64,
    /// The first line that needs a key of ours.
    pub(super) first_without_request: Option<u64>,
    /// Profiles that say what kind of key a line needs.
    pub(super) profiles: BTreeSet<ProfileName>,
}

pub(super) fn outline(format: BulkFormat, file: &[u8]) -> Outline {
    let mut outline = Outline { lines: 0, first_without_request: None, profiles: BTreeSet::new() };
    for NumberedRow { line, row } in bulk_rows(format, file) {
        outline.lines += 1;
        let Some(row) = row.ok().filter(needs_key) else { continue };
        outline.first_without_request.get_or_insert(line);
        outline.profiles.extend(row.profile.filter(|_| row.key.is_none()));
    }
    outline
}
