//! Whose readings a lake has: those of one raw log, which has them all.
//!
//! **Constraints.** A lake is told from those of other logs by the log's id, which its state keeps from the first save on.
//! A lake that is ahead of its log would take no reading until the log is there too, and then lack those in between.

use std::sync::Arc;

use andon_model::IngestId;

use super::LakeError;
use super::state::State;
use crate::raw::{Lacking, LogId, RawLog, ReadError};

/// What there is of the raw log.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    id: LogId,
    /// The place behind its last durable reading.
    next: IngestId,
}

impl Origin {
    pub(crate) async fn of(log: &Arc<RawLog>) -> Result<Self, LakeError> {
        let asked = Arc::clone(log);
        let id = tokio::task::spawn_blocking(move || asked.id()).await?;
        Ok(Self { id: id.map_err(ReadError::Disk)?, next: log.next() })
    }

    /// `state` as that of a lake of this log, if it can be that. One that names no log yet is of this one.
    pub(crate) fn adopt(&self, state: State) -> Result<State, LakeError> {
        let Self { id, next } = self;
        if let Some(other) = state.log.as_ref().filter(|other| *other != id) {
            return Err(LakeError::Origin(format!(
                "the lake is of the raw log {other}, and this is the raw log {id}: bring that one back, or name another \
                 place for the lake of this one in [lake] to"
            )));
        }
        if state.position.next > *next {
            return Err(LakeError::Origin(format!(
                "the lake has the readings before {}, and the raw log has only those before {next}: bring the raw log \
                 back that has them, or name another place for the lake in [lake] to",
                state.position.next
            )));
        }
        Ok(State { log: Some(id.clone()), ..state })
    }
}

/// Refuses to take rows away that `log` cannot give back. As many readings may be absent as the tables lack already, of those
/// that were read.
pub(crate) async fn check_whole(state: &State, log: &RawLog) -> Result<(), LakeError> {
    let Some(begin) = state.begin else { return Ok(()) };
    let lacking = log.lacking(begin, state.position.next).await?;
    let count: u64 = lacking.iter().map(|lacking| lacking.count()).sum();
    let Some(Lacking { first, end }) = lacking.first().filter(|_| count > state.missing_in_log()) else {
        return Ok(());
    };
    let last = end.0.saturating_sub(1);
    Err(LakeError::Lacking(format!(
        "the raw log has {count} of the readings no more that the tables have, those from {first} to {last} first: their rows \
         would be lost"
    )))
}
