//! Bytes of the log that are no reading, as a reader of all of it has met them: told, kept for people, and counted.
//!
//! **Constraints.** The segment stays as it is until its time is over. A copy of what was met is put beside it, under a name that is
//! the same each time; where that fails, or is too much, the log of the program tells where the bytes are.

use std::sync::atomic::Ordering;

use super::log::RawLog;
use super::read::Damage;
use super::recover::QUARANTINE;

/// Most stretches of a batch that are told and kept one by one.
const MOST: usize = 16;

impl RawLog {
    /// Tells of what could not be read, and keeps its bytes.
    pub(crate) async fn set_aside(&self, damage: Vec<Damage>) {
        let more = damage.len().saturating_sub(MOST);
        for found in damage.into_iter().take(MOST) {
            self.set_one_aside(found).await;
        }
        if more > 0 {
            tracing::error!(more, "further bytes behind these are no readings; they are not kept one by one");
        }
    }

    async fn set_one_aside(&self, damage: Damage) {
        let Damage { segment, offset, bytes, fault } = damage;
        let length = bytes.len();
        tracing::error!(%segment, offset, bytes = length, %fault, "bytes of the raw log are no reading");
        if length == 0 {
            return;
        }
        let path = format!("{QUARANTINE}/{segment}.{offset}.damaged");
        if let Err(error) = self.with_disk(move |disk| disk.replace(&path, &bytes)).await {
            tracing::warn!(%error, "they are not kept in {QUARANTINE}/");
        }
    }

    /// `missing`: ids that no readable line has, of all readings that the lake has read.
    pub(crate) fn met_missing(&self, missing: u64) {
        self.met_missing.store(missing, Ordering::Relaxed);
    }
}
