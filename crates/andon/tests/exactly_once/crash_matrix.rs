//! The crash matrix: the process is killed at every place where it could matter, and started again.
//!
//! A first life with `ANDON_CRASH_LOG` tells how many crash points one event passes. Then, for each of
//! them: a fresh plant, a life that ends at exactly this point, a sender that repeats until it is told
//! yes, a second life, and a look into the books. Each profile is one matrix: without faults, and with
//! every create committed and then dropped, which adds the points around the search.

use andon_sim::FaultProfile;

use crate::plant::{Plant, Storage};

const EVENT: &str = "e-1";

/// Points that one event passes in an undisturbed life.
async fn points(storage: Storage, faults: &str) -> u64 {
    let mut plant = Plant::new(storage, 1, profile(faults)).await;
    plant.kill();
    let log = plant.folder().join("points");
    plant.start(&[("ANDON_CRASH_LOG", log.display().to_string())]).await;
    assert!(plant.deliver(EVENT, service(faults)).await, "the event is accepted");
    plant.settle().await;
    std::fs::read_to_string(log).expect("points were noted").lines().count() as u64
}

/// With every changing request dropped, only the action without a changing post step can end.
fn service(faults: &str) -> &'static str {
    if faults.is_empty() { "standard" } else { "create-only" }
}

fn profile(text: &str) -> FaultProfile {
    text.parse().expect("a fault profile")
}

/// One cell of the matrix. Returns whether the point was reached.
async fn die_at(storage: Storage, faults: &str, point: u64) -> bool {
    let mut plant = Plant::new(storage, 1, profile(faults)).await;
    plant.kill();
    plant.start(&[("ANDON_CRASH_AT", point.to_string())]).await;
    let mut accepted = plant.deliver(EVENT, service(faults)).await;
    if accepted {
        plant.until("it dies or is done", async |plant| plant.has_ended() || is_done(plant).await).await;
    }
    let died = plant.has_ended();
    plant.kill();
    plant.start(&[]).await;
    while !accepted {
        accepted = plant.deliver(EVENT, service(faults)).await;
    }
    plant.settle().await;
    judge(&plant, point).await;
    died
}

async fn is_done(plant: &Plant) -> bool {
    let rows = plant.try_get("/api/v1/runs?limit=2").await.map(|page| page["rows"].clone());
    rows.is_some_and(|rows| rows[0]["status"] == "done")
}

/// One event, one run, one document.
async fn judge(plant: &Plant, point: u64) {
    let books = plant.sap.books();
    let numbers: Vec<_> = books.documents.iter().map(|document| &document.number).collect();
    assert_eq!(numbers.len(), 1, "killed at point {point}: the books hold {numbers:?}");
    let runs = plant.runs().await;
    let statuses: Vec<_> = runs.iter().map(|run| run["status"].as_str().unwrap_or_default()).collect();
    assert_eq!(statuses, ["done"], "killed at point {point}: {runs:?}");
    assert_eq!(runs[0]["documents"], numbers[0].as_str(), "killed at point {point}");
}

async fn matrix(storage: Storage, faults: &str, at_least: u64) {
    let points = points(storage, faults).await;
    assert!(points >= at_least, "{storage:?} with {faults:?} passes only {points} points");
    let mut reached = 0;
    for point in 1..=points {
        reached += u64::from(die_at(storage, faults, point).await);
    }
    println!("{storage:?}, faults {faults:?}: killed at {reached} of {points} points, 0 lost, 0 duplicated");
    assert!(reached + 2 >= points, "only {reached} of {points} points were reached");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_without_faults() {
    matrix(Storage::Sqlite, "", 16).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_with_lost_answers() {
    matrix(Storage::Sqlite, "commit_then_drop=1.0", 18).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_without_faults() {
    matrix(Storage::Postgres, "", 16).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_with_lost_answers() {
    matrix(Storage::Postgres, "commit_then_drop=1.0", 18).await;
}
