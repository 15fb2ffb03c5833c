//! The crash matrix: the process is killed at every place where it could matter, and started again.
//!
//! For each crash point that a life passes: a fresh plant, a life that ends at exactly this point, a sender that repeats until it is told
//! yes, a second life, and a look into the books. Each profile is one matrix: without faults, and with
//! every create committed and then dropped, which adds the points around the search.

use andon_sim::FaultProfile;

use crate::plant::{Plant, Storage};

const EVENT: &str = "e-1";

/// With every changing request dropped, only the action without a changing post step can end.
fn service(faults: &str) -> &'static str {
    if faults.is_empty() { "standard" } else { "create-only" }
}

fn profile(text: &str) -> FaultProfile {
    text.parse().expect("a fault profile")
}

/// One cell of the matrix. Returns whether the life reached the point, which killed it.
async fn die_at(storage: Storage, faults: &str, point: &str) -> bool {
    let mut plant = Plant::new(storage, 1, &profile(faults)).await;
    plant.kill();
    let log = plant.folder().join("points");
    let environment = [("ANDON_CRASH_AT", point.to_owned()), ("ANDON_CRASH_LOG", log.display().to_string())];
    plant.start(&environment).await;
    let mut accepted = plant.deliver(EVENT, service(faults)).await;
    if accepted {
        plant.until("it dies or is done", async |plant| plant.has_ended() || is_done(plant).await).await;
    }
    plant.kill();
    plant.start(&[]).await;
    while !accepted {
        accepted = plant.deliver(EVENT, service(faults)).await;
    }
    plant.settle().await;
    judge(&plant, point).await;
    let points = std::fs::read_to_string(log).expect("points were noted");
    points.lines().any(|line| line == point)
}

async fn is_done(plant: &Plant) -> bool {
    let rows = plant.try_get("/api/v1/runs?limit=2").await.map(|page| page["rows"].clone());
    rows.is_some_and(|rows| rows[0]["status"] == "done")
}

/// One event, one run, one document.
async fn judge(plant: &Plant, point: &str) {
    let books = plant.sap.books();
    let numbers: Vec<_> = books.documents.iter().map(|document| &document.number).collect();
    assert_eq!(numbers.len(), 1, "killed {point}: the books hold {numbers:?}");
    let runs = plant.runs().await;
    let statuses: Vec<_> = runs.iter().map(|run| run["status"].as_str().unwrap_or_default()).collect();
    assert_eq!(statuses, ["done"], "killed {point}: {runs:?}");
    assert_eq!(runs[0]["documents"], numbers[0].as_str(), "killed {point}");
}

/// For each kind of point: kills at the first, the second … until a life has no further one.
async fn matrix(storage: Storage, faults: &str, kinds: &[&str]) {
    let mut killed = Vec::new();
    for kind in kinds {
        let mut number = 1;
        while die_at(storage, faults, &format!("{kind} {number}")).await {
            number += 1;
        }
        assert!(number > 1, "never killed {kind}; only {killed:?}");
        killed.push(format!("{} × {kind}", number - 1));
    }
    println!("{storage:?}, faults {faults:?}: killed {}; 0 lost, 0 duplicated", killed.join(", "));
}

const WRITES_AND_SENDS: &[&str] =
    &["before append", "after append", "before commit", "after commit", "before send", "after send"];
const AND_PROBES: &[&str] =
    &["before commit", "after commit", "before send", "after send", "before probe", "after probe"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_without_faults() {
    matrix(Storage::Sqlite, "", WRITES_AND_SENDS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_with_lost_answers() {
    matrix(Storage::Sqlite, "commit_then_drop=1.0", AND_PROBES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_without_faults() {
    matrix(Storage::Postgres, "", WRITES_AND_SENDS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_with_lost_answers() {
    matrix(Storage::Postgres, "commit_then_drop=1.0", AND_PROBES).await;
}
