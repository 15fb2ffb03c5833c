//! Up to where the lake is complete, and the names that it has: `_andon/state.json`.
//!
//! **Constraints.** Replaced as a whole, after the tables that it speaks of. Of what the tables have beyond it, their
//! own marks tell.

use std::sync::Arc;

use andon_model::IngestId;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use serde::{Deserialize, Serialize};

use super::LakeError;
use crate::flatten::Schema;
use crate::raw::{LogId, Position};

pub(super) const STATE: &str = "_andon/state.json";

/// What is kept beside the tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// Version of the format: 1.
    pub(super) v: u8,
    /// The raw log whose readings these are; states that were saved before logs had ids do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<LogId>,
    /// How often the lake was begun; part of the consumer's name in the tables' marks.
    pub(crate) generation: u32,
    /// The names of the generation before, while its rows may still be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clearing: Option<Schema>,
    /// The first reading that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) begin: Option<IngestId>,
    /// Everything before is in the tables.
    pub(crate) position: Position,
    /// Readings with a row in the root table.
    pub(crate) readings: u64,
    /// Readings in the quarantine.
    pub(crate) quarantined: u64,
    /// Ids that no readable line of the raw log has.
    pub(crate) missing: u64,
    /// Names of tables and columns.
    pub(crate) schema: Schema,
}

impl State {
    /// Of a lake that has nothing.
    pub(crate) fn new(root: &str) -> Self {
        Self {
            v: 1,
            log: None,
            generation: 1,
            clearing: None,
            begin: None,
            position: Position::BEGIN,
            readings: 0,
            quarantined: 0,
            missing: 0,
            schema: Schema::new(root),
        }
    }

    /// The beginning of the next generation, whose tables have to be cleared.
    pub(crate) fn anew(&self) -> Self {
        let root = self.schema.tables.first().map_or("", |root| &root.name);
        let (log, clearing) = (self.log.clone(), Some(self.schema.clone()));
        Self { log, generation: self.generation + 1, clearing, ..Self::new(root) }
    }

    /// The consumer's name in the tables' marks.
    pub(crate) fn app(&self) -> String {
        Self::app_of(self.generation)
    }

    /// As [`State::app`], of any generation.
    pub(crate) fn app_of(generation: u32) -> String {
        format!("andon-{generation}")
    }

    /// Readings that the raw log should have and had not; those that it had forgotten before the lake began are no loss.
    pub(crate) fn missing_in_log(&self) -> u64 {
        let forgotten = self.begin.map_or(0, |begin| begin.0.saturating_sub(IngestId::FIRST.0));
        self.missing.saturating_sub(forgotten)
    }

    /// Invariant R1: what was read is in the tables, in the quarantine, or known to be missing.
    pub(crate) fn adds_up(&self) -> bool {
        self.position.next.0 - IngestId::FIRST.0 == self.readings + self.quarantined + self.missing
    }

    /// What was saved last; `None` in a new lake, and where the file was cut off or its bytes have become others. One that can be
    /// read and says what this program does not know is refused: another version has written it.
    pub(crate) async fn load(store: &Arc<dyn ObjectStore>, root: &str) -> Result<Option<Self>, LakeError> {
        let bytes = match store.get(&Path::from(STATE)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(cause) => return Err(failed(cause)),
            Ok(found) => found.bytes().await.map_err(failed)?,
        };
        let refused = |detail: String| LakeError::State { path: STATE.to_owned(), detail };
        let state: Self = match serde_json::from_slice(&bytes) {
            Err(error) if !error.is_data() => {
                tracing::error!(%error, path = STATE, "the lake's state cannot be read");
                return Ok(None);
            }
            read => read.map_err(|e| refused(e.to_string()))?,
        };
        match state.schema.tables.first() {
            _ if state.v != 1 => Err(refused(format!("its version is {}, not 1", state.v))),
            Some(found) if found.name == root => Ok(Some(state)),
            found => Err(refused(format!(
                "the lake has the root table {:?}, the settings say {root:?}",
                found.map(|table| table.name.as_str()).unwrap_or_default()
            ))),
        }
    }

    /// Durable when this returns.
    pub(crate) async fn save(&self, store: &Arc<dyn ObjectStore>) -> Result<(), LakeError> {
        let refused = |e: serde_json::Error| LakeError::State { path: STATE.to_owned(), detail: e.to_string() };
        let bytes = serde_json::to_vec(self).map_err(refused)?;
        store.put(&Path::from(STATE), bytes.into()).await.map(|_| ()).map_err(failed)
    }
}

fn failed(cause: object_store::Error) -> LakeError {
    LakeError::Store { path: STATE.to_owned(), cause }
}
