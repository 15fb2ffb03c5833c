//! The fault storm: many events at once, five kinds of faults, three kills, and then the books.
//!
//! `ANDON_STORM_EVENTS` sets the number of events (default 400; `make bench` uses 10,000). One event in
//! ten goes to the Z service, which has no field for a reference: only those may end parked.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use andon_sim::FaultProfile;
use serde_json::Value;

use crate::plant::{Plant, Storage};

const FAULTS: &str =
    "server_error=0.2,slow=0.2:30ms,commit_then_drop=0.2,commit_then_500=0.2,token_expired=0.2,reads=0.05";
const SENDERS: usize = 8;
const KILLS: usize = 3;

fn events() -> usize {
    std::env::var("ANDON_STORM_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(400)
}

fn id(number: usize) -> String {
    format!("storm-{number:06}-{}", "x".repeat(number % 5))
}

fn service(number: usize) -> &'static str {
    if number.is_multiple_of(10) { "z" } else { "standard" }
}

async fn storm(storage: Storage) {
    let (events, accepted) = (events(), AtomicUsize::new(0));
    let faults: FaultProfile = FAULTS.parse().expect("a fault profile");
    let plant = tokio::sync::RwLock::new(Plant::new(storage, 7, &faults).await);
    let senders = (0..SENDERS).map(|sender| send_all(&plant, &accepted, (sender..events).step_by(SENDERS)));
    tokio::join!(futures_util::future::join_all(senders), kill_on_the_way(&plant, &accepted, events));
    let mut plant = plant.into_inner();
    plant.settle().await;
    judge(&plant, events).await;
}

/// A sender repeats every event until it is told yes.
async fn send_all(plant: &tokio::sync::RwLock<Plant>, accepted: &AtomicUsize, numbers: impl Iterator<Item = usize>) {
    for number in numbers {
        while !plant.read().await.deliver(&id(number), service(number)).await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        accepted.fetch_add(1, Ordering::Relaxed);
    }
}

async fn kill_on_the_way(plant: &tokio::sync::RwLock<Plant>, accepted: &AtomicUsize, events: usize) {
    for kill in 1..=KILLS {
        while accepted.load(Ordering::Relaxed) < events * kill / (KILLS + 1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut plant = plant.write().await;
        plant.kill();
        plant.start(&[]).await;
    }
}

async fn judge(plant: &Plant, events: usize) {
    let books = plant.sap.books();
    assert_eq!(books.totals.surplus, 0, "references used twice: {:?}", books.duplicates);
    let mut documents: BTreeMap<String, usize> = BTreeMap::new();
    for run in plant.runs().await {
        let status = run["status"].as_str().unwrap_or_default();
        let parked_rightly = status == "parked" && run["action"] == "notify-z";
        assert!(status == "done" || parked_rightly, "{run}");
        *documents.entry(status.to_owned()).or_default() += 1;
        if status == "parked" {
            say_what_happened(plant, &run).await;
        }
    }
    assert_eq!(documents.values().sum::<usize>(), events, "one run per event: {documents:?}");
    judge_texts(plant, events).await;
    println!("{events} events, {KILLS} kills, {FAULTS}: {documents:?}, lost 0, duplicated 0");
}

/// Every event has its document, and no event has two. A parked one has at most one.
async fn judge_texts(plant: &Plant, events: usize) {
    let mut texts: BTreeMap<String, usize> = BTreeMap::new();
    for document in plant.documents().await {
        let text = ["NotificationText", "ShortText"].into_iter().find_map(|name| document.fields.get(name).cloned());
        let text = text.unwrap_or_default();
        *texts.entry(text).or_default() += 1;
    }
    for number in 0..events {
        let count = texts.get(&format!("Event {}", id(number))).copied().unwrap_or(0);
        let allowed = if service(number) == "z" { 0..=1 } else { 1..=1 };
        assert!(allowed.contains(&count), "event {} has {count} documents", id(number));
    }
}

/// A parked run carries the evidence for the person who looks.
async fn say_what_happened(plant: &Plant, run: &Value) {
    let detail = plant.run_detail(run["id"].as_str().unwrap_or_default()).await;
    let kinds: Vec<_> = detail["timeline"].as_array().into_iter().flatten().map(|entry| &entry["kind"]).collect();
    assert!(kinds.iter().any(|kind| *kind == "lost"), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    storm(Storage::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    storm(Storage::Postgres).await;
}
