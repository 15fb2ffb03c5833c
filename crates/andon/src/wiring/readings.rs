//! The raw log of a running Andon: opened before anything that reports comes in, closed after it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use andon_journal::{Arrival, Keeper, KeeperError, ReadingLog};
use andon_lake::StoreAddress;
use andon_lake::raw::{Archive, Disk, LocalDisk, Moved, RawLog, RawLogSettings};
use andon_model::{Clock, Code, IdSource as _, Problem, SystemIds};
use async_trait::async_trait;
use metrics::counter;
use tokio::task::JoinHandle;

use super::door::keepers;
use crate::config::{ReadingsArchive, Settings};
use crate::output::Failure;

/// The log's folder in the data folder, unless the settings name another.
const FOLDER: &str = "readings";

/// What to do when the log cannot be opened: nothing runs that could go on by itself.
const OPEN_AGAIN: &str = "make room, mount the file system so that it can be written, or stop the process that has the folder open; then \
                          start this program again: it has ended";

/// How often old segments are looked for.
const SWEEP: Duration = Duration::from_mins(10);

/// The raw log with what keeps it in order.
pub(super) struct Readings {
    pub(super) log: Arc<RawLog>,
    sweeping: JoinHandle<()>,
}

impl Readings {
    /// Opens the log; looks at what the last process left. Who cannot open it ends, so that a supervisor or a person sees it.
    pub(super) async fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let readings = &settings.readings;
        let folder = readings.folder.clone().unwrap_or_else(|| settings.data.folder.join(FOLDER));
        let limits = RawLogSettings {
            segment_bytes: readings.segment_bytes,
            segment_age: readings.segment_age,
            drawn_id: SystemIds::default().next_id(),
            ..RawLogSettings::default()
        };
        let opening = {
            let clock = Arc::clone(&clock);
            tokio::task::spawn_blocking(move || {
                let failed = |error| Problem::new(Code::RawLog, format!("{}: {error}", folder.display()));
                let disk: Arc<dyn Disk> = Arc::new(LocalDisk::open(folder.clone()).map_err(failed)?);
                #[cfg(debug_assertions)]
                let disk = super::held_back::around_disk(disk);
                RawLog::open(disk, clock, limits).map_err(|problem| problem.at(folder.display().to_string()))
            })
        };
        let ended = |_| Problem::new(Code::Internal, "opening the raw log ended without an answer");
        let opened = opening.await.map_err(ended)?;
        let log = Arc::new(opened.map_err(|problem| Failure::from(problem).remedy(OPEN_AGAIN))?);
        if let Some(torn) = log.torn() {
            tracing::warn!(?torn, "the end of the raw log was cut off by a crash; nothing acknowledged is in it");
        }
        let archive = readings.archive.as_ref().map(open_archive).transpose()?;
        if let Some(archive) = &archive {
            look_into_archive(&log, archive).await?;
        }
        let sweeping = tokio::spawn(sweep(Arc::clone(&log), clock, readings.keep, archive));
        Ok(Self { log, sweeping })
    }

    /// Where readings go that do not come through the door.
    pub(super) fn keeper(&self) -> Arc<dyn Keeper> {
        let log: Arc<dyn ReadingLog> = self.log.clone();
        Arc::new(keepers::Readings(log))
    }

    /// Writes what waits, and ends.
    pub(super) async fn close(self) {
        self.sweeping.abort();
        let log = self.log;
        if tokio::task::spawn_blocking(move || log.close()).await.is_err() {
            tracing::error!("closing the raw log ended without an answer");
        }
    }
}

/// Where brokers outside bring readings. The engine starts them before the raw log is open; until then they wait.
#[derive(Default)]
pub(super) struct LateKeeper(OnceLock<Arc<dyn Keeper>>);

impl LateKeeper {
    /// The raw log is open; called once.
    pub(super) fn open(&self, keeper: Arc<dyn Keeper>) {
        self.0.get_or_init(|| keeper);
    }
}

#[async_trait]
impl Keeper for LateKeeper {
    async fn append(&self, arrivals: Vec<Arrival>) -> Result<(), KeeperError> {
        match self.0.get() {
            Some(keeper) => keeper.append(arrivals).await,
            None => Err(KeeperError::Busy),
        }
    }
}

fn open_archive(settings: &ReadingsArchive) -> Result<Archive, Problem> {
    let address = StoreAddress::open(&settings.to)?;
    Ok(Archive::new(address.store, &address.root, settings.packing))
}

/// Learns which segments the archive has. While it cannot be reached, that only matters when somebody has to read them:
/// otherwise the sweep learns of them later.
async fn look_into_archive(log: &Arc<RawLog>, archive: &Archive) -> Result<(), Problem> {
    let Err(error) = log.add_archive(archive).await else { return Ok(()) };
    let asked = Arc::clone(log);
    let needs = tokio::task::spawn_blocking(move || asked.needs_archive()).await;
    let needs = needs.map_err(|error| Problem::new(Code::Internal, error.to_string()))??;
    if needs {
        return Err(Problem::new(Code::Archive, error.to_string()));
    }
    tracing::warn!(%error, "the archive of the raw log cannot be reached; readings are kept in the folder meanwhile");
    Ok(())
}

/// Counts what lies in the archive if that is not known any more, moves closed segments there, and forgets those whose time is over.
async fn sweep(log: Arc<RawLog>, clock: Arc<dyn Clock>, keep: Duration, archive: Option<Archive>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        if let Some(archive) = &archive {
            archive_closed(&log, archive).await;
        }
        match log.forget(clock.now().before(keep), archive.as_ref()).await {
            Ok(0) => {}
            Ok(segments) => tracing::info!(segments, "old readings were removed"),
            Err(error) => tracing::warn!(%error, "old readings cannot be removed"),
        }
    }
}

async fn archive_closed(log: &RawLog, archive: &Archive) {
    if log.archive().is_none()
        && let Err(error) = log.add_archive(archive).await
    {
        tracing::warn!(%error, "the archive of the raw log cannot be reached; trying again");
        return;
    }
    match log.count_archived(archive).await {
        Ok(0) => {}
        Ok(readings) => tracing::info!(readings, "readings of the archive were counted again"),
        Err(error) => tracing::warn!(%error, "readings of the archive cannot be counted; trying again"),
    }
    match log.move_closed(archive).await {
        Ok(Moved { segments: 0, .. }) => {}
        Ok(Moved { segments, bytes, packed_bytes }) => {
            counter!("andon_archived_segments_total").increment(segments as u64);
            tracing::info!(segments, bytes, packed_bytes, "segments of the raw log were moved to the archive");
        }
        Err(error) => {
            counter!("andon_archive_failures_total").increment(1);
            tracing::warn!(%error, "segments cannot be moved to the archive; they stay in the folder, trying again");
        }
    }
}

#[cfg(test)]
mod tests {
    use andon_model::SystemClock;

    use super::*;

    /// Nothing runs then that would go on by itself.
    #[tokio::test]
    async fn a_log_that_cannot_be_opened_is_told_with_what_helps() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.readings.folder = Some(folder.path().join("readings"));
        let first = Readings::open(&settings, Arc::new(SystemClock)).await.expect("opened");
        let failure = Readings::open(&settings, Arc::new(SystemClock)).await.err().expect("another has it open");
        assert_eq!((failure.problem.code, failure.remedy), (Code::RawLog, Some(OPEN_AGAIN)));
        first.close().await;
    }
}
