//! What a [`super::MemoryJournal`] holds. Every method that can refuse does so before it changes anything.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use andon_journal::{
    Append, Appended, CheckpointMove, Commit, Decided, DocumentVersion, Episode, EpisodeKey, JournalError, Lease, Mark,
    NewQuarantine, NewToken, Retained, Retention, RevisionInfo, RunChange, StoredEvent,
};
use andon_model::{Event, EventKey, Name, Offset, RunId, Secret, TimelineEntry, Timestamp};

use super::WriteFault;
use super::attachments::MemoryAttachments;

/// A run with what lists show of it.
pub(super) struct MemoryRun {
    pub(super) sequence: i64,
    pub(super) created_at: Timestamp,
    /// The newest change, its timeline moved out.
    pub(super) newest: RunChange,
    /// Lines by number; the first one of a number stays.
    pub(super) timeline: BTreeMap<u32, TimelineEntry>,
}

/// A quarantine entry.
pub(super) struct MemoryQuarantine {
    pub(super) entry: NewQuarantine,
    pub(super) received_at: Timestamp,
    pub(super) is_open: bool,
}

/// The process that holds the lease.
pub(super) struct Holder {
    process: u64,
    pub(super) owner: String,
}

#[derive(Default)]
pub(super) struct State {
    /// Highest number of a process.
    pub(super) processes: u64,
    killed: HashSet<u64>,
    /// Writes tried so far.
    pub(super) writes: u64,
    /// Faults by number of the write.
    pub(super) faults: BTreeMap<u64, WriteFault>,
    epoch: i64,
    holder: Option<Holder>,
    last_offset: i64,
    pub(super) decided_up_to: i64,
    pub(super) events: BTreeMap<Offset, StoredEvent>,
    pub(super) keys: HashMap<EventKey, (Offset, Timestamp)>,
    pub(super) decided: BTreeMap<Offset, Decided>,
    last_run: i64,
    pub(super) attachments: MemoryAttachments,
    pub(super) runs: HashMap<RunId, MemoryRun>,
    pub(super) episodes: BTreeMap<EpisodeKey, Episode>,
    /// Events and their runs, in order.
    pub(super) runs_of_events: BTreeSet<(Offset, RunId)>,
    pub(super) checkpoints: HashMap<String, (i64, String)>,
    /// Source, key and version, and when each was marked first.
    pub(super) marks: HashMap<(Option<Name>, String, String), Timestamp>,
    last_quarantine: i64,
    pub(super) quarantine: BTreeMap<i64, MemoryQuarantine>,
    pub(super) revisions: Vec<RevisionInfo>,
    /// Every version of every document, oldest first; `true` marks a removal.
    pub(super) documents: Vec<(DocumentVersion, bool)>,
    pub(super) tokens: BTreeMap<Name, NewToken>,
    pub(super) secrets: BTreeMap<Name, (Secret, Timestamp)>,
}

impl State {
    pub(super) fn is_killed(&self, process: u64) -> bool {
        self.killed.contains(&process)
    }

    pub(super) fn kill(&mut self, process: u64) {
        self.killed.insert(process);
        self.holder.take_if(|holder| holder.process == process);
    }

    /// Counts a write; the fault that it is to suffer.
    pub(super) fn next_write(&mut self) -> Option<WriteFault> {
        let fault = self.faults.remove(&self.writes);
        self.writes += 1;
        fault
    }

    pub(super) fn take_lease(&mut self, process: u64, owner: &str) -> Result<Lease, JournalError> {
        if let Some(holder) = self.holder.as_ref().filter(|holder| holder.process != process) {
            return Err(JournalError::Held { owner: holder.owner.clone() });
        }
        self.holder = Some(Holder { process, owner: owner.to_owned() });
        self.epoch += 1;
        Ok(Lease { epoch: self.epoch })
    }

    pub(super) fn append(&mut self, append: Append) -> Result<Appended, JournalError> {
        append.checkpoint.as_ref().map_or(Ok(()), |step| self.check_move(step))?;
        if let Some(CheckpointMove { name, position, note }) = append.checkpoint {
            self.checkpoints.insert(name, (position, note));
        }
        let at = append.at;
        for Mark { key, version } in append.marks {
            self.marks.entry((append.source.clone(), key, version)).or_insert(at);
        }
        let keys: Vec<EventKey> = append.events.iter().map(Event::key).collect();
        let events: Vec<_> = append.events.into_iter().map(|event| self.append_event(event, at)).collect();
        let new = keys.into_iter().zip(&events).filter(|(_, (_, is_new))| *is_new);
        self.attachments.keep(&new.map(|(key, (offset, _))| (key, *offset)).collect(), append.attachments);
        Ok(Appended {
            events,
            quarantine: append.quarantine.into_iter().map(|entry| self.append_quarantine(entry, at)).collect(),
        })
    }

    fn check_move(&self, step: &CheckpointMove) -> Result<(), JournalError> {
        let from = self.checkpoints.get(&step.name).map_or(i64::MIN, |(position, _)| *position);
        if step.position >= from {
            return Ok(());
        }
        Err(JournalError::CheckpointWentBack { name: step.name.clone(), from, to: step.position })
    }

    fn append_event(&mut self, event: Event, received_at: Timestamp) -> (Offset, bool) {
        let next = Offset(self.last_offset + 1);
        let (offset, _) = *self.keys.entry(event.key()).or_insert((next, received_at));
        if offset == next {
            self.last_offset = offset.0;
            self.events.insert(offset, StoredEvent { offset, received_at, event });
        }
        (offset, offset == next)
    }

    fn append_quarantine(&mut self, entry: NewQuarantine, received_at: Timestamp) -> i64 {
        self.last_quarantine += 1;
        let id = self.last_quarantine;
        self.quarantine.insert(id, MemoryQuarantine { entry, received_at, is_open: true });
        id
    }

    pub(super) fn commit(&mut self, lease: Lease, commit: Commit) -> Result<(), JournalError> {
        let (ours, theirs) = (lease.epoch, self.epoch);
        if ours != theirs {
            return Err(JournalError::Fenced { ours, theirs });
        }
        let (from, to) = (self.decided_up_to, commit.decided_up_to.map_or(self.decided_up_to, |offset| offset.0));
        if to < from {
            return Err(JournalError::CheckpointWentBack { name: "decided_up_to".to_owned(), from, to });
        }
        self.decided_up_to = to;
        self.decided.extend(commit.decided.into_iter().map(|decided| (decided.event, decided)));
        commit.runs.into_iter().for_each(|change| self.change_run(change));
        self.episodes.retain(|id, _| !commit.closed_episodes.contains(id));
        Ok(())
    }

    fn change_run(&mut self, mut change: RunChange) {
        if let Some(episode) = change.episode.as_mut().and_then(|part| part.put.take()) {
            self.episodes.insert(episode.id.clone(), episode);
        }
        let lines = (change.timeline_from..).zip(std::mem::take(&mut change.timeline));
        if let Some(run) = self.runs.get_mut(&change.id) {
            lines.for_each(|(number, line)| _ = run.timeline.entry(number).or_insert(line));
            change.event = run.newest.event;
            change.action = run.newest.action.clone();
            run.newest = change;
            return;
        }
        self.last_run += 1;
        self.runs_of_events.insert((change.event, change.id.clone()));
        let run =
            MemoryRun { sequence: self.last_run, created_at: change.at, newest: change, timeline: lines.collect() };
        self.runs.insert(run.newest.id.clone(), run);
    }

    /// The runs of one event, in order of their identifiers.
    pub(super) fn runs_of(&self, event: Offset) -> impl Iterator<Item = &MemoryRun> {
        let from = (event, RunId::new(""));
        let of_event = self.runs_of_events.range(from..).take_while(move |(of, _)| *of == event);
        of_event.filter_map(|(_, id)| self.runs.get(id))
    }

    /// Events that nobody has decided yet.
    pub(super) fn undecided(&self) -> i64 {
        self.last_offset - self.decided_up_to
    }

    pub(super) fn retain(&mut self, retention: Retention) -> Retained {
        let events = self.retain_events(retention);
        Retained {
            events,
            attachments: self.attachments.forget_unnamed(),
            replayed: self.retain_quarantine(false, retention.events_before, retention.limit),
            quarantine: self.retain_quarantine(true, retention.quarantine_before, retention.limit),
            marks: retention.marks_before.map_or(0, |before| self.retain_marks(before, retention.limit)),
            episodes: self.retain_episodes(retention.events_before, retention.limit),
        }
    }

    fn retain_quarantine(&mut self, is_open: bool, before: Timestamp, limit: usize) -> usize {
        let old = |entry: &MemoryQuarantine| entry.is_open == is_open && entry.received_at < before;
        let ids: Vec<i64> = self.quarantine.iter().filter(|(_, e)| old(e)).map(|(id, _)| *id).take(limit).collect();
        ids.iter().filter(|id| self.quarantine.remove(id).is_some()).count()
    }

    fn retain_marks(&mut self, before: Timestamp, limit: usize) -> usize {
        let old: Vec<_> = self.marks.iter().filter(|(_, at)| **at < before).map(|(mark, _)| mark.clone()).collect();
        old.iter().take(limit).filter(|mark| self.marks.remove(mark).is_some()).count()
    }

    fn retain_episodes(&mut self, before: Timestamp, limit: usize) -> usize {
        let old = self.episodes.values().filter(|episode| episode.touched_at < before);
        let ids: Vec<EpisodeKey> = old.take(limit).map(|episode| episode.id.clone()).collect();
        ids.iter().filter(|id| self.episodes.remove(id).is_some()).count()
    }

    fn retain_events(&mut self, retention: Retention) -> usize {
        let is_old =
            |event: &&StoredEvent| event.received_at < retention.events_before && event.offset.0 <= self.decided_up_to;
        let holds = |run: &MemoryRun| run.newest.episode.as_ref().is_some_and(|part| part.holds);
        let is_over = |run: &MemoryRun| run.newest.status.is_settled() && !holds(run);
        let is_settled = |event: &&StoredEvent| self.runs_of(event.offset).all(is_over);
        let old = self.events.values().filter(is_old).filter(is_settled).map(|event| event.offset);
        let old: Vec<Offset> = old.take(retention.limit).collect();
        for offset in &old {
            self.remove_event(*offset);
        }
        let kept = &self.events;
        self.keys.retain(|_, (offset, at)| kept.contains_key(offset) || *at >= retention.keys_before);
        old.len()
    }

    fn remove_event(&mut self, offset: Offset) {
        let runs: Vec<RunId> = self.runs_of(offset).map(|run| run.newest.id.clone()).collect();
        for id in runs {
            self.runs.remove(&id);
            self.runs_of_events.remove(&(offset, id));
        }
        self.decided.remove(&offset);
        self.events.remove(&offset);
        self.attachments.forget(offset);
    }
}
