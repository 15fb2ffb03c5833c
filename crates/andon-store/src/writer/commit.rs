//! Commits: fencing, decisions, runs, timeline, the checkpoint of deciding.

use std::collections::HashMap;
use std::sync::LazyLock;

use andon_journal::{Commit, Decided, JournalError, Lease, RunChange};
use andon_model::{TimelineEntry, Timestamp};
use sqlx::any::AnyArguments;
use sqlx::error::BoxDynError;
use sqlx::{Arguments as _, query_as};

use super::episodes::write_episodes;
use crate::bulk::Bulk;
use crate::database::Write;
use crate::error::{Fault, to_json};
use crate::head::count;
use crate::text::escape;

static DECISIONS: LazyLock<Bulk> = LazyLock::new(|| {
    let after = "ON CONFLICT (event_offset) DO UPDATE SET decided_at = excluded.decided_at, \
         decisions = excluded.decisions, failure = excluded.failure";
    Bulk::new("INSERT INTO decisions (event_offset, decided_at, decisions, failure) VALUES", 4, after)
});
/// A run keeps its sequence number, event and action for life.
static RUNS: LazyLock<Bulk> = LazyLock::new(|| {
    let before = "INSERT INTO runs (sequence, id, event_offset, action, revision, subject, status, due, state, \
         documents, summary, created_at, updated_at, episode, holds_episode) VALUES";
    let after = "ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, subject = excluded.subject, \
         status = excluded.status, due = excluded.due, state = excluded.state, documents = excluded.documents, \
         summary = excluded.summary, updated_at = excluded.updated_at, \
         episode = excluded.episode, holds_episode = excluded.holds_episode";
    Bulk::new(before, 15, after)
});
static TIMELINE: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new("INSERT INTO timeline (event_offset, run_id, entry, body) VALUES", 4, "ON CONFLICT DO NOTHING")
});

/// Writes `commits` in order, if every lease still holds.
pub(super) async fn commit_all(write: &mut Write<'_>, commits: &[(Lease, &Commit)]) -> Result<(), Fault> {
    for (lease, commit) in commits {
        check_lease(*lease, write.head.epoch)?;
        commit.decided_up_to.map_or(Ok(()), |offset| write.head.decide_up_to(offset.0))?;
    }
    write_decisions(write, commits).await?;
    write_runs(write, commits).await?;
    write_episodes(write, commits).await?;
    write_timeline(write, commits).await
}

fn check_lease(lease: Lease, theirs: i64) -> Result<(), JournalError> {
    let ours = lease.epoch;
    if ours == theirs { Ok(()) } else { Err(JournalError::Fenced { ours, theirs }) }
}

async fn write_decisions(write: &mut Write<'_>, commits: &[(Lease, &Commit)]) -> Result<(), Fault> {
    let all = commits.iter().flat_map(|(_, commit)| &commit.decided);
    let newest: HashMap<i64, &Decided> = all.map(|decided| (decided.event.0, decided)).collect();
    let mut rows: Vec<&Decided> = newest.into_values().collect();
    rows.sort_unstable_by_key(|decided| decided.event);
    DECISIONS
        .execute(&mut write.connection, &rows, |decided, a| {
            a.add(decided.event.0)?;
            a.add(decided.at.as_micros())?;
            a.add(to_json(&decided.decisions)?)?;
            a.add(decided.failure.as_ref().map(to_json).transpose()?)
        })
        .await?;
    Ok(())
}

/// A run to write: its newest change, and when it was first mentioned.
struct RunRow<'a> {
    sequence: i64,
    created_at: i64,
    change: &'a RunChange,
}

/// One row per run, in the order in which the runs are mentioned first; later changes win.
fn newest_changes<'a>(after: i64, commits: &[(Lease, &'a Commit)]) -> Vec<RunRow<'a>> {
    let mut rows: Vec<RunRow<'a>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for change in commits.iter().flat_map(|(_, commit)| &commit.runs) {
        let place = *places.entry(change.id.as_str()).or_insert(rows.len());
        if let Some(row) = rows.get_mut(place) {
            row.change = change;
        } else {
            rows.push(RunRow { sequence: after + 1 + count(place), created_at: change.at.as_micros(), change });
        }
    }
    rows
}

/// Each row proposes the next sequence number; a known run keeps its own. Numbers above the old
/// highest are therefore exactly the new runs.
async fn write_runs(write: &mut Write<'_>, commits: &[(Lease, &Commit)]) -> Result<(), Fault> {
    let rows = newest_changes(write.head.last_run, commits);
    if rows.is_empty() {
        return Ok(());
    }
    RUNS.execute(&mut write.connection, &rows, bind_run).await?;
    let new_runs = "SELECT COUNT(*), COALESCE(MAX(sequence), 0) FROM runs WHERE sequence > $1";
    let (new, last): (i64, i64) = query_as(new_runs).bind(write.head.last_run).fetch_one(&mut write.connection).await?;
    write.head.runs_kept += new;
    write.head.last_run = write.head.last_run.max(last);
    Ok(())
}

fn bind_run(row: &RunRow<'_>, a: &mut AnyArguments) -> Result<(), BoxDynError> {
    let change = row.change;
    a.add(row.sequence)?;
    a.add(change.id.as_str())?;
    a.add(change.event.0)?;
    a.add(change.action.as_str())?;
    a.add(change.revision)?;
    a.add(&*escape(&change.subject))?;
    a.add(change.status.as_str())?;
    a.add(change.due.map(Timestamp::as_micros))?;
    a.add(&*escape(&change.state))?;
    a.add(&*escape(&change.documents))?;
    a.add(&*escape(&change.summary))?;
    a.add(row.created_at)?;
    a.add(change.at.as_micros())?;
    a.add(change.episode.as_ref().map(|part| escape(&part.key).into_owned()))?;
    a.add(i64::from(change.episode.as_ref().is_some_and(|part| part.holds)))
}

/// Lines that a repeated commit brings again are known by their number and stay as they are.
async fn write_timeline(write: &mut Write<'_>, commits: &[(Lease, &Commit)]) -> Result<(), Fault> {
    let changes = commits.iter().flat_map(|(_, commit)| &commit.runs);
    let rows: Vec<(&RunChange, i64, &TimelineEntry)> = changes
        .flat_map(|change| {
            let numbers = i64::from(change.timeline_from)..;
            numbers.zip(&change.timeline).map(move |(number, entry)| (change, number, entry))
        })
        .collect();
    TIMELINE
        .execute(&mut write.connection, &rows, |(change, number, entry), a| {
            a.add(change.event.0)?;
            a.add(change.id.as_str())?;
            a.add(*number)?;
            a.add(to_json(entry)?)
        })
        .await?;
    Ok(())
}
