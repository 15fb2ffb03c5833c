//! Runs: what is sent is acknowledged and heard, whatever goes wrong on the way.

use std::future::pending;
use std::path::Path;
use std::time::Duration;

use andon_sim::fleet::{Fleet, FleetPlan, FleetReport, Identity, LedgerEntry, Protocol, Qos};
use tokio::time::{sleep, timeout};

use crate::broker::{Broker, PATIENCE};
use crate::papers::Authority;

const MESSAGES: u64 = 50;
const DEVICES: usize = 6;

async fn run(plan: FleetPlan, identities: Vec<Identity>) -> FleetReport {
    let fleet = Fleet::prepare(plan, identities).await.expect("a fleet");
    timeout(PATIENCE, fleet.run(pending())).await.expect("done in time").expect("a report")
}

fn ledger(file: &Path) -> Vec<LedgerEntry> {
    let text = std::fs::read_to_string(file).expect("a ledger");
    text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect()
}

/// Topic and sequence of what was acknowledged.
fn acknowledged(entries: &[LedgerEntry]) -> Vec<(String, u64)> {
    let acknowledged = entries.iter().filter(|entry| entry.acknowledged);
    acknowledged.map(|entry| (format!("data/{}", entry.device), entry.sequence)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_heard() {
    let broker = Broker::start();
    let listener = broker.listen().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger");
    let plan = FleetPlan {
        protocols: vec![Protocol::V311, Protocol::V5],
        qos: vec![Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce, Qos::AtLeastOnce, Qos::ExactlyOnce],
        messages: Some(MESSAGES),
        ledger: Some(file.clone()),
        together: true,
        ..broker.plan()
    };
    let report = run(plan, broker.authority.devices(DEVICES)).await;
    let all = MESSAGES * DEVICES as u64;
    let total = &report.total;
    assert_eq!((total.sent, total.acknowledged, total.unanswerable), (all, all / 5 * 4, all / 5), "{report:?}");
    assert_eq!((total.refused, total.unsettled, total.copies, total.skipped), (0, 0, 0, 0), "{report:?}");
    assert_eq!((report.connects.connected, report.connects.reconnected), (DEVICES as u64, 0), "{report:?}");
    assert_eq!(
        report.profiles.iter().map(|of| (of.profile, of.devices)).collect::<Vec<_>>(),
        [("s1", 2), ("hobo-mx100", 2), ("ruuvitag", 1), ("rs40", 1)]
    );
    assert!(total.p50_ms > 0.0 && total.p50_ms <= total.p99_ms && total.p99_ms <= total.longest_ms, "{report:?}");
    let entries = ledger(&file);
    assert_eq!(entries.len() as u64, all);
    assert!(entries.iter().all(|entry| entry.acknowledged == (entry.qos > 0)), "{entries:?}");
    let heard = listener.until(&acknowledged(&entries)).await;
    assert!(heard.values().all(|times| *times == 1), "{heard:?}");
}

/// Sessions are kept, so that an exchange of QoS 2 goes on where it stopped.
#[tokio::test(flavor = "multi_thread")]
async fn faults_lose_nothing_that_was_acknowledged() {
    let broker = Broker::start();
    let listener = broker.listen().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger");
    let faults = "duplicate=0.1,resend=0.1,drop=0.03,late=0.1,skew=0.5,silence=0.02:20ms,storm=1:100ms,\
                  not_json=0.05,truncated=0.05,wrong_types=0.05,binary=0.05,huge=0.05:20k";
    let plan = FleetPlan {
        protocols: vec![Protocol::V311, Protocol::V5],
        qos: vec![Qos::AtLeastOnce, Qos::ExactlyOnce],
        messages: Some(MESSAGES),
        rate: Some(100.0),
        faults: faults.parse().unwrap(),
        clean: false,
        ledger: Some(file.clone()),
        ..broker.plan()
    };
    let report = run(plan, broker.authority.devices(DEVICES)).await;
    assert_eq!((report.total.sent, report.total.unsettled), (MESSAGES * DEVICES as u64, 0), "{report:?}");
    assert!(report.total.copies > 0 && report.connects.reconnected > DEVICES as u64, "{report:?}");
    let expect = [
        "binary",
        "drop",
        "duplicate",
        "huge",
        "late",
        "not_json",
        "resend",
        "silence",
        "skew",
        "storm",
        "truncated",
        "wrong_types",
    ];
    assert_eq!(report.faults_met.keys().copied().collect::<Vec<_>>(), expect, "{report:?}");
    let entries = ledger(&file);
    assert_eq!(entries.len() as u64, report.total.sent);
    let heard = listener.until(&acknowledged(&entries)).await;
    assert!(heard.values().any(|times| *times > 1), "no duplicate was heard");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_dies_is_waited_for() {
    let mut broker = Broker::start();
    let plan = FleetPlan { rate: Some(50.0), messages: Some(MESSAGES), ..broker.plan() };
    let fleet = Fleet::prepare(plan, broker.authority.devices(DEVICES)).await.unwrap();
    let counters = fleet.counters();
    let running = tokio::spawn(fleet.run(pending()));
    let enough = MESSAGES / 4;
    timeout(PATIENCE, async {
        while counters.progress().acknowledged < enough {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("messages are acknowledged");
    broker.restart();
    let report = timeout(PATIENCE, running).await.expect("done in time").unwrap().expect("a report");
    assert_eq!(report.connects.reconnected, DEVICES as u64, "{report:?}");
    assert_eq!(report.connects.lost, DEVICES as u64, "{report:?}");
    assert_eq!(report.total.acknowledged, MESSAGES * DEVICES as u64, "{report:?}");
    assert!(!report.reasons.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused() {
    let broker = Broker::start();
    let plan = FleetPlan { messages: Some(MESSAGES), patience: 1, ..broker.plan() };
    let report = run(plan, Authority::new().devices(2)).await;
    assert_eq!((report.connects.connected, report.total.sent), (0, 0), "{report:?}");
    assert_eq!(report.connects.refused + report.connects.failed, 2, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_when_it_is_told_to() {
    let broker = Broker::start();
    let fleet = Fleet::prepare(broker.plan(), broker.authority.devices(2)).await.unwrap();
    let counters = fleet.counters();
    let stop = async {
        while counters.progress().acknowledged < MESSAGES {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let report = timeout(PATIENCE, fleet.run(stop)).await.expect("ends").expect("a report");
    assert!(report.total.acknowledged >= MESSAGES, "{report:?}");
    assert_eq!(report.total.unsettled, 0, "{report:?}");
}
