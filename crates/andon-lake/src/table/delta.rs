//! One Delta table: its newest version in memory, and appends that are recognised when they come again.
//!
//! **Constraints.** An append carries [`Mark`]s: a consumer, and the first ingest id behind the batch. The table
//! then has every row of readings before that id, once. After an error the version in memory is read again from the
//! log, since nobody knows whether the commit has come through. Names of data files follow from their rows, so that an
//! attempt that is repeated overwrites what the first one left.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_model::{Clock, Timestamp};
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake::kernel::{Action, Transaction};
use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore, extract_version_from_filename};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::state::DeltaTableState;
use deltalake::{DeltaResult, DeltaTableError};
use futures_util::TryStreamExt as _;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parking_lot::RwLock;
use url::Url;

use super::LakeError;
use super::file::{self, DataFile, Rows};
use super::hour::Cut;
use super::schema::{self, DeltaColumn};

/// The scheme of addresses within a lake; they lead nowhere outside of it.
pub(crate) const SCHEME: &str = "lake";

/// How often a commit is tried when others commit at the same time.
const ATTEMPTS: usize = 15;

/// An older version of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsOf {
    /// This version.
    Version(u64),
    /// What was the newest then.
    Time(Timestamp),
}

/// How far a consumer's rows are in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark<'a> {
    /// The consumer.
    pub(crate) app: &'a str,
    /// The first ingest id that the table may lack.
    pub(crate) behind: i64,
}

/// The newest version that is known.
#[derive(Clone, Default)]
struct Newest {
    state: Option<Arc<DeltaTableState>>,
    /// What the table has, by consumer.
    behind: BTreeMap<String, i64>,
    /// A commit is under way, or its end was not seen: the log has to be read before the next.
    in_doubt: bool,
}

/// A table below the lake's root.
pub(crate) struct LakeTable {
    name: String,
    log_store: LogStoreRef,
    cut: Cut,
    newest: RwLock<Newest>,
    clock: Arc<dyn Clock>,
}

impl LakeTable {
    /// Looks at the table in `folder`; it need not be there yet. `apps` are the consumers that will append.
    pub(crate) async fn open(
        store: &Arc<dyn ObjectStore>,
        (name, folder, cut): (&str, &str, Cut),
        clock: Arc<dyn Clock>,
        apps: &[&str],
    ) -> Result<Self, LakeError> {
        let address = Url::parse(&format!("{SCHEME}:///{folder}/"));
        let address = address.map_err(|e| LakeError::Setting(format!("{folder}: {e}")))?;
        let below: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(Arc::clone(store), folder));
        let log_store = default_logstore(below, Arc::clone(store), &address, &StorageConfig::default());
        let table = Self { name: name.to_owned(), log_store, cut, newest: RwLock::default(), clock };
        table.refresh(apps).await?;
        Ok(table)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The newest version, if the table is there.
    pub(crate) fn state(&self) -> Option<Arc<DeltaTableState>> {
        self.newest.read().state.clone()
    }

    /// The first ingest id that the table may lack of the consumer `app`; 0 where it has nothing of it.
    pub(crate) fn behind(&self, app: &str) -> i64 {
        self.newest.read().behind.get(app).copied().unwrap_or_default()
    }

    /// As [`LakeTable::behind`], of a consumer that the table was not opened for; `None` where it has nothing of it.
    pub(crate) async fn mark(&self, app: &str) -> Result<Option<i64>, LakeError> {
        let Some(state) = self.state() else { return Ok(None) };
        state.transaction_version(self.log_store.as_ref(), app).await.map_err(LakeError::at(&self.name))
    }

    /// The first ingest id of the rows, as the table's log says it of its files.
    pub(crate) fn first_id(&self) -> Option<i64> {
        let state = self.state()?;
        let least =
            |stats: String| serde_json::from_str::<serde_json::Value>(&stats).ok()?["minValues"]["ingest_id"].as_i64();
        state.log_data().iter().filter_map(|file| least(file.stats()?)).min()
    }

    /// Rows of the newest version, as its log counts them; `None` while that is in doubt, where the table has rows of
    /// readings from `next` on of the consumer `app`, or where a file does not say how many it has.
    pub(crate) fn rows_before(&self, app: &str, next: i64) -> Option<u64> {
        let newest = self.newest.read().clone();
        if newest.in_doubt || newest.behind.get(app).is_some_and(|behind| *behind > next) {
            return None;
        }
        let Some(state) = newest.state else { return Some(0) };
        state.log_data().iter().map(|file| file.num_records().map(|rows| rows as u64)).sum()
    }

    pub(crate) fn log_store(&self) -> LogStoreRef {
        Arc::clone(&self.log_store)
    }

    /// Reads the newest version from the log, if what was seen of it last leaves a doubt.
    pub(crate) async fn settle(&self, apps: &[&str]) -> Result<(), LakeError> {
        if self.newest.read().in_doubt { self.refresh(apps).await } else { Ok(()) }
    }

    /// Reads the newest version from the log.
    pub(crate) async fn refresh(&self, apps: &[&str]) -> Result<(), LakeError> {
        let newest = self.look(apps).await.map_err(LakeError::at(&self.name))?;
        *self.newest.write() = newest;
        Ok(())
    }

    async fn look(&self, apps: &[&str]) -> DeltaResult<Newest> {
        if !self.log_store.is_delta_table_location().await? {
            return Ok(Newest::default());
        }
        let state = DeltaTableState::try_new(self.log_store.as_ref(), None).await?;
        let mut behind = BTreeMap::new();
        for app in apps {
            let version = state.transaction_version(self.log_store.as_ref(), app).await?;
            behind.extend(version.map(|version| ((*app).to_owned(), version)));
        }
        Ok(Newest { state: Some(Arc::new(state)), behind, in_doubt: false })
    }

    /// An older version; `None` where there is none.
    pub(crate) async fn version(&self, as_of: AsOf) -> Result<Option<Arc<DeltaTableState>>, LakeError> {
        let done = match as_of {
            AsOf::Version(version) if self.state().is_none_or(|newest| newest.version() < version) => return Ok(None),
            AsOf::Version(version) => DeltaTableState::try_new(self.log_store.as_ref(), Some(version)).await,
            AsOf::Time(time) => self.version_at(time).await,
        };
        match done {
            Ok(state) => Ok(Some(Arc::new(state))),
            Err(DeltaTableError::InvalidVersion(_) | DeltaTableError::NotATable(_)) => Ok(None),
            Err(cause) => Err(LakeError::at(&self.name)(cause)),
        }
    }

    /// The version that was the newest at `time`, by the times at which the log's entries were written.
    async fn version_at(&self, time: Timestamp) -> DeltaResult<DeltaTableState> {
        let store = self.log_store.object_store(None);
        let mut entries = store.list(Some(self.log_store.log_path()));
        let mut found = None;
        while let Some(entry) = entries.try_next().await? {
            let written = entry.last_modified.timestamp_millis() <= time.as_millis();
            let is_commit = entry.location.extension() == Some("json");
            let version = entry.location.filename().filter(|_| written && is_commit);
            found = found.max(version.and_then(extract_version_from_filename));
        }
        let version = found.ok_or(DeltaTableError::InvalidVersion(0))?;
        DeltaTableState::try_new(self.log_store.as_ref(), Some(version)).await
    }

    /// Makes the table if it is not there, without rows.
    pub(crate) async fn make(&self, columns: &[DeltaColumn], keep: std::time::Duration) -> Result<(), LakeError> {
        if self.state().is_some() {
            return Ok(());
        }
        let now = self.clock.now().as_millis();
        let actions = || -> Result<Vec<Action>, serde_json::Error> {
            let metadata = schema::new_metadata(&self.name, columns, self.cut, keep, now)?;
            Ok(vec![Action::Protocol(schema::protocol()?), Action::Metadata(metadata)])
        };
        let actions = actions().map_err(|e| self.refused(&e))?;
        self.commit(None, actions, &[], SaveMode::Append).await
    }

    /// Appends rows, and the columns that they need, up to `marks`. How many bytes were written. Nothing may be in doubt.
    pub(crate) async fn append(
        &self,
        marks: &[Mark<'_>],
        columns: &[DeltaColumn],
        parts: Vec<Rows>,
    ) -> Result<u64, LakeError> {
        let Some(state) = self.state() else { return Err(self.refused(&"it is not there")) };
        let mut actions = self.new_columns(&state, columns)?;
        let mut bytes = 0;
        for rows in parts {
            let file = file::encode(self.cut, rows).await?;
            bytes += file.bytes.len() as u64;
            actions.push(self.put(file).await?);
        }
        self.commit(Some(state), actions, marks, SaveMode::Append).await?;
        Ok(bytes)
    }

    /// Takes all rows and columns away, for the consumers of `marks` to begin anew.
    pub(crate) async fn clear(&self, marks: &[Mark<'_>], columns: &[DeltaColumn]) -> Result<(), LakeError> {
        let Some(state) = self.state() else { return Ok(()) };
        let metadata = schema::with_columns(state.metadata(), columns).map_err(|e| self.refused(&e))?;
        let files = state.log_data();
        let removed = files.iter().map(|file| Action::Remove(file.remove_action(true)));
        let actions = removed.chain([Action::Metadata(metadata)]).collect();
        self.commit(Some(Arc::clone(&state)), actions, marks, SaveMode::Overwrite).await
    }

    /// The change of the schema, if `columns` has what the table lacks.
    fn new_columns(&self, state: &DeltaTableState, columns: &[DeltaColumn]) -> Result<Vec<Action>, LakeError> {
        let known = state.schema();
        if columns.iter().all(|(name, _)| known.field(name).is_some()) {
            return Ok(Vec::new());
        }
        let metadata = schema::with_columns(state.metadata(), columns).map_err(|e| self.refused(&e))?;
        Ok(vec![Action::Metadata(metadata)])
    }

    async fn put(&self, file: DataFile) -> Result<Action, LakeError> {
        let path = object_store::path::Path::from(file.path.as_str());
        let action = file.action(self.clock.now().as_millis());
        let done = self.log_store.object_store(None).put(&path, file.bytes.into()).await;
        done.map_err(|cause| LakeError::Store { path: format!("{}/{path}", self.name), cause })?;
        Ok(Action::Add(action))
    }

    /// Adds a version to the table. In doubt until its end is seen.
    async fn commit(
        &self,
        state: Option<Arc<DeltaTableState>>,
        actions: Vec<Action>,
        marks: &[Mark<'_>],
        mode: SaveMode,
    ) -> Result<(), LakeError> {
        self.newest.write().in_doubt = true;
        let transactions = marks.iter().map(|mark| Transaction::new(mark.app, mark.behind)).collect();
        let properties = CommitProperties::default()
            .with_max_retries(ATTEMPTS)
            .with_application_transactions(transactions)
            .with_cleanup_expired_logs(Some(false));
        let partition_by = Some(self.cut.columns().iter().map(|column| (*column).to_owned()).collect());
        let operation = DeltaOperation::Write { mode, partition_by, predicate: None };
        let base = state.as_deref().map(|state| state as &dyn TableReference);
        let commit = CommitBuilder::from(properties).with_actions(actions).build(base, self.log_store(), operation);
        let done = commit.await.map_err(LakeError::at(&self.name))?;
        let mut newest = self.newest.write();
        newest.behind.extend(marks.iter().map(|mark| (mark.app.to_owned(), mark.behind)));
        (newest.state, newest.in_doubt) = (Some(Arc::new(done.snapshot())), false);
        Ok(())
    }

    fn refused(&self, why: &dyn std::fmt::Display) -> LakeError {
        LakeError::at(&self.name)(DeltaTableError::Generic(why.to_string()))
    }
}
