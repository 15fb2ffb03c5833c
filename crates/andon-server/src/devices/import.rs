//! Onboarding many: lines of a file, in batches of one commit each.
//!
//! What is handed over for a line is noted as delivered when the caller has taken it and asks for the next batch. So a
//! file that broke off is simply sent again: devices that are there are passed over, and those whose answer may have been
//! lost are handed over anew.

use std::collections::BTreeSet;

use andon_devices::enrolment::{BulkFormat, BulkLine, BulkReport, EnrolmentRequest, EnrolmentStatus, bulk_lines};
use andon_devices::registry::{Changes, Expected, Import, ImportStatus, RegistryError, put};
use andon_model::{Code, Problem};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::onboarding::Planned;
use super::{Delivery, Office, Onboarded, Trouble};

/// Lines of one batch: a commit has at most two writes and one revocation for each.
const BATCH: usize = 200;

/// What came of a line.
#[derive(Debug)]
pub(crate) struct LineOutcome {
    pub(crate) line: u64,
    pub(crate) result: Result<Onboarded, Problem>,
}

/// A bulk onboarding under way.
pub(crate) struct Bulk {
    /// Reading a line verifies its signing request, so that it happens beside the requests of others.
    lines: mpsc::Receiver<BulkLine>,
    import: Import,
    /// Handed over with the batch before.
    out: Vec<Delivery>,
}

impl Bulk {
    pub(crate) fn new(file: Bytes, id: String, format: BulkFormat, office: &Office) -> Self {
        let (status, begun, report) = (ImportStatus::Open, office.now(), BulkReport::default());
        let import = Import { id, format, status, begun, report };
        let (send, lines) = mpsc::channel(BATCH);
        tokio::task::spawn_blocking(move || {
            // Ends early when nobody wants more lines.
            bulk_lines(format, &file).all(|line| send.blocking_send(line).is_ok());
        });
        Self { lines, import, out: Vec::new() }
    }

    async fn next_lines(&mut self) -> Vec<BulkLine> {
        let mut lines = Vec::with_capacity(BATCH);
        while lines.len() < BATCH {
            let missing = BATCH - lines.len();
            if self.lines.recv_many(&mut lines, missing).await == 0 {
                break;
            }
        }
        lines
    }
}

impl Office {
    /// Notes what was handed over before, and deals with the next lines. None after the last.
    pub(crate) async fn next_batch(&self, bulk: &mut Bulk) -> Result<Option<Vec<LineOutcome>>, Problem> {
        if bulk.import.status == ImportStatus::Done {
            return Ok(None);
        }
        let lines = bulk.next_lines().await;
        if lines.is_empty() {
            bulk.import.status = ImportStatus::Done;
        }
        self.note(bulk).await?;
        if lines.is_empty() {
            return Ok(None);
        }
        let outcomes = self.onboard_lines(lines).await?;
        for outcome in &outcomes {
            count(&mut bulk.import.report, outcome);
        }
        bulk.out = outcomes.iter().filter_map(|outcome| outcome.result.as_ref().ok()?.delivery.clone()).collect();
        Ok(Some(outcomes))
    }

    /// Stores the progress, and that the batch before was delivered.
    async fn note(&self, bulk: &mut Bulk) -> Result<(), Problem> {
        let mut changes = Changes::default().and(put(&bulk.import, None, Expected::Anything)?);
        for delivery in &bulk.out {
            match self.delivered_write(delivery).await {
                Ok(write) => changes.writes.extend(write),
                Err(Trouble::Told(problem)) => return Err(problem),
                Err(Trouble::Raced) => {}
            }
        }
        match self.registry.commit(changes).await {
            Ok(_) => {}
            Err(RegistryError::Changed { .. }) => self.note_singly(bulk).await?,
            Err(error) => return Err(error.into()),
        }
        bulk.out.clear();
        Ok(())
    }

    async fn note_singly(&self, bulk: &Bulk) -> Result<(), Problem> {
        for delivery in &bulk.out {
            self.delivered(delivery).await?;
        }
        self.registry.commit(Changes::default().and(put(&bulk.import, None, Expected::Anything)?)).await?;
        Ok(())
    }

    /// All in one commit if nobody interferes, else one by one.
    async fn onboard_lines(&self, lines: Vec<BulkLine>) -> Result<Vec<LineOutcome>, Problem> {
        let (mut changes, mut planned) = (Changes::default(), Vec::new());
        let mut names = BTreeSet::new();
        let mut alone = false;
        for BulkLine { line, request } in &lines {
            match request {
                Ok(request) => {
                    alone |= !names.insert(request.device.clone());
                    match self.plan(request.clone(), None).await {
                        Ok(plan) => {
                            changes.writes.extend(plan.changes.writes.iter().cloned());
                            changes.revoked.extend(plan.changes.revoked.iter().cloned());
                            planned.push((*line, Ok(plan)));
                        }
                        Err(Trouble::Told(problem)) => planned.push((*line, Err(problem))),
                        Err(Trouble::Raced) => alone = true,
                    }
                }
                Err(problem) => planned.push((*line, Err(problem.clone()))),
            }
        }
        if alone {
            return Ok(self.onboard_singly(lines).await);
        }
        match self.registry.commit(changes).await {
            Ok(_) => Ok(planned.into_iter().map(|(line, plan)| told(line, plan)).collect()),
            Err(RegistryError::Changed { .. } | RegistryError::TooMany { .. }) => Ok(self.onboard_singly(lines).await),
            Err(error) => Err(error.into()),
        }
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

fn told(line: u64, plan: Result<Planned, Problem>) -> LineOutcome {
    LineOutcome { line, result: plan.and_then(Planned::told) }
}

fn count(report: &mut BulkReport, outcome: &LineOutcome) {
    match &outcome.result {
        Ok(done) if done.key.is_none() && done.delivery.is_none() => report.unchanged(outcome.line),
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
