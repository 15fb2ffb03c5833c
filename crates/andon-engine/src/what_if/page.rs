//! One page: events are read in chunks, rehearsed on both configurations, and compared.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use andon_act::RunState;
use andon_journal::{EventFilter, EventRow, JournalError, StoredEvent};
use andon_model::{Offset, Timestamp};

use super::compare::compare;
use super::configurations::Compiled;
use super::rehearse::{Ending, Recorded, Rehearsal, rehearse};
use super::{Against, Concerns, Difference, Moment, WhatIf, WhatIfPage};
use crate::ApplyError;
use crate::catalog::Catalog;
use crate::engine::Shared;

/// Events read, rehearsed and compared at once.
const CHUNK: usize = 100;
/// Most events of one page.
const MAX_EVENTS: u64 = 10_000;
/// A page ends when its differences hold so many bytes.
const MAX_BYTES: usize = 8 << 20;
/// A page ends when it has taken so long; the API's callers wait for it.
const MAX_TIME: Duration = Duration::from_secs(5);

/// The page after `asked.after`.
pub(super) async fn page(shared: &Arc<Shared>, asked: &WhatIf) -> Result<WhatIfPage, ApplyError> {
    let mut compiled = shared.replaying.lock().await;
    let page = evaluated(shared, asked, &mut compiled).await?;
    if page.next.is_none() {
        *compiled = Compiled::default();
    }
    Ok(page)
}

async fn evaluated(shared: &Arc<Shared>, asked: &WhatIf, compiled: &mut Compiled) -> Result<WhatIfPage, ApplyError> {
    let (current, changed) = compiled.pair(shared, &asked.changes).await?;
    let mut page = WhatIfPage { revision: current.revision, ..WhatIfPage::default() };
    let mut reader = Reader { shared, asked, at: begin(shared, asked).await?, compiled, current };
    let (started, mut bytes) = (shared.clock.now(), 0);
    loop {
        let chunk = reader.read(&mut page).await?;
        let is_last = chunk.is_last;
        let trial = Trial { changed: changed.clone(), concerns: asked.concerns.clone() };
        let in_full = asked.in_full.saturating_sub(page.differences.len());
        bytes += rehearsed(chunk.cases, trial, in_full).await?.into_page(&mut page);
        if is_last {
            return Ok(page);
        }
        let has_time = shared.clock.now().since(started) < MAX_TIME;
        if page.events >= MAX_EVENTS || bytes >= MAX_BYTES || !has_time {
            page.next = Some(reader.at);
            return Ok(page);
        }
    }
}

/// The place after which the page begins.
async fn begin(shared: &Shared, asked: &WhatIf) -> Result<Offset, JournalError> {
    match (asked.after, asked.from) {
        (Some(after), _) => Ok(after),
        (None, None) => Ok(Offset(0)),
        (None, Some(Moment::Offset(first))) => Ok(Offset(first.0.saturating_sub(1).max(0))),
        (None, Some(Moment::Time(time))) => before(shared, time).await,
    }
}

/// The last place whose event was received before `time`; by halving, since receipt follows the order of places.
async fn before(shared: &Shared, time: Timestamp) -> Result<Offset, JournalError> {
    let (mut low, mut high) = (0, shared.appended_up_to.load(std::sync::atomic::Ordering::Acquire));
    while low < high {
        let middle = low + (high - low) / 2;
        let found = shared.journal.events_after(Offset(middle), 1).await?;
        match found.first().filter(|stored| stored.received_at < time) {
            Some(earlier) => low = earlier.offset.0,
            None => high = middle,
        }
    }
    Ok(Offset(low))
}

/// An event to rehearse, with the configuration that its change is compared with.
struct Case {
    recorded: Recorded,
    base: Arc<Catalog>,
}

struct Chunk {
    cases: Vec<Case>,
    is_last: bool,
}

/// Reads events with what is recorded about them.
struct Reader<'a> {
    shared: &'a Shared,
    asked: &'a WhatIf,
    /// Everything up to here is read.
    at: Offset,
    current: Arc<Catalog>,
    compiled: &'a mut Compiled,
}

impl Reader<'_> {
    async fn read(&mut self, page: &mut WhatIfPage) -> Result<Chunk, JournalError> {
        let mut events = self.events(page).await?;
        let mut is_last = events.is_empty();
        if let Some(beyond) = events.iter().position(|stored| self.is_beyond(stored)) {
            events.truncate(beyond);
            is_last = true;
        }
        self.at = events.last().map_or(self.at, |stored| stored.offset);
        let last = self.at;
        events.retain(|stored| self.is_wanted(stored));
        let cases = if events.is_empty() { Vec::new() } else { self.cases(events, last).await? };
        Ok(Chunk { cases, is_last })
    }

    /// The next events. Around one that cannot be read they come one at a time, and that one is passed over.
    async fn events(&mut self, page: &mut WhatIfPage) -> Result<Vec<StoredEvent>, JournalError> {
        match self.shared.journal.events_after(self.at, CHUNK).await {
            Err(JournalError::Corrupt { .. }) => {}
            read => return read,
        }
        loop {
            match self.shared.journal.events_after(self.at, 1).await {
                Err(JournalError::Corrupt { .. }) => {
                    self.at = Offset(self.at.0 + 1);
                    page.unreadable += 1;
                }
                read => return read,
            }
        }
    }

    fn is_beyond(&self, stored: &StoredEvent) -> bool {
        match self.asked.to {
            Some(Moment::Offset(last)) => stored.offset > last,
            Some(Moment::Time(time)) => stored.received_at >= time,
            None => false,
        }
    }

    fn is_wanted(&self, stored: &StoredEvent) -> bool {
        let fits = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
        fits(&self.asked.source, &stored.event.source) && fits(&self.asked.kind, &stored.event.kind)
    }

    async fn cases(&mut self, events: Vec<StoredEvent>, last: Offset) -> Result<Vec<Case>, JournalError> {
        let offsets: Vec<Offset> = events.iter().map(|stored| stored.offset).collect();
        let mut runs: BTreeMap<Offset, Vec<RunState>> = BTreeMap::new();
        for run in self.shared.journal.runs_of(&offsets).await? {
            // A state that this program does not read gives no answers.
            runs.entry(run.event).or_default().extend(RunState::parse(&run.state));
        }
        let rows = self.rows(last).await?;
        let mut cases = Vec::with_capacity(events.len());
        for event in events {
            let base = self.base(rows.get(&event.offset)).await?;
            let runs = runs.remove(&event.offset).unwrap_or_default();
            cases.push(Case { recorded: Recorded { event, runs }, base });
        }
        Ok(cases)
    }

    /// What was decided about the events up to `last`; nothing unless it is compared with.
    async fn rows(&self, last: Offset) -> Result<BTreeMap<Offset, EventRow>, JournalError> {
        if self.asked.against == Against::Current {
            return Ok(BTreeMap::new());
        }
        let filter = EventFilter { before: Some(last.0 + 1), limit: CHUNK, ..EventFilter::default() };
        let page = self.shared.views.events(filter).await?;
        Ok(page.rows.into_iter().map(|row| (row.offset, row)).collect())
    }

    async fn base(&mut self, row: Option<&EventRow>) -> Result<Arc<Catalog>, JournalError> {
        let decided = row.and_then(|row| row.decisions.as_ref()?.first()).map(|decision| decision.revision);
        let revision = decided.or_else(|| Some(row?.runs.first()?.revision)).unwrap_or(self.current.revision);
        if revision == self.current.revision {
            return Ok(self.current.clone());
        }
        self.compiled.at(self.shared, revision).await
    }
}

/// What the cases of a chunk are tried on.
struct Trial {
    changed: Arc<Catalog>,
    concerns: Concerns,
}

/// What a chunk came to.
#[derive(Default)]
struct Rehearsed {
    page: WhatIfPage,
    bytes: usize,
}

impl Rehearsed {
    fn into_page(self, page: &mut WhatIfPage) -> usize {
        page.events += self.page.events;
        page.runs += self.page.runs;
        page.requests += self.page.requests;
        page.unanswered += self.page.unanswered;
        page.differences.extend(self.page.differences);
        self.bytes
    }

    fn count(&mut self, before: &Rehearsal) {
        self.page.events += 1;
        self.page.runs += before.runs.len() as u64;
        self.page.requests += before.runs.values().map(|run| run.requests.len() as u64).sum::<u64>();
        let unanswered = before.runs.values().filter(|run| run.ending == Ending::Unanswered);
        self.page.unanswered += unanswered.count() as u64;
    }

    fn compare(&mut self, case: &Case, trial: &Trial, in_full: usize) {
        let revision = case.base.revision;
        let before = rehearse(&case.base, &case.recorded, revision);
        let after = rehearse(&trial.changed, &case.recorded, revision);
        if !before.is_about(&trial.concerns) && !after.is_about(&trial.concerns) {
            return;
        }
        self.count(&before);
        let parts = compare((&before, &after), &case.recorded, self.page.differences.len() < in_full);
        if parts.is_empty() {
            return;
        }
        let stored = &case.recorded.event;
        let event = stored.event.clone();
        let (offset, source, id, kind) = (stored.offset, event.source, event.id, event.kind);
        let difference = Difference { offset, source, id, kind, parts };
        self.bytes += serde_json::to_string(&difference).map_or(0, |text| text.len());
        self.page.differences.push(difference);
    }
}

/// Away from the tasks that serve the lane and the API.
async fn rehearsed(cases: Vec<Case>, trial: Trial, in_full: usize) -> Result<Rehearsed, JournalError> {
    let work = move || {
        let mut rehearsed = Rehearsed::default();
        for case in &cases {
            rehearsed.compare(case, &trial, in_full);
        }
        rehearsed
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|cause| JournalError::Storage { doing: "replaying events", cause: cause.to_string() })
}
