//! Readings as the tables have them, beside what the state says: the right side of invariant R1.
//!
//! **Constraints.** The state counts what was read and written; only the tables tell what is there. They are compared while
//! nobody writes: in the middle of a batch the tables are ahead, and what was found last holds.

use std::sync::Arc;

use super::lake::Shared;
use super::schema::ingest_id;
use super::settings::QUARANTINE;
use super::state::State;

/// Rows that the tables have beyond those that the state counts; below zero, rows that they lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Surplus {
    readings: i64,
    quarantined: i64,
}

/// Readings before the place of `state`.
pub(crate) struct Counted {
    pub(crate) state: Arc<State>,
    /// Rows of the root table.
    pub(crate) readings: u64,
    /// Rows of the quarantine.
    pub(crate) quarantined: u64,
}

impl Shared {
    /// Counts by the tables' own logs. Reads nothing from the store and waits for nobody.
    pub(crate) fn counted(&self) -> Counted {
        let moving = self.moving.try_lock();
        let state = self.state();
        if moving.is_ok()
            && let Some(surplus) = self.compare(&state)
        {
            *self.surplus.write() = surplus;
        }
        let Surplus { readings, quarantined } = *self.surplus.read();
        let readings = state.readings.saturating_add_signed(readings);
        let quarantined = state.quarantined.saturating_add_signed(quarantined);
        Counted { state, readings, quarantined }
    }

    /// `None` where the tables are not at the place of the state.
    fn compare(&self, state: &State) -> Option<Surplus> {
        let app = state.app();
        let rows = |name: &str| self.tables.get(name)?.rows_before(&app, ingest_id(state.position.next));
        if state.clearing.is_some() {
            return None;
        }
        let beyond = |rows: u64, counted: u64| rows.cast_signed() - counted.cast_signed();
        Some(Surplus {
            readings: beyond(rows(&self.settings.root)?, state.readings),
            quarantined: beyond(rows(QUARANTINE)?, state.quarantined),
        })
    }
}
