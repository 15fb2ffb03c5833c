//! Acknowledged means kept: devices publish at QoS 1 and 2, the server is killed at random with everything thrown away
//! that it had not synced, and every message that was acknowledged is in the raw log.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use andon_model::Secret;
use andon_sim::fleet::{
    Fleet, FleetCounters, FleetPlan, IdentityFolder, LedgerEntry, Onboarding, OnboardingWay, Protocol, Qos, sequence_of,
};
use andon_testkit::Dice;
use common::Server;
use tempfile::TempDir;
use tokio::sync::oneshot;

const DEVICES: usize = 12;
/// How often the server is killed, unless the environment says otherwise.
const ROUNDS: u64 = 5;
const ROUNDS_VARIABLE: &str = "ANDON_KEPT_ROUNDS";
/// How long something may take that takes milliseconds on a quiet machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// Starts the server on the port that devices know, with a disk that loses what is not durable.
fn start(folder: TempDir, port: u16) -> Server {
    let address = format!("127.0.0.1:{port}");
    Server::start_with(folder, &[("ANDON_MQTT__LISTEN", &address), ("ANDON_HOLD_BACK", "1")])
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
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

/// Waits until `count` more messages are acknowledged.
async fn until_acknowledged(counters: &FleetCounters, count: u64) {
    let (begun, before) = (Instant::now(), counters.progress().acknowledged);
    while counters.progress().acknowledged < before + count {
        assert!(begun.elapsed() < PATIENCE, "devices get on: {:?}", counters.progress());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The sequences of each device that the raw log has, and how many readings have one that another has.
fn kept(server: &Server) -> (BTreeMap<String, BTreeSet<u64>>, usize) {
    let (mut kept, mut again, mut from) = (BTreeMap::<String, BTreeSet<u64>>::new(), 0, 1);
    loop {
        let page = server.json(&["readings", "list", "--from", &from.to_string(), "--limit", "1000"]);
        let readings = page["readings"].as_array().unwrap();
        if readings.is_empty() {
            return (kept, again);
        }
        for reading in readings {
            let sequence = sequence_of(reading["payload"].to_string().as_bytes()).expect("a sequence");
            let device = reading["device"].as_str().unwrap().to_owned();
            again += usize::from(!kept.entry(device).or_default().insert(sequence));
        }
        from = page["next"].as_u64().unwrap();
    }
}

fn acknowledged(ledger: &Path) -> Vec<LedgerEntry> {
    let text = std::fs::read_to_string(ledger).unwrap();
    let entries = text.lines().map(|line| serde_json::from_str::<LedgerEntry>(line).unwrap());
    entries.filter(|entry| entry.acknowledged).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_in_the_raw_log() {
    let (desk, port, dice) = (tempfile::tempdir().unwrap(), free_port(), Dice::new(4));
    let mut server = start(tempfile::tempdir().unwrap(), port);
    let folder = IdentityFolder::open(desk.path().join("fleet")).unwrap();
    let devices = onboard(&server, &folder).await;
    let identities = devices.iter().map(|device| folder.load(device).unwrap()).collect();
    let ledger = desk.path().join("ledger.ndjson");
    let fleet = Fleet::prepare(plan(&folder, port, &ledger), identities).await.unwrap();
    let counters: Arc<FleetCounters> = fleet.counters();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(fleet.run(async { drop(stopped.await) }));
    let rounds = std::env::var(ROUNDS_VARIABLE).map_or(ROUNDS, |text| text.parse().expect("a number"));
    for _ in 0..rounds {
        until_acknowledged(&counters, dice.number(20, 400)).await;
        server = start(server.kill(), port);
    }
    until_acknowledged(&counters, 100).await;
    stop.send(()).unwrap();
    let report = running.await.unwrap().unwrap();
    let ((kept, again), acknowledged) = (kept(&server), acknowledged(&ledger));
    let missing: Vec<_> = acknowledged
        .iter()
        .filter(|entry| !kept.get(&*entry.device).is_some_and(|sequences| sequences.contains(&entry.sequence)))
        .collect();
    assert!(missing.is_empty(), "acknowledged and missing: {missing:?}");
    assert!(acknowledged.len() as u64 >= 20 * rounds + 100 && report.total.acknowledged == acknowledged.len() as u64);
    println!("{} acknowledged, 0 missing, {again} kept again, {rounds} kills", acknowledged.len());
}
