//! A fleet that is on its way to a broker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use andon_sim::fleet::{Fleet, FleetCounters, FleetError, FleetPlan, FleetProgress, FleetReport, Identity};
use anyhow::ensure;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::process::Process;

/// How often the counters are looked at: what is timed with it is at most this much too long.
const LOOK: Duration = Duration::from_millis(1);

/// Longest wait for anything that a fleet is to come to.
const PATIENCE: Duration = Duration::from_mins(2);

/// A broker that listens.
pub(crate) struct Broker {
    /// `mqtts://address:port`
    pub(crate) url: String,
    /// What devices have to trust.
    pub(crate) roots_pem: String,
    pub(crate) process: Process,
}

impl Broker {
    /// A plan for devices of one kind with messages of one size, at QoS 1.
    pub(crate) fn plan(&self) -> anyhow::Result<FleetPlan> {
        let profiles = "s1".parse().map_err(anyhow::Error::msg)?;
        let (broker, roots_pem) = (self.url.clone(), self.roots_pem.clone());
        Ok(FleetPlan { broker, roots_pem, profiles, connects_per_second: None, ..FleetPlan::default() })
    }
}

/// A fleet in a task of its own.
pub(crate) struct Running {
    counters: Arc<FleetCounters>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<FleetReport, FleetError>>,
}

impl Running {
    pub(crate) async fn start(plan: FleetPlan, devices: Vec<Identity>) -> anyhow::Result<Self> {
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

    pub(crate) fn progress(&self) -> FleetProgress {
        self.counters.progress()
    }

    /// Waits until it has come so far.
    pub(crate) async fn until(&self, reached: impl Fn(FleetProgress) -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !reached(self.progress()) {
            ensure!(!self.task.is_finished(), "the fleet has ended early: {:?}", self.progress());
            ensure!(begun.elapsed() < PATIENCE, "the fleet comes to nothing: {:?}", self.progress());
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Waits until it has done what its plan says.
    pub(crate) async fn end(self) -> anyhow::Result<FleetReport> {
        Ok(self.task.await??)
    }

    /// Ends it: devices wait for their last answers and say goodbye.
    pub(crate) async fn stop(self) -> anyhow::Result<FleetReport> {
        // Whoever has ended does not hear it.
        let _ = self.stop.send(());
        Ok(self.task.await??)
    }
}
