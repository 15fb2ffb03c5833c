//! The ports of `andon-journal`, one file each; the longer lists of `Views` have files of their own. And the port of
//! `andon-devices`, in a folder.

mod attachments;
mod configurations;
pub(crate) mod door_memory;
mod episodes;
mod events;
mod journal;
mod quarantine;
mod registry;
mod runs;
mod secrets;
mod tokens;
mod views;

use andon_journal::{JournalError, Page};
use andon_model::{Name, Timestamp};

use crate::error::corrupt;

/// Most rows in a page.
const MAX_PAGE: usize = 1_000;

/// Rows asked of the database for a page of `limit`: one more shows whether there is a next page.
fn rows_to_fetch(limit: usize) -> i64 {
    i64::try_from(limit.clamp(1, MAX_PAGE)).unwrap_or_default() + 1
}

/// Cuts what [`rows_to_fetch`] brought to a page; `position` is what a row is listed by.
fn page<T>(mut rows: Vec<T>, limit: usize, position: impl Fn(&T) -> i64) -> Page<T> {
    let limit = limit.clamp(1, MAX_PAGE);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(position);
    Page { rows, next }
}

fn name(text: &str) -> Result<Name, JournalError> {
    Name::new(text).map_err(|cause| corrupt("a name", &cause))
}

/// Reads JSON that this program wrote.
fn from_json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, JournalError> {
    serde_json::from_str(text).map_err(|cause| corrupt(what, &cause))
}

fn timestamp(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}
