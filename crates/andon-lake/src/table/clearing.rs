//! Taking the rows of an earlier generation away, so that the tables are made anew from the raw log.
//!
//! **Constraints.** Nobody appends before this has come to its end. It may be cut off anywhere and is begun again: a table
//! that is cleared carries the mark of its generation, so each is cleared once. Rows that no mark of the generation tells of
//! are left from one before, and go before the first append.

use andon_model::IngestId;

use super::LakeError;
use super::delta::{LakeTable, Mark};
use super::lake::Shared;
use super::schema::{DeltaColumn, columns_of, ingest_id, quarantine_columns};
use super::settings::QUARANTINE;
use super::state::State;
use crate::flatten::Table;

impl Shared {
    /// Takes the rows of the generation before away, table by table; called by who holds `moving`, or opens the lake.
    pub(crate) async fn finish_clearing(&self) -> Result<(), LakeError> {
        let state = self.state();
        if state.clearing.is_none() {
            return Ok(());
        }
        let app = state.app();
        for table in self.tables.of_readings() {
            table.refresh(&[&app]).await?;
            if table.behind(&app) < ingest_id(IngestId::FIRST) {
                clear(&table, &app).await?;
            }
        }
        self.save(State { clearing: None, ..State::clone(&state) }).await
    }
}

/// Takes rows away that were there before the generation `app` had any. The table's newest version must be known.
pub(crate) async fn clear_unmarked(table: &LakeTable, app: &str) -> Result<(), LakeError> {
    let has_rows = table.state().is_some_and(|state| state.log_data().num_files() > 0);
    if has_rows && table.behind(app) < ingest_id(IngestId::FIRST) {
        tracing::warn!(table = table.name(), "rows of an earlier generation of the lake are taken away");
        clear(table, app).await?;
    }
    Ok(())
}

/// At the beginning of a generation no reading is in: its first id is what a cleared table may lack.
async fn clear(table: &LakeTable, app: &str) -> Result<(), LakeError> {
    let columns = if table.name() == QUARANTINE { quarantine_columns() } else { bare(table) };
    table.clear(&[Mark { app, behind: ingest_id(IngestId::FIRST) }], &columns).await
}

/// The fixed columns of a table whose payload columns are to be found anew.
fn bare(table: &LakeTable) -> Vec<DeltaColumn> {
    let is_child = table.state().is_some_and(|state| state.schema().field("topic").is_none());
    let parent = is_child.then_some((0, 0));
    columns_of(&Table { name: table.name().to_owned(), parent, columns: Vec::new() })
}
