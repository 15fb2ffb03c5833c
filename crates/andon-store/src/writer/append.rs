//! Appends: offsets, duplicates, attachments, quarantine, marks, checkpoints.

use std::collections::HashMap;
use std::sync::LazyLock;

use andon_journal::{Append, Appended, CheckpointMove, JournalError, Mark, NewQuarantine};
use andon_model::{Event, Name, Offset};
use sqlx::Arguments as _;

use super::attachments::append_attachments;
use crate::bulk::Bulk;
use crate::database::Write;
use crate::digest;
use crate::error::{Fault, to_json};
use crate::head::count;
use crate::text::escape;

static KNOWN_KEYS: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("SELECT digest, event_offset FROM event_keys WHERE digest IN (", 1, ")"));
static EVENTS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = "event_offset, received_at, source, event_id, kind, subject, body";
    Bulk::new(&format!("INSERT INTO events ({columns}) VALUES"), 7, "")
});
static KEYS: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("INSERT INTO event_keys (digest, event_offset, received_at) VALUES", 3, ""));
static QUARANTINE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = "id, source, problem, content_type, headers, path, received_at, is_open, size, raw";
    Bulk::new(&format!("INSERT INTO quarantine ({columns}) VALUES"), 10, "")
});
static MARKS: LazyLock<Bulk> = LazyLock::new(|| {
    let before = "INSERT INTO marks (digest, source, object_key, version, marked_at) VALUES";
    Bulk::new(before, 5, "ON CONFLICT (digest) DO NOTHING")
});
static POSITIONS: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("SELECT name, position FROM checkpoints WHERE name IN (", 1, ")"));
static CHECKPOINTS: LazyLock<Bulk> = LazyLock::new(|| {
    let after = "ON CONFLICT (name) DO UPDATE SET position = excluded.position, note = excluded.note";
    Bulk::new("INSERT INTO checkpoints (name, position, note) VALUES", 3, after)
});

/// Stores `appends` in order and says what became of each.
pub(super) async fn append_all(write: &mut Write<'_>, appends: &[&Append]) -> Result<Vec<Appended>, Fault> {
    let events = append_events(write, appends).await?;
    append_attachments(write, appends, &events).await?;
    let mut events = events.into_iter();
    let mut quarantine = append_quarantine(write, appends).await?;
    append_marks(write, appends).await?;
    move_checkpoints(write, appends).await?;
    let appended = appends.iter().map(|append| Appended {
        events: events.by_ref().take(append.events.len()).collect(),
        quarantine: quarantine.by_ref().take(append.quarantine.len()).collect(),
    });
    Ok(appended.collect())
}

/// An event that is to be stored under a new offset.
struct NewEvent<'a> {
    offset: i64,
    received_at: i64,
    digest: Vec<u8>,
    event: &'a Event,
}

/// For every event of every append in order: its offset, and whether it is new.
async fn append_events(write: &mut Write<'_>, appends: &[&Append]) -> Result<Vec<(Offset, bool)>, Fault> {
    let incoming: Vec<(Vec<u8>, i64, &Event)> = appends
        .iter()
        .flat_map(|append| append.events.iter().map(|e| (digest::of_event(&e.key()), append.at.as_micros(), e)))
        .collect();
    let known = KNOWN_KEYS.fetch(&mut write.connection, &incoming, |(digest, ..), a| a.add(digest.clone())).await?;
    let mut offsets: HashMap<Vec<u8>, i64> = known.into_iter().collect();
    let (mut places, mut new) = (Vec::with_capacity(incoming.len()), Vec::new());
    for (digest, received_at, event) in incoming {
        if let Some(&offset) = offsets.get(&digest) {
            places.push((Offset(offset), false));
            continue;
        }
        write.head.last_offset += 1;
        let offset = write.head.last_offset;
        places.push((Offset(offset), true));
        offsets.insert(digest.clone(), offset);
        new.push(NewEvent { offset, received_at, digest, event });
    }
    insert_events(write, &new).await?;
    Ok(places)
}

async fn insert_events(write: &mut Write<'_>, new: &[NewEvent<'_>]) -> Result<(), Fault> {
    write.head.events_kept += count(new.len());
    EVENTS
        .execute(&mut write.connection, new, |row, a| {
            a.add(row.offset)?;
            a.add(row.received_at)?;
            a.add(&*escape(&row.event.source))?;
            a.add(&*escape(&row.event.id))?;
            a.add(&*escape(&row.event.kind))?;
            a.add(row.event.subject.as_deref().map(|s| escape(s).into_owned()))?;
            a.add(to_json(row.event)?)
        })
        .await?;
    KEYS.execute(&mut write.connection, new, |row, a| {
        a.add(row.digest.clone())?;
        a.add(row.offset)?;
        a.add(row.received_at)
    })
    .await?;
    Ok(())
}

/// The identifiers given, in order.
async fn append_quarantine(write: &mut Write<'_>, appends: &[&Append]) -> Result<std::ops::RangeInclusive<i64>, Fault> {
    let first = write.head.last_quarantine + 1;
    let entries = appends.iter().flat_map(|append| append.quarantine.iter().map(|q| (append.at.as_micros(), q)));
    let rows: Vec<(i64, (i64, &NewQuarantine))> = (first..).zip(entries).collect();
    write.head.last_quarantine += count(rows.len());
    QUARANTINE
        .execute(&mut write.connection, &rows, |(id, (received_at, entry)), a| {
            a.add(*id)?;
            a.add(entry.source.as_str())?;
            a.add(to_json(&entry.problem)?)?;
            a.add(entry.content_type.as_deref().map(|t| escape(t).into_owned()))?;
            a.add(to_json(&entry.headers)?)?;
            a.add(&*escape(&entry.path))?;
            a.add(*received_at)?;
            a.add(1_i64)?;
            a.add(count(entry.raw.len()))?;
            a.add(&entry.raw[..])
        })
        .await?;
    Ok(first..=write.head.last_quarantine)
}

async fn append_marks(write: &mut Write<'_>, appends: &[&Append]) -> Result<(), Fault> {
    let rows: Vec<(Option<&Name>, i64, &Mark)> = appends
        .iter()
        .flat_map(|append| append.marks.iter().map(|m| (append.source.as_ref(), append.at.as_micros(), m)))
        .collect();
    MARKS
        .execute(&mut write.connection, &rows, |(source, at, mark), a| {
            a.add(digest::of_mark(*source, mark))?;
            a.add(source.map_or("", Name::as_str))?;
            a.add(&*escape(&mark.key))?;
            a.add(&*escape(&mark.version))?;
            a.add(*at)
        })
        .await?;
    Ok(())
}

/// Moves every checkpoint to where the last append wants it; none may go back on the way (J2).
async fn move_checkpoints(write: &mut Write<'_>, appends: &[&Append]) -> Result<(), Fault> {
    let moves: Vec<&CheckpointMove> = appends.iter().filter_map(|append| append.checkpoint.as_ref()).collect();
    let stored = POSITIONS.fetch(&mut write.connection, &moves, |m, a| a.add(&*escape(&m.name))).await?;
    let mut positions: HashMap<String, i64> = stored.into_iter().collect();
    let mut last: HashMap<&str, &CheckpointMove> = HashMap::new();
    for step in moves {
        let position = positions.entry(escape(&step.name).into_owned()).or_insert(step.position);
        if step.position < *position {
            let (from, to) = (*position, step.position);
            return Err(JournalError::CheckpointWentBack { name: step.name.clone(), from, to }.into());
        }
        *position = step.position;
        last.insert(&step.name, step);
    }
    let rows: Vec<&CheckpointMove> = last.into_values().collect();
    CHECKPOINTS
        .execute(&mut write.connection, &rows, |step, a| {
            a.add(&*escape(&step.name))?;
            a.add(step.position)?;
            a.add(&*escape(&step.note))
        })
        .await?;
    Ok(())
}
