//! The lake of a running Andon: while it runs, readings become rows, many small files a few large ones, and every reading
//! is accounted for.
//!
//! **Constraints.** Nobody waits for the lake, neither at the start nor later: what it has not written is in the raw log, whose
//! retention waits for it. One batch at a time is in memory, however far behind the lake is.
//!
//! **Life of a lake.** [`Tables`] tries to open it until that succeeds. Then readings are written batch by batch, files are
//! tidied up, and received readings are compared with rows, each at its own pace and each on its own when something fails.
//! Stopped at any moment, all of it goes on from there at the next start. It has threads of its own.

mod conservation;
mod late;
mod telemetry;
mod writing;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use andon_engine::Handle;
use andon_journal::Lake;
use andon_lake::raw::RawLog;
use andon_lake::{DeltaLake, LakeSettings, StoreAddress, Threads};
use andon_model::{Clock, Code, Name, Problem};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::readings::Readings;
use crate::config::Settings;
use conservation::Watch;
pub(super) use late::LateLake;

/// The lake's folder in the data folder, unless the settings name another place.
const FOLDER: &str = "lake";
/// The table of readings, as SQL names it.
const ROOT: &str = "readings";
/// The name under which the lake follows the raw log.
const CONSUMER: &str = "lake";
/// Name of the threads that the lake's own work runs on.
const THREADS: &str = "andon-lake";
/// How long the start of the program waits for the lake. It opens later where its destination is slow or away.
const START: Duration = Duration::from_secs(5);
/// The shortest and the longest rest after something that did not succeed.
const REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// The lake with those who write and tidy it.
pub(super) struct Tables {
    pub(super) lake: Arc<LateLake>,
    working: JoinHandle<()>,
    stop: CancellationToken,
    _threads: Threads,
}

/// What opening and working takes.
struct Plan {
    address: String,
    settings: LakeSettings,
    log: Arc<RawLog>,
    clock: Arc<dyn Clock>,
    handle: Handle,
    /// How often files are tidied up, and how often readings are accounted for.
    tidy: Duration,
    check: Duration,
    /// What is remembered of readings that are not accounted for.
    memory: PathBuf,
}

impl Tables {
    /// Begins to open the lake; `None` where the settings leave it out. Refuses settings that cannot be right.
    pub(super) async fn open(
        settings: &Settings,
        readings: &Readings,
        handle: &Handle,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, Problem> {
        if !settings.lake.enabled {
            return Ok(None);
        }
        telemetry::describe();
        let plan = Plan::new(settings, readings, handle, clock)?;
        let (lake, stop) = (Arc::<LateLake>::default(), CancellationToken::new());
        let threads = Threads::start(THREADS, None)?;
        let working = threads.handle().spawn(work(plan, Arc::clone(&lake), stop.clone()));
        if tokio::time::timeout(START, lake.settled()).await.is_err() {
            tracing::warn!("the lake is not open yet; readings wait for it in the raw log");
        }
        Ok(Some(Self { lake, working, stop, _threads: threads }))
    }

    /// Ends; what is not written is read again at the next start.
    pub(super) async fn stop(self) {
        tracing::info!(next = %self.lake.status().next, "the lake stops; it goes on from this reading at the next start");
        self.stop.cancel();
        if self.working.await.is_err() {
            tracing::error!("the lake ended without an answer");
        }
    }
}

impl Plan {
    fn new(settings: &Settings, readings: &Readings, handle: &Handle, clock: Arc<dyn Clock>) -> Result<Self, Problem> {
        let default = || settings.data.folder.join(FOLDER).display().to_string();
        let address = settings.lake.to.clone().unwrap_or_else(default);
        if address.contains("://") {
            StoreAddress::open(&address).map_err(|problem| problem.at("[lake] to"))?;
        }
        Ok(Self {
            address,
            settings: lake_settings(settings)?,
            log: Arc::clone(&readings.log),
            clock,
            handle: handle.clone(),
            tidy: settings.lake.tidy,
            check: settings.lake.check,
            memory: settings.data.folder.join(conservation::FILE),
        })
    }

    async fn open(&self) -> Result<DeltaLake, Problem> {
        let (log, clock) = (Arc::clone(&self.log), Arc::clone(&self.clock));
        DeltaLake::open_at(StoreAddress::open(&self.address)?, log, clock, self.settings.clone()).await
    }
}

fn lake_settings(settings: &Settings) -> Result<LakeSettings, Problem> {
    let consumer = Name::new(CONSUMER).map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    let mut lake = LakeSettings::new(ROOT, consumer);
    lake.event_time = settings.assets.event_time.to_lowercase();
    (lake.keep, lake.gather) = (settings.lake.keep, settings.lake.gather);
    let sql = &mut lake.sql;
    (sql.time, sql.rows) = (settings.lake.query_time, settings.lake.query_rows);
    (sql.memory_bytes, sql.at_once) = (settings.lake.query_memory_bytes, settings.lake.queries);
    Ok(lake)
}

/// Opens the lake, however long that takes, and lets the others work on it until the program ends.
async fn work(plan: Plan, late: Arc<LateLake>, stop: CancellationToken) {
    let Some(opened) = stop.run_until_cancelled(open(&plan, &late)).await else { return };
    let watch = Watch::new(Arc::clone(&opened), &plan);
    let mut tasks = JoinSet::new();
    tasks.spawn(writing::write(Arc::clone(&opened), Arc::clone(&plan.log)));
    tasks.spawn(writing::tidy(opened, plan.tidy));
    tasks.spawn(watch.run(plan.check, plan.tidy));
    while let Some(ended) = stop.run_until_cancelled(tasks.join_next()).await {
        match ended {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::error!(%error, "a task of the lake ended; the next start begins it again"),
            None => return,
        }
    }
    tasks.shutdown().await;
}

async fn open(plan: &Plan, late: &LateLake) -> Arc<DeltaLake> {
    let mut rest = REST.0;
    loop {
        match plan.open().await {
            Ok(opened) => return late.set(opened),
            Err(problem) => {
                telemetry::failed("opened", &problem);
                late.refuse(problem);
            }
        }
        tokio::time::sleep(rest).await;
        rest = longer(rest);
    }
}

/// The rest after one more failure.
fn longer(rest: Duration) -> Duration {
    (rest * 2).min(REST.1)
}
