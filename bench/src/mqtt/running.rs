//! A fleet that is on its way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use andon_sim::fleet::{Fleet, FleetCounters, FleetError, FleetPlan, FleetProgress, FleetReport, Identity};
use anyhow::ensure;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How often the counters are looked at: what is timed with it is at most this much too long.
const LOOK: Duration = Duration::from_millis(1);

/// Longest wait for anything that a fleet is to come to.
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) struct Running {
    counters: Arc<FleetCounters>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<FleetReport, FleetError>>,
}

impl Running {
    pub(super) async fn start(plan: FleetPlan, devices: Vec<Identity>) -> anyhow::Result<Self> {
        let fleet = Fleet::prepare(plan, devices).await?;
        let counters = fleet.counters();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stopped = async {
                if stopped.await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            fleet.run(stopped).await
        });
        Ok(Self { counters, stop, task })
    }

    pub(super) fn progress(&self) -> FleetProgress {
        self.counters.progress()
    }

    /// Waits until it has come so far.
    pub(super) async fn until(&self, reached: impl Fn(FleetProgress) -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !reached(self.progress()) {
            ensure!(!self.task.is_finished(), "the fleet has ended early: {:?}", self.progress());
            ensure!(begun.elapsed() < PATIENCE, "the fleet comes to nothing: {:?}", self.progress());
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Waits until it has done what its plan says.
    pub(super) async fn end(self) -> anyhow::Result<FleetReport> {
        Ok(self.task.await??)
    }

    /// Ends it: devices wait for their last answers and say goodbye.
    pub(super) async fn stop(self) -> anyhow::Result<FleetReport> {
        // Whoever has ended does not hear it.
        let _ = self.stop.send(());
        Ok(self.task.await??)
    }
}
