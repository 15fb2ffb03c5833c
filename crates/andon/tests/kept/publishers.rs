//! Devices that publish without end, come back after each kill, and write down what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use andon_model::Secret;
use andon_sim::fleet::{
    Fleet, FleetCounters, FleetPlan, FleetReport, IdentityFolder, LedgerEntry, Onboarding, OnboardingWay, Protocol, Qos,
};
use andon_testkit::Dice;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::common::Server;

pub(crate) const DEVICES: usize = 12;
/// How often the server is killed, unless the environment says otherwise.
const ROUNDS: u64 = 5;
const ROUNDS_VARIABLE: &str = "ANDON_KEPT_ROUNDS";
/// How long something may take that takes milliseconds on a quiet machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is kept: the sequences of each device.
pub(crate) type Sequences = BTreeMap<String, BTreeSet<u64>>;

/// Publishers at work.
pub(crate) struct Publishers {
    counters: Arc<FleetCounters>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<FleetReport>,
    desk: TempDir,
    rounds: u64,
}

impl Publishers {
    /// Onboards devices at a server, and lets them publish to the door at `port`.
    pub(crate) async fn start(server: &Server, port: u16) -> Self {
        let desk = tempfile::tempdir().unwrap();
        let folder = IdentityFolder::open(desk.path().join("fleet")).unwrap();
        let devices = onboard(server, &folder).await;
        let identities = devices.iter().map(|device| folder.load(device).unwrap()).collect();
        let fleet = Fleet::prepare(plan(&folder, port, &ledger(&desk)), identities).await.unwrap();
        let counters = fleet.counters();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move { fleet.run(async { drop(stopped.await) }).await.unwrap() });
        let rounds = std::env::var(ROUNDS_VARIABLE).map_or(ROUNDS, |text| text.parse().expect("a number"));
        Self { counters, stop, running, desk, rounds }
    }

    /// Kills the server again and again, each time after a few hundred more messages; `revive` starts it anew.
    pub(crate) async fn kill_again_and_again(
        &self,
        mut server: Server,
        mut revive: impl FnMut(Server) -> Server,
    ) -> Server {
        let dice = Dice::new(4);
        for _ in 0..self.rounds {
            self.until_acknowledged(dice.number(20, 400)).await;
            server = revive(server);
        }
        self.until_acknowledged(100).await;
        server
    }

    /// Waits until `count` more messages are acknowledged.
    pub(crate) async fn until_acknowledged(&self, count: u64) {
        let (begun, before) = (Instant::now(), self.counters.progress().acknowledged);
        while self.counters.progress().acknowledged < before + count {
            assert!(begun.elapsed() < PATIENCE, "devices get on: {:?}", self.counters.progress());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Lets them finish; what was acknowledged.
    pub(crate) async fn acknowledged(self) -> Vec<LedgerEntry> {
        let _ = self.stop.send(());
        let report = self.running.await.unwrap();
        let text = std::fs::read_to_string(ledger(&self.desk)).unwrap();
        let entries = text.lines().map(|line| serde_json::from_str::<LedgerEntry>(line).unwrap());
        let entries: Vec<_> = entries.filter(|entry| entry.acknowledged).collect();
        assert!(entries.len() as u64 >= 20 * self.rounds + 100 && report.total.acknowledged == entries.len() as u64);
        entries
    }
}

/// What was acknowledged, and is not kept.
pub(crate) fn missing<'a>(acknowledged: &'a [LedgerEntry], kept: &Sequences) -> Vec<&'a LedgerEntry> {
    let is_kept = |entry: &LedgerEntry| kept.get(&*entry.device).is_some_and(|known| known.contains(&entry.sequence));
    acknowledged.iter().filter(|entry| !is_kept(entry)).collect()
}

/// A port that devices know, whichever process serves it.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn ledger(desk: &TempDir) -> PathBuf {
    desk.path().join("ledger.ndjson")
}

async fn onboard(server: &Server, folder: &IdentityFolder) -> Vec<String> {
    let token = std::fs::read_to_string(server.data().join("admin.token")).unwrap();
    let token = Secret::new(token.trim().to_owned());
    let onboarding = Onboarding { api: server.url.clone(), token, way: OnboardingWay::SigningRequest };
    let devices: Vec<_> = (1..=DEVICES).map(|number| format!("sim-{number:05}")).collect();
    onboarding.complete(&devices, folder, |_| {}).await.unwrap();
    devices
}

fn plan(folder: &IdentityFolder, port: u16, ledger: &Path) -> FleetPlan {
    FleetPlan {
        broker: format!("mqtts://localhost:{port}"),
        roots_pem: folder.roots().unwrap(),
        protocols: vec![Protocol::V311, Protocol::V5],
        qos: vec![Qos::AtLeastOnce, Qos::ExactlyOnce],
        rate: Some(100.0),
        clean: false,
        drain: PATIENCE,
        patience: u32::MAX,
        ledger: Some(ledger.to_owned()),
        ..FleetPlan::default()
    }
}
