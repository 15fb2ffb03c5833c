//! How far values go, as application transactions of the table.

use andon_journal::ValueMark;
use andon_model::{IngestId, Timestamp};

use super::super::delta::{LakeTable, Mark};
use super::super::schema::ingest_id;

/// A [`ValueMark`]: a transaction for the place, and one for the time.
pub(super) struct TwoMarks {
    place: &'static str,
    time: &'static str,
}

/// How far the appends go.
pub(super) const LIVE: TwoMarks = TwoMarks { place: "values", time: "values-at" };
/// How far the gap is filled.
pub(super) const DONE: TwoMarks = TwoMarks { place: "refill", time: "refill-at" };
/// Where the gap ends.
pub(super) const UNTIL: TwoMarks = TwoMarks { place: "refill-until", time: "refill-until-at" };
/// How often the table was begun anew.
pub(super) const ROUND: &str = "refill-round";

/// All of them.
pub(crate) const APPS: [&str; 7] = [LIVE.place, LIVE.time, DONE.place, DONE.time, UNTIL.place, UNTIL.time, ROUND];

impl TwoMarks {
    /// What the table says.
    pub(super) fn read(&self, table: &LakeTable) -> ValueMark {
        let next = IngestId(u64::try_from(table.behind(self.place)).unwrap_or_default());
        ValueMark { next, at: Timestamp::from_micros(table.behind(self.time)) }
    }

    /// What a commit says.
    pub(super) fn at(&self, mark: ValueMark) -> [Mark<'static>; 2] {
        let place = Mark { app: self.place, behind: ingest_id(mark.next) };
        [place, Mark { app: self.time, behind: mark.at.as_micros() }]
    }
}
