//! A lake whose state is gone or cut off: its tables are made anew, in a generation that none of their marks is of.
//!
//! **Constraints.** Which names the tables have, and up to where each is complete, is in the state alone. So the rows go,
//! and come back from the raw log; where that no longer has them all, the lake is not opened.

use andon_model::IngestId;

use super::LakeError;
use super::delta::LakeTable;
use super::lake::Shared;
use super::schema::ingest_id;
use super::settings::QUARANTINE;
use super::state::{STATE, State};
use crate::flatten::Schema;
use crate::raw::RawLog;

/// Generations without a mark in the root table that may lie between two that have one: they were begun and got no reading.
const MAX_UNMARKED: u32 = 8;

impl Shared {
    /// The state of a lake that had none: the first if there are no rows, else one that has the tables made anew.
    pub(crate) async fn state_of_tables(&self, log: &RawLog) -> Result<State, LakeError> {
        let state = self.state();
        self.tables.open_all(&state.schema, &state.app()).await?;
        let (root, quarantine) = (self.tables.expect(&self.settings.root)?, self.tables.expect(QUARANTINE)?);
        let Some((generation, behind)) = last_generation(&root).await? else { return Ok(State::clone(&state)) };
        let first = root.first_id().into_iter().chain(quarantine.first_id()).min().unwrap_or(behind);
        let is_short = first < ingest_id(log.oldest().next) || behind > ingest_id(log.next());
        if is_short || !log.lacking(place(first), place(behind)).await?.is_empty() {
            return Err(LakeError::State { path: STATE.to_owned(), detail: refused(first, behind, log) });
        }
        tracing::warn!(
            generation = generation + 1,
            "the lake's state is lost: its tables are made anew from the raw log, from reading {first} on"
        );
        let clearing = Some(Schema::new(&self.settings.root));
        Ok(State { generation: generation + 1, clearing, ..State::clone(&state) })
    }
}

fn place(id: i64) -> IngestId {
    IngestId(u64::try_from(id).unwrap_or_default())
}

/// The newest generation that the table has rows of, and its mark.
async fn last_generation(root: &LakeTable) -> Result<Option<(u32, i64)>, LakeError> {
    let mut found = None;
    let mut generation = 1;
    while generation <= found.map_or(0, |(last, _)| last) + MAX_UNMARKED {
        let mark = root.mark(&State::app_of(generation)).await?;
        found = mark.map(|mark| (generation, mark)).or(found);
        generation += 1;
    }
    Ok(found)
}

fn refused(first: i64, behind: i64, log: &RawLog) -> String {
    let (oldest, last) = (log.oldest().next, log.next().0.saturating_sub(1));
    format!(
        "it is lost, the tables have readings from {first} to {}, and the raw log only those from {oldest} to {last}, so they \
         cannot be made anew: bring the file back from a copy, or name another place for the lake in [lake] to",
        behind.saturating_sub(1)
    )
}
