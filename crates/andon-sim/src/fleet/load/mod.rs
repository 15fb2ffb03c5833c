//! A fleet on the road: connections, schedules, counters, ledger, report.
//!
//! **Life of a run.** [`Fleet::prepare`] reads identities and finds the broker; [`Fleet::run`] starts a task for each
//! device, calls storms, and waits until all have said what they had to say, or until it is told to stop; then it closes
//! the ledger and adds up the [`FleetReport`].
//!
//! **Constraints.** One task and two small buffers a device. A message costs its text, its packet and a place in the
//! window; packets that are due at the same time go out in one write. Nothing that a device does waits for another one.

mod accounts;
mod counters;
mod device;
mod histogram;
mod ledger;
mod pace;
mod plan;
mod publisher;
mod report;
mod shared;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

pub use counters::{FleetCounters, FleetProgress};
pub use ledger::LedgerEntry;
pub use plan::{FleetPlan, MAX_DEVICES};
pub use report::{ConnectReport, FleetReport, MessageReport};

use super::dice::Dice;
use super::error::FleetError;
use super::faults::DeviceFault;
use super::identity::Identity;
use super::mqtt::link::Place;
use super::mqtt::tls::Trust;
use device::Device;
use ledger::{LedgerDesk, LedgerWriter};
use report::RunTimes;
use shared::{Shared, Signals};

/// First connects under way at the same time.
const FIRST_CONNECTS: usize = 512;

/// A fleet that is ready to go.
pub struct Fleet {
    plan: FleetPlan,
    place: Place,
    members: Vec<(String, Option<Arc<ClientConfig>>)>,
    counters: Arc<FleetCounters>,
}

impl Fleet {
    /// Makes a fleet of these devices. Their order says who has which profile and connects when.
    pub async fn prepare(plan: FleetPlan, identities: Vec<Identity>) -> Result<Self, FleetError> {
        plan.check(identities.len())?;
        let address = plan.address()?;
        let no_broker = |what: String| FleetError::Broker { address: plan.broker.clone(), what };
        let name = ServerName::try_from(address.host.to_owned()).map_err(|error| no_broker(error.to_string()))?;
        let found = tokio::net::lookup_host((address.host, address.port)).await;
        let found = found.map_err(|error| no_broker(error.to_string()))?.next();
        let place = Place { address: found.ok_or_else(|| no_broker("no such host".to_owned()))?, name };
        let trust = if address.is_tls { Some(Trust::new(&plan.roots_pem)?) } else { None };
        let members = identities.into_iter().map(|identity| {
            let tls = trust.as_ref().map(|trust| trust.config(&identity)).transpose()?;
            Ok((identity.device, tls))
        });
        let members = members.collect::<Result<_, FleetError>>()?;
        Ok(Self { place, members, counters: Arc::new(FleetCounters::new()), plan })
    }

    /// What is counted while it runs.
    pub fn counters(&self) -> Arc<FleetCounters> {
        Arc::clone(&self.counters)
    }

    /// Runs until every device is done. Once `stop` is, no more messages are made.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<FleetReport, FleetError> {
        let Self { plan, place, members, counters } = self;
        let (ledger, writer) = match &plan.ledger {
            None => (LedgerDesk::none(), None),
            Some(path) => LedgerWriter::open(path).map(|(desk, writer)| (desk, Some((writer, path.clone()))))?,
        };
        let first_connects = Semaphore::new(FIRST_CONNECTS);
        let start = Instant::now();
        let shared = Arc::new(Shared { plan, counters, place, ledger, start, first_connects });
        let devices = members.len();
        let conductor = Conductor::start(&shared, members);
        let until_publishing = conductor.lead(&shared, stop).await?;
        let times = RunTimes { whole: start.elapsed(), until_publishing };
        let report = FleetReport::of(&shared.counters, &shared.plan, devices, &times);
        drop(shared);
        if let Some((writer, path)) = writer {
            writer.finish(&path).await?;
        }
        Ok(report)
    }
}

/// Tells the devices what to do, and waits for them.
struct Conductor {
    tasks: JoinSet<()>,
    signals: watch::Sender<Signals>,
    arrivals: mpsc::Receiver<()>,
    /// Devices that have not tried to connect yet.
    awaited: usize,
    storms: Interval,
    /// Draws of storms so far.
    drawn: u64,
}

impl Conductor {
    fn start(shared: &Arc<Shared>, members: Vec<(String, Option<Arc<ClientConfig>>)>) -> Self {
        let plan = &shared.plan;
        let go = (!plan.together).then_some(shared.start);
        let (signals, heard) = watch::channel(Signals { go, ..Signals::default() });
        let awaited = members.len();
        let (arrive, arrivals) = mpsc::channel(awaited.max(1));
        let mut tasks = JoinSet::new();
        for (number, (name, tls)) in members.into_iter().enumerate() {
            let device = Device::new(shared, (&name, number), tls, heard.clone(), arrive.clone());
            tasks.spawn(device.live());
        }
        let mut storms = interval_at(shared.start + plan.faults.storm_every, plan.faults.storm_every);
        storms.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { tasks, signals, arrivals, awaited, storms, drawn: 0 }
    }

    /// Gives how long after the start devices could publish.
    async fn lead(
        mut self,
        shared: &Shared,
        stop: impl Future<Output = ()>,
    ) -> Result<std::time::Duration, FleetError> {
        let mut stop = pin!(stop);
        let mut is_stopped = false;
        let has_storms = shared.plan.faults.rate(DeviceFault::Storm) > 0.0;
        loop {
            tokio::select! {
                ended = self.tasks.join_next() => match ended {
                    None => break,
                    Some(ended) => ended.map_err(|error| FleetError::Failed(error.to_string()))?,
                },
                () = &mut stop, if !is_stopped => {
                    is_stopped = true;
                    self.signals.send_modify(|signals| signals.stop = true);
                }
                Some(()) = self.arrivals.recv() => self.arrived(),
                _ = self.storms.tick(), if has_storms => self.draw_storm(shared),
            }
        }
        let go = self.signals.borrow().go.unwrap_or(shared.start);
        Ok(go - shared.start)
    }

    fn arrived(&mut self) {
        self.awaited = self.awaited.saturating_sub(1);
        if self.awaited == 0 && self.signals.borrow().go.is_none() {
            self.signals.send_modify(|signals| signals.go = Some(Instant::now()));
        }
    }

    fn draw_storm(&mut self, shared: &Shared) {
        self.drawn += 1;
        if shared.plan.faults.meets(DeviceFault::Storm, Dice::of(shared.plan.seed, ""), self.drawn) {
            shared.counters.met(DeviceFault::Storm);
            self.signals.send_modify(|signals| signals.storms += 1);
        }
    }
}
