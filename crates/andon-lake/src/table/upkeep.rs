//! Few large files instead of many small ones, and an end to what no kept version needs.
//!
//! **Constraints.** Appends never wait for this and never fail because of it. A compaction commits beside them; where
//! an append has brought new columns meanwhile, the compaction is given up and begun again. Files are removed only
//! when no version of the kept time has them.

use std::num::NonZeroU64;
use std::sync::Arc;

use andon_journal::{LakeUpkeep, TableUpkeep};
use andon_model::Problem;
use deltalake::kernel::transaction::{CommitProperties, TransactionError};
use deltalake::operations::vacuum::VacuumMode;
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::file::properties::WriterProperties;
use deltalake::{DeltaResult, DeltaTable, DeltaTableError};
use tokio::sync::Mutex;

use super::LakeError;
use super::delta::LakeTable;
use super::lake::{DeltaLake, Shared};
use super::settings::VALUES;
use super::values::APPS;

/// How often a compaction that was overtaken begins again.
const ATTEMPTS: usize = 3;

impl DeltaLake {
    /// Merges small files within each hour, table by table.
    pub async fn compact(&self) -> Result<LakeUpkeep, Problem> {
        let mut done = LakeUpkeep::default();
        for table in self.shared.tables.all() {
            done.tables.extend(compact(&self.shared, &table).await?);
        }
        Ok(done)
    }

    /// Removes files that no kept version needs, and what attempts left that never were committed; then the entries
    /// of the tables' logs that are older than what is kept.
    pub async fn vacuum(&self) -> Result<LakeUpkeep, Problem> {
        let mut done = LakeUpkeep::default();
        for table in self.shared.tables.all() {
            let _moving = self.shared.who_changes(&table).lock().await;
            done.tables.extend(vacuum(&self.shared, &table).await?);
        }
        Ok(done)
    }
}

impl Shared {
    /// Held by whoever appends to `table`.
    fn who_changes(&self, table: &LakeTable) -> &Mutex<()> {
        if table.name() == VALUES { &self.valuing } else { &self.moving }
    }

    async fn refresh(&self, table: &LakeTable) -> Result<(), LakeError> {
        if table.name() == VALUES { table.refresh(&APPS).await } else { table.refresh(&[&self.state().app()]).await }
    }
}

async fn compact(shared: &Shared, table: &Arc<LakeTable>) -> Result<Option<TableUpkeep>, LakeError> {
    if table.state().is_none() {
        return Ok(None);
    }
    let mut attempt = 1;
    let (removed, added) = loop {
        match try_compact(shared, table).await {
            Err(e) if attempt < ATTEMPTS && is_overtaken(&e) => attempt += 1,
            // Another time: whoever appends is faster today.
            Err(e) if is_overtaken(&e) => break (0, 0),
            done => break done.map_err(LakeError::at(table.name()))?,
        }
    };
    // A step that is under way knows its own version; this one is found at the latest with its commit.
    if let Ok(_moving) = shared.who_changes(table).try_lock() {
        shared.refresh(table).await?;
    }
    Ok(Some(TableUpkeep { table: table.name().to_owned(), files_removed: removed, files_added: added }))
}

async fn try_compact(shared: &Shared, table: &LakeTable) -> DeltaResult<(u64, u64)> {
    let tight = Compression::ZSTD(ZstdLevel::try_new(3)?);
    let properties = WriterProperties::builder().set_compression(tight).build();
    let file_bytes = NonZeroU64::new(shared.settings.file_bytes).unwrap_or(NonZeroU64::MIN);
    let optimize = fresh(table).await?.optimize().with_target_size(file_bytes).with_writer_properties(properties);
    let quiet = CommitProperties::default().with_cleanup_expired_logs(Some(false));
    let (_, metrics) = optimize.with_max_concurrent_tasks(1).with_commit_properties(quiet).await?;
    Ok((metrics.num_files_removed, metrics.num_files_added))
}

async fn vacuum(shared: &Shared, table: &Arc<LakeTable>) -> Result<Option<TableUpkeep>, LakeError> {
    if table.state().is_none() {
        return Ok(None);
    }
    let removed = try_vacuum(table).await.map_err(LakeError::at(table.name()))?;
    shared.refresh(table).await?;
    Ok(Some(TableUpkeep { table: table.name().to_owned(), files_removed: removed, files_added: 0 }))
}

async fn try_vacuum(table: &LakeTable) -> DeltaResult<u64> {
    let (after, metrics) = fresh(table).await?.vacuum().with_mode(VacuumMode::Full).await?;
    deltalake::checkpoints::cleanup_metadata(&after, None).await?;
    Ok(metrics.files_deleted.len() as u64)
}

/// The newest version, apart from the one that is written to.
async fn fresh(table: &LakeTable) -> DeltaResult<DeltaTable> {
    let mut fresh = DeltaTable::new(table.log_store());
    fresh.load().await?;
    Ok(fresh)
}

/// Somebody else has committed what this commit did not know of.
const fn is_overtaken(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::Transaction {
            source: TransactionError::CommitConflict(_) | TransactionError::MaxCommitAttempts(_)
        } | DeltaTableError::VersionAlreadyExists(_)
    )
}
