//! The port `Views`: lists, counts and retention.

use andon_journal::{
    Counts, EpisodeFilter, EpisodeRow, EventFilter, EventRow, JournalError, Page, QuarantineRow, Retained, Retention,
    RunDetail, RunFilter, RunRow, Views,
};
use andon_model::{Offset, RunId, RunStatus};
use async_trait::async_trait;
use sqlx::{FromRow, query_as};

use super::{episodes, events, quarantine, runs};
use crate::error::reading;
use crate::{SqlStore, retention};

/// One statement, so that the numbers fit together. All but `done` are counted by an index over few
/// rows; `done` is what is left.
const COUNTS: &str = "SELECT events_kept, last_offset - decided_up_to AS undecided, runs_kept, \
     (SELECT COUNT(*) FROM decisions WHERE failure IS NOT NULL) AS failed_decisions, \
     (SELECT COUNT(*) FROM quarantine WHERE is_open = 1) AS quarantined, \
     (SELECT COUNT(*) FROM runs WHERE status = 'queued') AS queued, \
     (SELECT COUNT(*) FROM runs WHERE status = 'sending') AS sending, \
     (SELECT COUNT(*) FROM runs WHERE status = 'waiting') AS waiting, \
     (SELECT COUNT(*) FROM runs WHERE status = 'refused') AS refused, \
     (SELECT COUNT(*) FROM runs WHERE status = 'parked') AS parked, \
     (SELECT COUNT(*) FROM runs WHERE status = 'cancelled') AS cancelled FROM head WHERE id = 1";

#[async_trait]
impl Views for SqlStore {
    async fn events(&self, filter: EventFilter) -> Result<Page<EventRow>, JournalError> {
        events::list(self.db.readers(), filter).await
    }

    async fn event_detail(&self, offset: Offset) -> Result<Option<EventRow>, JournalError> {
        events::detail(self.db.readers(), offset).await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Page<RunRow>, JournalError> {
        runs::list(self.db.readers(), filter).await
    }

    async fn run_detail(&self, id: &RunId) -> Result<Option<RunDetail>, JournalError> {
        runs::detail(self.db.readers(), id).await
    }

    async fn episodes(&self, filter: EpisodeFilter) -> Result<Vec<EpisodeRow>, JournalError> {
        episodes::list(self.db.readers(), filter).await
    }

    async fn quarantine(&self, before: Option<i64>, limit: usize) -> Result<Page<QuarantineRow>, JournalError> {
        quarantine::list(self.db.readers(), before, limit).await
    }

    async fn quarantine_detail(&self, id: i64) -> Result<Option<QuarantineRow>, JournalError> {
        quarantine::detail(self.db.readers(), id).await
    }

    async fn mark_replayed(&self, id: i64) -> Result<(), JournalError> {
        quarantine::mark_replayed(&self.db, id).await
    }

    async fn counts(&self) -> Result<Counts, JournalError> {
        let record: Result<CountRecord, _> = query_as(COUNTS).fetch_one(self.db.readers()).await;
        record.map(CountRecord::into_counts).map_err(reading("counting"))
    }

    async fn retain(&self, retention: Retention) -> Result<Retained, JournalError> {
        retention::retain(&self.db, retention).await
    }
}

#[derive(FromRow)]
struct CountRecord {
    events_kept: i64,
    undecided: i64,
    runs_kept: i64,
    failed_decisions: i64,
    quarantined: i64,
    queued: i64,
    sending: i64,
    waiting: i64,
    refused: i64,
    parked: i64,
    cancelled: i64,
}

impl CountRecord {
    fn into_counts(self) -> Counts {
        let not_done = self.queued + self.sending + self.waiting + self.refused + self.parked + self.cancelled;
        let count = |status| match status {
            RunStatus::Queued => self.queued,
            RunStatus::Sending => self.sending,
            RunStatus::Waiting => self.waiting,
            RunStatus::Done => self.runs_kept - not_done,
            RunStatus::Refused => self.refused,
            RunStatus::Parked => self.parked,
            RunStatus::Cancelled => self.cancelled,
        };
        Counts {
            events: self.events_kept,
            undecided: self.undecided,
            failed_decisions: self.failed_decisions,
            quarantined: self.quarantined,
            runs: RunStatus::ALL.map(|status| (status, count(status))).to_vec(),
        }
    }
}
