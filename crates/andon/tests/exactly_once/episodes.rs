//! Episodes under the same treatment: at most one open notification per alarm, and every alarm counted once.
//!
//! **Crash matrix.** An alarm that joins an open notification, and one that follows after it was completed, killed at
//! every point. **Fault storm.** Rounds of alarms of many assets at once, faults and a kill in each round; between
//! rounds somebody in SAP completes every other notification. A count that is right proves that no alarm was lost;
//! the books prove that none made a second open document.

use std::collections::BTreeMap;
use std::time::Duration;

use andon_sim::FaultProfile;
use serde_json::{Value, json};

use crate::plant::{Plant, Storage};
use crate::scenario::{Earlier, FAULTS, Played, matrix, settled_events};

/// What follows an alarm of the same asset.
const fn after(earlier: Earlier, documents: usize) -> Played {
    Played { name: "sitewise", earlier: Some(earlier), input: "07-chiller-again.json", documents }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_matrix_of_an_alarm_that_joins() {
    matrix(&after(Earlier { input: "01-chiller.json", is_completed: false }, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_matrix_of_an_alarm_after_completion() {
    matrix(&after(Earlier { input: "01-chiller.json", is_completed: true }, 2)).await;
}

const ASSETS: usize = 8;
const ROUNDS: usize = 4;
/// `NotifProcessingPhase` of a notification that was completed.
const COMPLETED: &str = "4";

fn asset(number: usize) -> String {
    format!("asset-{number}")
}

/// Number of the equipment that SAP knows the asset by, padded as SAP keeps it.
fn equipment(number: usize) -> String {
    format!("{:018}", 210_400_100 + number)
}

/// Rows of the lookup for these assets.
fn rows() -> String {
    let row = |number| format!("{},Chiller {number},cooling,{},°C\n", asset(number), 210_400_100 + number);
    (0..ASSETS).map(row).collect()
}

fn alarm(number: usize, round: usize) -> Value {
    let state = json!({ "stateName": "ACTIVE", "ruleEvaluation": { "simpleRule": { "inputProperty": 14.5, "threshold": 12.0 } } });
    let value = json!({
        "timestamp": { "timeInSeconds": 1_775_109_600 + 60 * round, "offsetInNanos": 0 },
        "quality": "GOOD", "value": { "stringValue": state.to_string() },
    });
    let payload = json!({ "assetId": asset(number), "propertyId": "alarm", "values": [value] });
    json!({ "type": "PropertyValueUpdate", "payload": payload })
}

/// Whether the asset's notification is completed at the end of the round.
fn is_completed_after(number: usize, round: usize) -> bool {
    round + 1 < ROUNDS && (number + round).is_multiple_of(2)
}

/// Documents of an asset, and alarms that its last one stands for.
fn due(number: usize) -> (usize, usize) {
    let completed = || (0..ROUNDS).filter(|round| is_completed_after(number, *round));
    (1 + completed().count(), completed().next_back().map_or(ROUNDS, |round| ROUNDS - 1 - round))
}

async fn send(plant: &Plant, number: usize, round: usize) {
    let body = alarm(number, round).to_string().into_bytes();
    while !plant.push("/api/v1/sources/sitewise-alarms", "application/json", body.clone()).await {}
}

/// Every asset reports once, under faults; the program is killed on the way.
async fn play_round(plant: &mut Plant, round: usize, faults: &FaultProfile) {
    plant.sap.set_faults(round as u64, *faults);
    futures_util::future::join_all((0..ASSETS).map(|number| send(plant, number, round))).await;
    tokio::time::sleep(Duration::from_millis(250 * (round as u64 + 1))).await;
    plant.kill();
    plant.start(&[]).await;
    let events = i64::try_from((round + 1) * ASSETS).ok();
    plant.until("every alarm is settled", async |plant| settled_events(plant).await == events).await;
    plant.sap.set_faults(0, FaultProfile::default());
    for (number, document) in open_documents(plant) {
        if is_completed_after(number, round) {
            plant.complete_notification(&document).await;
        }
    }
}

/// The open documents of each asset; there is one of each.
fn open_documents(plant: &Plant) -> BTreeMap<usize, String> {
    let books = plant.sap.books();
    let mut open = BTreeMap::new();
    for document in books.documents.iter().filter(|document| document.fields["NotifProcessingPhase"] != COMPLETED) {
        let number = (0..ASSETS).find(|number| equipment(*number) == document.fields["TechnicalObject"]);
        let second = open.insert(number.expect("an asset"), document.number.clone());
        assert_eq!(second, None, "{} is a second open document of its alarm", document.number);
    }
    open
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_storm() {
    let (played, faults) = (Played::find("sitewise"), FAULTS.parse().expect("a fault profile"));
    let mut plant = Plant::with(Storage::Sqlite, 5, &FaultProfile::default(), |sap| {
        let mut documents = played.configuration(sap);
        documents.iter_mut().filter(|(_, name, _)| name == "sitewise-assets").for_each(|own| own.2.push_str(&rows()));
        documents
    })
    .await;
    for round in 0..ROUNDS {
        play_round(&mut plant, round, &faults).await;
    }
    judge(&plant).await;
}

async fn judge(plant: &Plant) {
    let runs = plant.runs().await;
    assert!(runs.iter().all(|run| run["status"] == "done"), "{runs:?}");
    assert_eq!(runs.len(), ASSETS * ROUNDS, "one run per alarm");
    let books = plant.sap.books();
    assert_eq!(books.totals.surplus, 0, "references used twice: {:?}", books.duplicates);
    let open = open_documents(plant);
    let episodes = plant.try_get("/api/v1/episodes").await.expect("episodes");
    for number in 0..ASSETS {
        let of_asset =
            books.documents.iter().filter(|document| document.fields["TechnicalObject"] == equipment(number));
        let (documents, joined) = due(number);
        assert_eq!(of_asset.count(), documents, "documents of asset {number}");
        let key = format!("{}/alarm", asset(number));
        let episode = episodes.as_array().expect("a list").iter().find(|episode| episode["key"] == *key);
        let episode = episode.expect("an episode of each asset");
        assert_eq!(episode["count"], joined, "asset {number}: {episode}");
        assert_eq!(episode["document"].as_str(), open.get(&number).map(String::as_str), "asset {number}");
    }
    let documents = books.documents.len();
    println!("{} alarms, {ROUNDS} kills, {FAULTS}: {documents} documents, lost 0, second open ones 0", runs.len());
}
