//! Attachments of the events that an append brings.
//!
//! Bytes may be large: each new content is a statement of its own, so that no more than one is copied for the
//! database at a time, and content that is known is not sent again.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use andon_journal::{Append, NewAttachment};
use andon_model::{EventKey, Offset};
use sqlx::{Arguments as _, query};

use crate::bulk::Bulk;
use crate::database::Write;
use crate::error::Fault;
use crate::head::count;
use crate::text::escape;

const CONTENT: &str = "INSERT INTO attachments (digest, size, content) VALUES ($1, $2, $3)";

static KNOWN: LazyLock<Bulk> = LazyLock::new(|| Bulk::new("SELECT digest FROM attachments WHERE digest IN (", 1, ")"));
static NAMES: LazyLock<Bulk> = LazyLock::new(|| {
    let before = "INSERT INTO event_attachments (event_offset, digest, name, content_type) VALUES";
    Bulk::new(before, 4, "ON CONFLICT (event_offset, digest) DO NOTHING")
});

/// Stores what belongs to new events; `places` says of every event of every append what became of it.
pub(super) async fn append_attachments(
    write: &mut Write<'_>,
    appends: &[&Append],
    places: &[(Offset, bool)],
) -> Result<(), Fault> {
    let rows = of_new_events(appends, places);
    if rows.is_empty() {
        return Ok(());
    }
    insert_contents(write, &rows).await?;
    NAMES
        .execute(&mut write.connection, &rows, |(offset, attachment), a| {
            a.add(offset.0)?;
            a.add(attachment.digest.as_str())?;
            a.add(&*escape(&attachment.name))?;
            a.add(&*escape(&attachment.content_type))
        })
        .await?;
    Ok(())
}

/// The attachments whose event is new in its append, with the event's offset.
fn of_new_events<'a>(appends: &[&'a Append], mut places: &[(Offset, bool)]) -> Vec<(Offset, &'a NewAttachment)> {
    let mut rows = Vec::new();
    for append in appends {
        let (own, rest) = places.split_at(append.events.len().min(places.len()));
        places = rest;
        if append.attachments.is_empty() {
            continue;
        }
        let new = append.events.iter().zip(own).filter(|(_, (_, is_new))| *is_new);
        let offsets: HashMap<EventKey, Offset> = new.map(|(event, (offset, _))| (event.key(), *offset)).collect();
        let owned = append.attachments.iter();
        rows.extend(owned.filter_map(|attachment| Some((*offsets.get(&attachment.event)?, attachment))));
    }
    rows
}

async fn insert_contents(write: &mut Write<'_>, rows: &[(Offset, &NewAttachment)]) -> Result<(), Fault> {
    let known =
        KNOWN.fetch(&mut write.connection, rows, |(_, attachment), a| a.add(attachment.digest.as_str())).await?;
    let mut known: HashSet<String> = known.into_iter().map(|(digest,): (String,)| digest).collect();
    for (_, attachment) in rows {
        if !known.insert(attachment.digest.clone()) {
            continue;
        }
        let insert = query(CONTENT).bind(attachment.digest.as_str()).bind(count(attachment.bytes.len()));
        insert.bind(&attachment.bytes[..]).execute(&mut write.connection).await?;
    }
    Ok(())
}
