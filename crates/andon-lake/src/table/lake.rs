//! The lake as others see it: open, write, look after, ask.

use std::sync::Arc;

use andon_model::{Clock, Problem};
use object_store::ObjectStore;
use parking_lot::RwLock;
use tokio::sync::Mutex;

use super::LakeError;
use super::counted::Surplus;
use super::origin::{Origin, check_whole};
use super::schema::{columns_of, quarantine_columns};
use super::settings::{LakeSettings, QUARANTINE};
use super::state::State;
use super::tables::Tables;
use super::writer::LakeWriter;
use crate::raw::{Archive, RawLog};
use crate::sql::SqlEngine;

/// What the lake, its writer and its queries share.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) settings: LakeSettings,
    pub(crate) tables: Tables,
    /// As it was saved last.
    state: RwLock<Arc<State>>,
    /// Held by whoever moves the state on.
    pub(crate) moving: Mutex<()>,
    /// Held by whoever changes the values of assets.
    pub(crate) valuing: Mutex<()>,
    /// What the tables had beside the state when they were compared last.
    pub(crate) surplus: RwLock<Surplus>,
}

impl Shared {
    async fn open(
        store: Arc<dyn ObjectStore>,
        log: &Arc<RawLog>,
        clock: Arc<dyn Clock>,
        settings: LakeSettings,
    ) -> Result<Self, LakeError> {
        settings.check()?;
        let found = State::load(&store, &settings.root).await?;
        let is_known = found.is_some();
        let origin = Origin::of(log).await?;
        let state = origin.adopt(found.unwrap_or_else(|| State::new(&settings.root)))?;
        let tables = Tables::new(Arc::clone(&store), clock);
        let state = RwLock::new(Arc::new(state));
        let (moving, valuing) = (Mutex::new(()), Mutex::new(()));
        let shared = Self { store, settings, tables, state, moving, valuing, surplus: RwLock::default() };
        if !is_known {
            let state = shared.state_of_tables(log).await?;
            // Before there is anything: whoever else is told to use this place finds whose it is.
            shared.save(state).await?;
        }
        shared.ready().await?;
        Ok(shared)
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read())
    }

    /// Saves `state`, and only then shows it.
    pub(crate) async fn save(&self, state: State) -> Result<(), LakeError> {
        state.save(&self.store).await?;
        *self.state.write() = Arc::new(state);
        Ok(())
    }

    /// Opens the tables of the state, makes those that always are there, and ends a clearing that was cut off.
    async fn ready(&self) -> Result<(), LakeError> {
        let state = self.state();
        let app = state.app();
        if let Some(before) = &state.clearing {
            self.tables.open_all(before, &app).await?;
        }
        self.tables.open_all(&state.schema, &app).await?;
        self.open_values().await?;
        self.finish_clearing().await?;
        let keep = self.settings.keep;
        self.tables.expect(QUARANTINE)?.make(&quarantine_columns(), keep).await?;
        let root = &state.schema.tables[0];
        self.tables.expect(&root.name)?.make(&columns_of(root), keep).await
    }
}

/// Readings as tables.
pub struct DeltaLake {
    pub(crate) shared: Arc<Shared>,
    pub(crate) sql: SqlEngine,
    pub(crate) log: Arc<RawLog>,
}

impl DeltaLake {
    /// Opens the lake of the readings of `log` in `store`, or begins one. Refuses a lake of another log, and one that has
    /// readings which `log` does not have. `store` has the lake at its root; wrap a
    /// [`object_store::prefix::PrefixStore`] around a bucket, and for a local folder take a [`super::SyncedFolder`].
    pub async fn open(
        store: Arc<dyn ObjectStore>,
        log: Arc<RawLog>,
        clock: Arc<dyn Clock>,
        settings: LakeSettings,
    ) -> Result<Self, Problem> {
        let shared = Arc::new(Shared::open(store, &log, clock, settings).await?);
        let sql = SqlEngine::new(Arc::clone(&shared))?;
        log.met_missing(shared.state().missing_in_log());
        Ok(Self { shared, sql, log })
    }

    /// What moves readings from the raw log into the tables; `archive` where segments may have gone. One at a time.
    pub fn writer(&self, archive: Option<Archive>) -> LakeWriter {
        LakeWriter::new(Arc::clone(&self.shared), Arc::clone(&self.log), archive)
    }

    /// Starts over: takes all rows away, so that the writer makes the tables again from the raw log and its archive;
    /// the values of assets become a gap that whoever computes them has to fill.
    /// Older versions can still be travelled back to. Refused with [`andon_model::Code::Conflict`] where the
    /// raw log no longer has every reading that the tables have, as far as names and ends of segments tell.
    pub async fn rebuild(&self) -> Result<(), Problem> {
        let _moving = self.shared.moving.lock().await;
        // What an attempt before could not take away has names that the next state does not know.
        self.shared.finish_clearing().await?;
        let state = self.shared.state();
        check_whole(&state, &self.log).await?;
        self.shared.clear_values().await?;
        self.shared.save(state.anew()).await?;
        self.shared.finish_clearing().await?;
        Ok(())
    }
}
