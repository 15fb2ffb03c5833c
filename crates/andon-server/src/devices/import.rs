//! Onboarding many: lines of a file, in batches of one commit each.
//!
//! **Life of a batch.** Its lines are read beside everything else; then it is planned and signed while the batch before is
//! stored and handed over; one commit stores it, together with the note that the batch before has gone out. Where
//! somebody else was faster, its lines are onboarded one by one.
//!
//! What is handed over for a line is noted as delivered when the caller has taken it and asks for the next batch. So a
//! file that broke off is simply sent again: devices that are there are passed over, and those whose answer may have been
//! lost are handed over anew. A file may come in parts, one after the other, which share its report.

use std::collections::BTreeSet;
use std::sync::Arc;

use andon_devices::enrolment::{
    BulkFormat, BulkLine, BulkReport, EnrolmentRequest, EnrolmentStatus, RequestedKey, bulk_lines,
};
use andon_devices::pki::KeyFingerprint;
use andon_devices::registry::{Changes, Expected, Import, ImportStatus, RegistryError, get, put};
use andon_model::{Code, Problem};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::onboarding::Planned;
use super::{Delivery, Office, Onboarded, Trouble};

/// Lines of one batch: a commit has three writes for each and one for each of the batch before. Where revocations of keys
/// that were made anew make it too large, its lines are onboarded one by one.
const BATCH: usize = 200;

/// What came of a line.
#[derive(Debug)]
pub(crate) struct LineOutcome {
    pub(crate) line: u64,
    pub(crate) result: Result<Onboarded, Problem>,
}

/// A bulk onboarding under way.
pub(crate) struct Bulk {
    /// Planned while the batch before is stored and handed over. Nothing of them is stored.
    ahead: mpsc::Receiver<Batch>,
    import: Import,
    /// Handed over with the batch before.
    out: Vec<Delivery>,
    /// Whether further parts of the file follow.
    more: bool,
    /// Whether every line was dealt with.
    ended: bool,
}

/// A file to import, or a part of it.
pub(crate) struct ImportPart {
    /// SHA-256 of the whole file, in hex.
    pub(crate) id: String,
    /// The file's name.
    pub(crate) file: Option<String>,
    pub(crate) format: BulkFormat,
    /// Which part of the file, from 1.
    pub(crate) part: u32,
    /// Whether further parts follow.
    pub(crate) more: bool,
    pub(crate) bytes: Bytes,
}

/// Lines with what they come to.
struct Batch {
    lines: Vec<BulkLine>,
    /// For each line; none when they are to be onboarded one by one.
    planned: Option<Vec<Result<Planned, Problem>>>,
}

/// Reading a line verifies its signing request, so that it happens beside everything else. Ends early when nobody wants
/// more lines.
fn read(file: Bytes, format: BulkFormat) -> mpsc::Receiver<BulkLine> {
    let (send, lines) = mpsc::channel(BATCH);
    tokio::task::spawn_blocking(move || {
        bulk_lines(format, &file).all(|line| send.blocking_send(line).is_ok());
    });
    lines
}

/// Batches, at most two ahead of who takes them.
fn planned(office: &Arc<Office>, mut lines: mpsc::Receiver<BulkLine>) -> mpsc::Receiver<Batch> {
    let (send, ahead) = mpsc::channel(1);
    let office = Arc::clone(office);
    tokio::spawn(async move {
        loop {
            let lines = next_lines(&mut lines).await;
            if lines.is_empty() {
                break;
            }
            let planned = office.plan_lines(&lines).await;
            if send.send(Batch { lines, planned }).await.is_err() {
                break;
            }
        }
    });
    ahead
}

async fn next_lines(from: &mut mpsc::Receiver<BulkLine>) -> Vec<BulkLine> {
    let mut lines = Vec::with_capacity(BATCH);
    while lines.len() < BATCH {
        let missing = BATCH - lines.len();
        if from.recv_many(&mut lines, missing).await == 0 {
            break;
        }
    }
    lines
}

impl Office {
    /// Takes a file, or the next part of one: its report goes on where the part before ended. A file that comes again
    /// keeps the count of the devices that it has onboarded; all else is told of its last run.
    pub(crate) async fn begin_import(self: &Arc<Self>, wanted: ImportPart) -> Result<Bulk, Problem> {
        let ImportPart { id, file, format, part, more, bytes } = wanted;
        let known = get::<Import>(self.registry.as_ref(), &id).await?.map(|found| found.value);
        let onboarded = known.as_ref().map_or(0, |import| import.report.onboarded);
        let open = known.filter(|import| part > 1 && import.status == ImportStatus::Open);
        let fresh = || {
            let report = BulkReport { onboarded, ..BulkReport::default() };
            Import { id, file, format, status: ImportStatus::Open, begun: self.now(), report }
        };
        let ahead = planned(self, read(bytes, format));
        Ok(Bulk { ahead, import: open.unwrap_or_else(fresh), out: Vec::new(), more, ended: false })
    }

    /// Deals with the next lines, and notes what was handed over before. None after the last.
    pub(crate) async fn next_batch(&self, bulk: &mut Bulk) -> Result<Option<Vec<LineOutcome>>, Problem> {
        if bulk.ended {
            return Ok(None);
        }
        let Some(batch) = bulk.ahead.recv().await else {
            bulk.ended = true;
            if !bulk.more {
                bulk.import.status = ImportStatus::Done;
            }
            self.note(bulk).await?;
            return Ok(None);
        };
        let outcomes = self.onboard_lines(bulk, batch).await?;
        for outcome in &outcomes {
            count(&mut bulk.import.report, outcome);
        }
        bulk.out = outcomes.iter().filter_map(|outcome| outcome.result.as_ref().ok()?.delivery.clone()).collect();
        Ok(Some(outcomes))
    }

    /// Stores the progress, and that the batch before was delivered.
    async fn note(&self, bulk: &mut Bulk) -> Result<(), Problem> {
        match self.registry.commit(self.notes(bulk)?).await {
            Ok(_) => {}
            Err(RegistryError::Changed { .. }) => self.note_singly(bulk).await?,
            Err(error) => return Err(error.into()),
        }
        bulk.out.clear();
        Ok(())
    }

    /// Progress and deliveries, if nothing has changed since.
    fn notes(&self, bulk: &Bulk) -> Result<Changes, Problem> {
        let mut changes = Changes::default().and(put(&bulk.import, None, Expected::Anything)?);
        for delivery in &bulk.out {
            changes.writes.extend(self.expected_write(delivery)?);
        }
        Ok(changes)
    }

    async fn note_singly(&self, bulk: &Bulk) -> Result<(), Problem> {
        for delivery in &bulk.out {
            self.delivered(delivery).await?;
        }
        self.registry.commit(Changes::default().and(put(&bulk.import, None, Expected::Anything)?)).await?;
        Ok(())
    }

    /// What each line comes to. None when a name or key stands there twice, or somebody else is in between.
    async fn plan_lines(&self, lines: &[BulkLine]) -> Option<Vec<Result<Planned, Problem>>> {
        let requests = || lines.iter().filter_map(|line| line.request.as_ref().ok());
        let has_twice =
            !all_differ(requests().map(|request| &request.device)) || !all_differ(requests().filter_map(key));
        if has_twice {
            return None;
        }
        let mut stored = self.stored(&requests().collect::<Vec<_>>()).await.ok()?.into_iter();
        let mut planned = Vec::with_capacity(lines.len());
        for line in lines {
            planned.push(match &line.request {
                Err(problem) => Err(problem.clone()),
                Ok(request) => match self.plan_from(request.clone(), stored.next()?, None).await {
                    Ok(plan) => Ok(plan),
                    Err(Trouble::Told(problem)) => Err(problem),
                    Err(Trouble::Raced) => return None,
                },
            });
        }
        Some(planned)
    }

    /// All in one commit if nobody interferes, else one by one.
    async fn onboard_lines(&self, bulk: &mut Bulk, batch: Batch) -> Result<Vec<LineOutcome>, Problem> {
        let Batch { lines, planned } = batch;
        if let Some(planned) = planned {
            let mut changes = self.notes(bulk)?;
            let ends = add(&mut changes, &planned);
            let count = changes.writes.len();
            match self.registry.commit(changes).await {
                Ok(last) => {
                    bulk.out.clear();
                    return Ok(told(&lines, planned, &ends, last, count));
                }
                Err(RegistryError::Changed { .. } | RegistryError::TooMany { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.note(bulk).await?;
        Ok(self.onboard_singly(lines).await)
    }

    async fn onboard_singly(&self, lines: Vec<BulkLine>) -> Vec<LineOutcome> {
        let mut outcomes = Vec::with_capacity(lines.len());
        for BulkLine { line, request } in lines {
            let result = match request {
                Ok(request) => self.onboard_line(&request).await,
                Err(problem) => Err(problem),
            };
            outcomes.push(LineOutcome { line, result });
        }
        outcomes
    }

    /// A device that stands in the file twice is delivered with its first line.
    async fn onboard_line(&self, request: &EnrolmentRequest) -> Result<Onboarded, Problem> {
        let onboarded = self.onboard(request, None).await?;
        if let Some(delivery) = &onboarded.delivery {
            self.delivered(delivery).await?;
        }
        Ok(Onboarded { delivery: None, ..onboarded })
    }
}

fn all_differ<T: Ord>(values: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    values.into_iter().all(|value| seen.insert(value))
}

/// The key that a request brings.
fn key(request: &EnrolmentRequest) -> Option<KeyFingerprint> {
    match &request.key {
        RequestedKey::Given(key) => Some(key.fingerprint()),
        RequestedKey::Generate(_) => None,
    }
}

/// Adds the changes of every plan; says for each how many writes there are with it.
fn add(changes: &mut Changes, planned: &[Result<Planned, Problem>]) -> Vec<usize> {
    let mut ends = Vec::with_capacity(planned.len());
    for plan in planned {
        if let Ok(plan) = plan {
            changes.writes.extend(plan.changes.writes.iter().cloned());
            changes.revoked.extend(plan.changes.revoked.iter().cloned());
        }
        ends.push(changes.writes.len());
    }
    ends
}

/// The writes of a commit have consecutive revisions, up to `last`.
fn told(
    lines: &[BulkLine],
    planned: Vec<Result<Planned, Problem>>,
    ends: &[usize],
    last: i64,
    count: usize,
) -> Vec<LineOutcome> {
    let revision = |end: usize| last - i64::try_from(count - end).unwrap_or_default();
    let plans = lines.iter().zip(planned).zip(ends);
    plans
        .map(|((line, plan), end)| LineOutcome {
            line: line.line,
            result: plan.and_then(|plan| plan.told(revision(*end))),
        })
        .collect()
}

impl LineOutcome {
    /// What came of the line, in a word.
    pub(crate) fn word(&self) -> &'static str {
        match &self.result {
            Ok(done) => done.outcome(),
            Err(_) => "fault",
        }
    }
}

fn count(report: &mut BulkReport, outcome: &LineOutcome) {
    match &outcome.result {
        Ok(done) if done.unchanged => report.unchanged(outcome.line),
        Ok(done) => report.ended(outcome.line, &done.device.name, EnrolmentStatus::Done, None),
        Err(problem) => report.fault(outcome.line, None, problem.clone()),
    }
}

/// The form of a file by its media type.
pub(crate) fn format_of(media_type: &str) -> Result<BulkFormat, Problem> {
    match media_type {
        "text/csv" => Ok(BulkFormat::Csv),
        "application/x-ndjson" | "application/jsonl" | "application/json-lines" => Ok(BulkFormat::JsonLines),
        _ => Err(Problem::new(Code::BadRequest, "send the file as text/csv or as application/x-ndjson")),
    }
}
