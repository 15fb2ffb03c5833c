//! What must be true in the end: the invariants, held against books, journal and what people did.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use andon_engine::{Violation, check_books, check_run};
use andon_journal::{EpisodeFilter, Journal, OpenEpisodeView, RunDetail, RunFilter, Views};
use andon_model::{Event, Offset, RunStatus, TimelineKind};
use andon_testkit::BookEntry;
use serde_json::{Value, json};

use super::World;
use crate::scenario::{self, OF_EPISODES};

impl World {
    pub(super) async fn judge(&self, events: &[Event]) -> Vec<Violation> {
        let books = self.destination.books();
        let runs = self.all_runs().await;
        let mut found = check_books(books.iter().map(|entry| entry.key.as_str()));
        found.extend(self.judge_acknowledged().await);
        found.extend(runs.iter().flat_map(judge_run));
        found.extend(self.judge_episodes(&books));
        found.extend(self.judge_joined(&runs));
        if found.is_empty() {
            found.extend(self.judge_counts(events, &runs, &books).await);
        }
        found.extend(judge_order(events, &books));
        found
    }

    async fn all_runs(&self) -> Vec<RunDetail> {
        let page = self.memory().runs(RunFilter { limit: 1_000, ..RunFilter::default() }).await.expect("runs");
        let mut runs = Vec::new();
        for row in page.rows {
            runs.push(self.memory().run_detail(&row.id).await.expect("a run").expect("listed runs exist"));
        }
        runs
    }

    /// J3 and J4: what was acknowledged is in the journal, once.
    async fn judge_acknowledged(&self) -> Vec<Violation> {
        let stored = self.memory().events_after(Offset(0), 1_000).await.expect("events");
        let ids: Vec<&str> = stored.iter().map(|stored| stored.event.id.as_str()).collect();
        let acknowledged = self.acknowledged.lock().expect("not poisoned").clone();
        let lost = acknowledged.iter().filter(|id| !ids.contains(&id.as_str()));
        let mut found: Vec<_> =
            lost.map(|id| broken("J3", format!("event {id} was acknowledged and is gone"))).collect();
        if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
            found.push(broken("J4", format!("an event is stored twice: {ids:?}")));
        }
        let gapless = stored.iter().zip(1..).all(|(stored, n)| stored.offset == Offset(n));
        if !gapless {
            found.push(broken("J1", "offsets have gaps".into()));
        }
        found
    }

    /// A4: when a document of an episode is made, every earlier one of the same action and key is closed.
    fn judge_episodes(&self, books: &[BookEntry]) -> Vec<Violation> {
        let closings = self.closings.lock().expect("not poisoned");
        let is_open = |number: &str, documents: usize| {
            !closings.iter().any(|closing| closing.number == number && closing.documents <= documents)
        };
        let mut found = Vec::new();
        for (at, entry) in books.iter().enumerate() {
            let Some(key) = episode_of(entry) else { continue };
            let earlier = books[..at].iter().filter(|other| episode_of(other).as_ref() == Some(&key));
            let open = earlier.filter(|other| is_open(&other.number, at));
            found.extend(
                open.map(|other| broken("A4", format!("{key:?}: {} while {} is open", entry.number, other.number))),
            );
        }
        found
    }

    /// A4: no event joins a document that was closed before it was decided; what joins updates that document.
    fn judge_joined(&self, runs: &[RunDetail]) -> Vec<Violation> {
        let closings = self.closings.lock().expect("not poisoned");
        let changes = self.destination.changes();
        let mut found = Vec::new();
        for (run, open) in joined(runs).filter(|(run, open)| open.run != run.row.id) {
            let closed = closings.iter().find(|closing| closing.number == open.document);
            if closed.is_some_and(|closing| closing.at < run.row.created_at) {
                found.push(broken("A4", format!("run {} joined {}, closed before", run.row.id, open.document)));
            }
            let own = json!({ "Offset": run.row.event.0, "Count": open.count });
            let is_own = |body: &str| serde_json::from_str::<Value>(body).is_ok_and(|body| body == own);
            let mine: Vec<_> = changes.iter().filter(|change| is_own(&change.body)).collect();
            let is_due = run.row.action.as_str() == "once";
            if mine.is_empty() == is_due || mine.iter().any(|change| change.number != open.document) {
                found.push(broken("A4", format!("run {} has made the changes {mine:?}", run.row.id)));
            }
        }
        found
    }

    /// Every event of an episode is counted once, in the document that it opened or joined; each document was opened
    /// by one run, and the journal knows the newest of each key.
    async fn judge_counts(&self, events: &[Event], runs: &[RunDetail], books: &[BookEntry]) -> Vec<Violation> {
        let mut counts: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for (_, open) in joined(runs) {
            counts.entry(&open.document).or_default().push(open.count);
        }
        let gaps = counts.iter_mut().filter_map(|(document, counts)| {
            counts.sort_unstable();
            let is_right = counts.iter().zip(1..).all(|(count, due)| *count == due);
            (!is_right).then(|| broken("A4", format!("document {document} counts {counts:?}")))
        });
        let mut found: Vec<Violation> = gaps.collect();
        let (of_episodes, each): (Vec<&Event>, Vec<&Event>) = events.iter().partition(|event| is_of_episode(event));
        let counted: usize = counts.values().map(Vec::len).sum();
        if counted != of_episodes.len() {
            found.push(broken("A4", format!("{} events of episodes, counted {counted}", of_episodes.len())));
        }
        if books.len() != each.len() + counts.len() {
            let due = each.len() + counts.len();
            found.push(broken("A3", format!("{} events gave {} documents, not {due}", events.len(), books.len())));
        }
        let filter = EpisodeFilter { limit: 100, ..EpisodeFilter::default() };
        for row in self.memory().episodes(filter).await.expect("episodes") {
            let counted = counts.get(row.episode.document.as_str()).map(Vec::len);
            if counted != usize::try_from(row.episode.count).ok() || row.held_by.is_some() {
                found.push(broken("A4", format!("{row:?}, counted {counted:?}")));
            }
        }
        found
    }
}

pub(super) fn broken(invariant: &'static str, detail: String) -> Violation {
    Violation { invariant, detail }
}

/// A2 and A3: the run is done, and its timeline shows no repetition in doubt.
fn judge_run(run: &RunDetail) -> Vec<Violation> {
    let row = &run.row;
    let is_done = row.status == RunStatus::Done;
    let undone = (!is_done).then(|| broken("A3", format!("run {} ended as {}: {}", row.id, row.status, row.summary)));
    undone.into_iter().chain(check_run(run)).chain(judge_summary(run)).collect()
}

fn is_of_episode(event: &Event) -> bool {
    event.data["severity"].as_u64() > Some(2)
}

/// Runs that have opened or joined an episode, with it.
fn joined(runs: &[RunDetail]) -> impl Iterator<Item = (&RunDetail, &OpenEpisodeView)> {
    runs.iter().filter_map(|run| Some((run, run.episode.as_ref()?.open.as_ref()?)))
}

/// Path and key of the episode that a document belongs to.
fn episode_of(entry: &BookEntry) -> Option<(&str, String)> {
    let body: Value = serde_json::from_str(&entry.body).expect("a rendered body");
    let key = body["Once"].as_str().map(str::to_owned)?;
    OF_EPISODES.contains(&entry.path.as_str()).then_some((entry.path.as_str(), key))
}

/// A summary holds up its run no longer than its step says, whatever the model does; what the journal
/// itself takes is not its fault, nor is a kill.
fn judge_summary(run: &RunDetail) -> Option<Violation> {
    const JOURNAL: Duration = Duration::from_secs(4);
    let mut lines = run.timeline.iter().filter(|line| line.step == "sum");
    let sent = lines.find(|line| line.kind == TimelineKind::Sending)?;
    let ended = lines.next()?;
    let killed = ended.detail["problem"]["detail"] == "the program ended while the request was on its way";
    let took = ended.at.since(sent.at);
    let late = !killed && took > scenario::SUMMARY_TIMEOUT + JOURNAL;
    late.then(|| broken("A3", format!("the summary of run {} took {took:?}", run.row.id)))
}

/// Documents of one subject were created in the order in which its events were stored. A parked run holds up nobody but
/// its episode.
fn judge_order(events: &[Event], books: &[BookEntry]) -> Vec<Violation> {
    let mut subjects: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for entry in books.iter().filter(|entry| entry.path != "/Park") {
        let body: Value = serde_json::from_str(&entry.body).expect("a rendered body");
        let subject = events.iter().find(|event| body["Event"] == event.id.as_str()).and_then(|e| e.subject.as_deref());
        let offset = body["Offset"].as_u64().expect("an offset");
        subjects.entry(subject.unwrap_or_default()).or_default().push(offset);
    }
    subjects.remove("");
    let disordered = subjects.into_iter().filter(|(_, offsets)| !offsets.is_sorted());
    disordered.map(|(subject, offsets)| broken("order", format!("{subject} was worked on as {offsets:?}"))).collect()
}
