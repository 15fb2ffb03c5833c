//! Values on their way to the table of values.
//!
//! **Constraints.** Nobody waits for the table: values are gathered, sent in the background, and sent again until they
//! are taken. What is on the way is part of the plant's snapshot. Memory is bounded: while the table takes nothing, the
//! oldest values are given up beyond the limit, and counted.
//!
//! **Exactly once.** Each append says how far it goes ([`ValueMark`]). After a crash, what the table has is computed
//! again: [`Outbox::covers`] says so, and it is left out. Values that were sent stay as they are until the table has
//! answered that it has them, whatever comes meanwhile: a commit whose answer was lost is known by its mark.

use std::sync::Arc;
use std::time::Duration;

use andon_assets::{Change, Quality, Scalar};
use andon_journal::{PropertyValue, ValueContent, ValueMark, ValueTable};
use andon_model::Problem;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::telemetry;

/// First wait after a failure; doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Values that go up to a mark.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Chunk {
    pub(super) up_to: ValueMark,
    pub(super) values: Vec<PropertyValue>,
}

/// What is on the way to one table.
pub(super) struct Outbox {
    table: Arc<dyn ValueTable>,
    /// How far the table goes.
    committed: ValueMark,
    /// Oldest first; the first is the one that is sent.
    chunks: Vec<Chunk>,
    /// Whether the first was sent, and may be in the table: nothing is added to it, or taken from it, any more.
    is_tried: bool,
    sending: Option<JoinHandle<Result<(), Problem>>>,
    /// When values are sent that wait.
    due: Option<Instant>,
    wait: Duration,
    gather: Duration,
    limit: usize,
}

impl Outbox {
    /// What a snapshot had on the way, without what the table has.
    pub(super) fn new(
        table: Arc<dyn ValueTable>,
        committed: ValueMark,
        mut chunks: Vec<Chunk>,
        (gather, limit): (Duration, usize),
    ) -> Self {
        chunks.retain(|chunk| chunk.up_to > committed);
        let due = (!chunks.is_empty()).then(Instant::now);
        Self { table, committed, chunks, is_tried: false, sending: None, due, wait: FIRST_WAIT, gather, limit }
    }

    /// How far the table went at the start, or goes since.
    pub(super) const fn committed(&self) -> ValueMark {
        self.committed
    }

    /// Whether the table has the values up to `mark`.
    pub(super) fn covers(&self, mark: ValueMark) -> bool {
        mark <= self.committed
    }

    /// Takes values in that go up to `mark`.
    pub(super) fn take(&mut self, changes: &[Change], mark: ValueMark) {
        if changes.is_empty() || self.covers(mark) {
            return;
        }
        if self.chunks.len() <= self.settled() {
            self.chunks.push(Chunk::default());
        }
        let Some(last) = self.chunks.last_mut() else { return };
        last.up_to = mark;
        last.values.extend(changes.iter().map(value));
        self.due = self.due.or_else(|| Some(Instant::now() + self.gather));
        self.give_up();
    }

    /// How many chunks stay as they are.
    fn settled(&self) -> usize {
        usize::from(self.is_tried)
    }

    /// Drops the oldest values beyond the limit, never those that were sent.
    fn give_up(&mut self) {
        let excess = self.waiting().saturating_sub(self.limit);
        let from = self.settled();
        if let Some(chunk) = self.chunks.get_mut(from).filter(|_| excess > 0) {
            let dropped = excess.min(chunk.values.len());
            chunk.values.drain(..dropped);
            telemetry::values_dropped(dropped);
        }
    }

    /// Values that the table does not have.
    pub(super) fn waiting(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.values.len()).sum()
    }

    /// What a snapshot keeps.
    pub(super) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Comes back when there is something to do: values are due, or the table has answered.
    pub(super) async fn ready(&mut self) -> Ready {
        match (&mut self.sending, self.due) {
            (Some(sending), _) => {
                let ended = sending.await;
                Ready::Answered(ended.unwrap_or_else(|e| Err(Problem::new(andon_model::Code::Internal, e.to_string()))))
            }
            (None, Some(due)) => {
                tokio::time::sleep_until(due).await;
                Ready::Due
            }
            (None, None) => std::future::pending().await,
        }
    }

    /// Does what there is to do.
    pub(super) fn step(&mut self, ready: Ready) {
        match ready {
            Ready::Due => self.send(),
            Ready::Answered(Ok(())) => self.sent(),
            Ready::Answered(Err(problem)) => self.refused(&problem),
        }
    }

    fn send(&mut self) {
        self.due = None;
        let Some(chunk) = self.chunks.first().cloned() else { return };
        self.is_tried = true;
        let table = Arc::clone(&self.table);
        self.sending = Some(tokio::spawn(async move { table.append(chunk.values, chunk.up_to).await }));
    }

    fn sent(&mut self) {
        (self.sending, self.is_tried) = (None, false);
        self.wait = FIRST_WAIT;
        let chunk = self.chunks.remove(0);
        self.committed = self.committed.max(chunk.up_to);
        telemetry::values_written(chunk.values.len());
        self.due = (!self.chunks.is_empty()).then(|| Instant::now() + self.gather);
    }

    /// Sent again unchanged: the table knows the mark if it has taken them after all.
    fn refused(&mut self, problem: &Problem) {
        telemetry::values_refused(problem, self.waiting());
        self.sending = None;
        self.due = Some(Instant::now() + self.wait);
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
    }
}

/// What an outbox waits for.
pub(super) enum Ready {
    /// Values have been gathered long enough.
    Due,
    /// The table has answered.
    Answered(Result<(), Problem>),
}

/// A change as the table has it.
pub(super) fn value(change: &Change) -> PropertyValue {
    PropertyValue {
        asset: Arc::clone(&change.asset),
        property: Arc::clone(&change.property),
        ts: change.point.ts,
        value: content(&change.point.value),
        quality: word(change.point.quality).into(),
    }
}

fn content(value: &Scalar) -> ValueContent {
    match value {
        Scalar::Boolean(truth) => ValueContent::Boolean(*truth),
        Scalar::Integer(number) => ValueContent::Integer(*number),
        Scalar::Double(number) => ValueContent::Double(*number),
        Scalar::String(text) => ValueContent::String(Arc::clone(text)),
    }
}

const fn word(quality: Quality) -> &'static str {
    match quality {
        Quality::Good => "GOOD",
        Quality::Bad => "BAD",
        Quality::Uncertain => "UNCERTAIN",
    }
}

#[cfg(test)]
mod tests {
    use andon_assets::Point;
    use andon_journal::ValueGap;
    use andon_model::{Code, IngestId, Timestamp};
    use async_trait::async_trait;
    use parking_lot::Mutex;

    use super::*;

    /// Takes everything, and loses its first answers.
    struct Forgetful {
        lost_answers: Mutex<usize>,
        commits: Mutex<Vec<(ValueMark, usize)>>,
    }

    impl Forgetful {
        fn new(lost_answers: usize) -> Arc<Self> {
            Arc::new(Self { lost_answers: Mutex::new(lost_answers), commits: Mutex::default() })
        }

        /// How far each commit goes, and its values.
        fn commits(&self) -> Vec<(u64, usize)> {
            self.commits.lock().iter().map(|(mark, values)| (mark.next.0, *values)).collect()
        }
    }

    #[async_trait]
    impl ValueTable for Forgetful {
        async fn committed(&self) -> Result<ValueMark, Problem> {
            Ok(ValueMark::default())
        }

        async fn append(&self, values: Vec<PropertyValue>, up_to: ValueMark) -> Result<(), Problem> {
            let mut commits = self.commits.lock();
            if commits.last().is_none_or(|(mark, _)| *mark < up_to) {
                commits.push((up_to, values.len()));
            }
            let mut lost = self.lost_answers.lock();
            let answer = if *lost > 0 { Err(Problem::new(Code::Lake, "no answer")) } else { Ok(()) };
            *lost = lost.saturating_sub(1);
            answer
        }

        async fn gap(&self) -> Result<Option<ValueGap>, Problem> {
            Ok(None)
        }

        async fn fill(&self, _: i64, _: Vec<PropertyValue>, _: ValueMark) -> Result<(), Problem> {
            Ok(())
        }
    }

    fn outbox(table: Arc<Forgetful>, limit: usize) -> Outbox {
        Outbox::new(table, ValueMark::default(), Vec::new(), (Duration::from_secs(1), limit))
    }

    /// One value at each of these places.
    fn take(outbox: &mut Outbox, places: std::ops::RangeInclusive<u64>) {
        for place in places {
            let at = Timestamp::from_micros(1_000_000);
            let point = Point::good(at, Scalar::Integer(1));
            let change = Change { asset: "a1".into(), property: "n".into(), point, late: false };
            outbox.take(&[change], ValueMark { next: IngestId(place), at });
        }
    }

    async fn step(outbox: &mut Outbox) {
        let ready = outbox.ready().await;
        outbox.step(ready);
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_whose_answer_is_lost_is_not_made_twice() {
        let table = Forgetful::new(2);
        let mut outbox = outbox(table.clone(), 100);
        take(&mut outbox, 1..=3);
        for next in 4..=6 {
            // Sent, and the answer; more comes while it is sent again.
            step(&mut outbox).await;
            step(&mut outbox).await;
            take(&mut outbox, next..=next);
        }
        while outbox.waiting() > 0 {
            step(&mut outbox).await;
        }
        assert_eq!(table.commits(), [(3, 3), (6, 3)]);
        assert_eq!(outbox.committed().next, IngestId(6));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_is_not_given_up() {
        let table = Forgetful::new(1);
        let mut outbox = outbox(table.clone(), 5);
        take(&mut outbox, 1..=3);
        step(&mut outbox).await;
        step(&mut outbox).await;
        take(&mut outbox, 4..=9);
        assert_eq!(outbox.waiting(), 5);
        while outbox.waiting() > 0 {
            step(&mut outbox).await;
        }
        assert_eq!(table.commits(), [(3, 3), (9, 2)]);
    }
}
