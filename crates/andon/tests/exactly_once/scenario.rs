//! The shipped scenarios under the same treatment: killed at every point, and played in a storm of faults.
//!
//! **Crash matrix.** One input of each scenario, chosen for the action with the most steps. **Fault storm.** All
//! inputs, four kinds of faults at 15 % each, three kills; afterwards the books hold what `expected/` says. Only
//! what goes to a service without anything to search for may be parked, and then its document may be missing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use andon_sim::{BookEntry, FaultProfile, SapSimulator};
use serde_json::{Value, json};

use crate::plant::{Plant, Storage};

pub(crate) const FAULTS: &str = "server_error=0.15,commit_then_drop=0.15,commit_then_500=0.15,token_expired=0.15";
const KILLS: usize = 3;

/// A scenario as the tests play it.
pub(crate) struct Played {
    pub(crate) name: &'static str,
    /// What the crash matrix finds settled.
    pub(crate) earlier: Option<Earlier>,
    /// The input that the crash matrix delivers; it becomes one event.
    pub(crate) input: &'static str,
    /// How many documents there are in the end.
    pub(crate) documents: usize,
}

/// An input that was settled before the first kill; it became one event.
pub(crate) struct Earlier {
    pub(crate) input: &'static str,
    /// Whether somebody has completed its notification since.
    pub(crate) is_completed: bool,
}

const SCENARIOS: [Played; 7] = [
    Played { name: "events", earlier: None, input: "01-sitewise-alarm.json", documents: 1 },
    Played { name: "lookout-equipment", earlier: None, input: "pump-03/20260402T060000Z/results.jsonl", documents: 1 },
    Played { name: "lookout-vision", earlier: None, input: "cam-1/1010/FLANGE-80/part-0001", documents: 2 },
    Played { name: "monitron", earlier: None, input: "2026/04/02/08/export-1-2026-04-02-08-00-00", documents: 1 },
    Played { name: "ppe", earlier: None, input: "1010/gate-2/cam-g2/20260402T061500Z", documents: 1 },
    Played { name: "purchase-requisition", earlier: None, input: "01-silo-1.json", documents: 1 },
    Played { name: "sitewise", earlier: None, input: "01-chiller.json", documents: 1 },
];

impl Played {
    pub(crate) fn find(name: &str) -> &'static Self {
        SCENARIOS.iter().find(|played| played.name == name).expect("a scenario")
    }

    fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(self.name)
    }

    fn expected(&self) -> Value {
        let text = std::fs::read(self.folder().join("expected/documents.json")).expect("a file");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// Its documents as `(kind, name, text)`, pointed at the simulator, with waits as short as a test wants them.
    pub(crate) fn configuration(&self, sap: &SapSimulator) -> Vec<(String, String, String)> {
        const KINDS: [&str; 6] = ["actions", "decisions", "destinations", "lookups", "sources", "tables"];
        let mut documents = Vec::new();
        for folder in KINDS {
            for file in files_below(&self.folder().join(folder)) {
                let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&file).expect("a text");
                let text = text.replace("http://127.0.0.1:8481", &sap.base_url());
                let text = text.replace("settle = \"3s\"", "settle = \"300ms\"").replace("\"500ms\"", "\"100ms\"");
                documents.push((folder.trim_end_matches('s').to_owned(), name, text));
            }
        }
        documents
    }

    /// Name and folder of its source, when it has one.
    fn source(&self) -> Option<(String, Option<String>)> {
        let file = files_below(&self.folder().join("sources")).into_iter().next()?;
        let source: toml::Table = std::fs::read_to_string(&file).expect("a text").parse().expect("TOML");
        let bucket = source.get("bucket").and_then(|bucket| bucket["url"].as_str()).map(str::to_owned);
        Some((file.file_stem()?.to_string_lossy().into_owned(), bucket))
    }

    /// Delivers the inputs whose path starts so, each until it is taken.
    async fn deliver(&self, plant: &Plant, start: &str) -> bool {
        let input = self.folder().join("input");
        let source = self.source();
        let mut all_taken = true;
        for file in files_below(&input) {
            let path = file.strip_prefix(&input).expect("below").display().to_string();
            let body = std::fs::read(&file).expect("a file");
            match &source {
                _ if !path.starts_with(start) => {}
                Some((_, Some(bucket))) => copy_to(&plant.folder().join("data").join(bucket).join(path), &body),
                Some((name, None)) => {
                    all_taken &= plant.push(&format!("/api/v1/sources/{name}"), "application/json", body).await;
                }
                None if body.starts_with(b"[") => {
                    all_taken &= plant.push("/api/v1/events", "application/cloudevents-batch+json", body).await;
                }
                None if String::from_utf8_lossy(&body).contains("specversion") => {
                    all_taken &= plant.push("/api/v1/events", "application/cloudevents+json", body).await;
                }
                None => all_taken &= plant.push("/api/events", "application/json", body).await,
            }
        }
        all_taken
    }
}

fn copy_to(file: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    std::fs::write(file, bytes).expect("written");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> =
        paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

/// How many events there are, none of them undecided and no run pending; `None` while it is otherwise.
pub(crate) async fn settled_events(plant: &Plant) -> Option<i64> {
    let status = plant.try_get("/api/v1/status").await?;
    let quiet = status["status"]["backlog"] == 0 && status["status"]["pending_runs"] == 0;
    quiet.then(|| status["counts"]["events"].as_i64()).flatten()
}

/// A plant in which the earlier input is settled, and how many events it has.
async fn prepared(played: &Played) -> (Plant, i64) {
    let mut plant = Plant::with(Storage::Sqlite, 1, &FaultProfile::default(), |sap| played.configuration(sap)).await;
    let Some(earlier) = &played.earlier else { return (plant, 0) };
    assert!(played.deliver(&plant, earlier.input).await, "{} is taken", earlier.input);
    plant.until("the earlier event is settled", async |plant| settled_events(plant).await == Some(1)).await;
    if earlier.is_completed {
        for document in plant.sap.books().documents {
            plant.complete_notification(&document.number).await;
        }
    }
    (plant, 1)
}

/// One life that ends at `point`, and one after it. Returns whether the first reached the point.
async fn die_at(played: &Played, point: &str) -> bool {
    let (mut plant, earlier) = prepared(played).await;
    let events = Some(earlier + 1);
    plant.kill();
    let log = plant.folder().join("points");
    let environment = [("ANDON_CRASH_AT", point.to_owned()), ("ANDON_CRASH_LOG", log.display().to_string())];
    plant.start(&environment).await;
    let mut taken = played.deliver(&plant, played.input).await;
    if taken {
        let done = async |plant: &mut Plant| plant.has_ended() || settled_events(plant).await == events;
        plant.until("it dies or is done", done).await;
    }
    plant.kill();
    plant.start(&[]).await;
    while !taken {
        taken = played.deliver(&plant, played.input).await;
    }
    plant.until("the event is settled", async |plant| settled_events(plant).await == events).await;
    judge_one(played, &plant, point).await;
    std::fs::read_to_string(log).expect("points were noted").lines().any(|line| line == point)
}

/// The documents that are due, every run done, and every event counted in its episode.
async fn judge_one(played: &Played, plant: &Plant, point: &str) {
    let documents = plant.sap.books().documents;
    assert_eq!(documents.len(), played.documents, "{}, killed {point}", played.name);
    for run in plant.runs().await {
        assert_eq!(run["status"], "done", "{}, killed {point}: {run}", played.name);
    }
    let Some(earlier) = &played.earlier else { return };
    let episodes = plant.try_get("/api/v1/episodes").await.expect("episodes");
    let (last, count) = (documents.last().expect("a document"), if earlier.is_completed { 1 } else { 2 });
    assert_eq!(episodes.as_array().map(Vec::len), Some(1), "{episodes}");
    assert_eq!((&episodes[0]["document"], &episodes[0]["count"]), (&json!(last.number), &json!(count)), "{point}");
    let is_changed = last.changes > 0;
    assert_eq!(is_changed, !earlier.is_completed, "killed {point}: an open document is updated, a new one is not");
}

pub(crate) async fn matrix(played: &Played) {
    const KINDS: [&str; 6] =
        ["before append", "after append", "before commit", "after commit", "before send", "after send"];
    let mut killed = Vec::new();
    for kind in KINDS {
        let mut number = 1;
        while die_at(played, &format!("{kind} {number}")).await {
            number += 1;
        }
        assert!(number > 1, "never killed {kind}");
        killed.push(format!("{} × {kind}", number - 1));
    }
    println!("{}, {}: killed {}; 0 lost, 0 duplicated", played.name, played.input, killed.join(", "));
}

async fn storm(name: &str) {
    let (played, faults): (_, FaultProfile) = (Played::find(name), FAULTS.parse().expect("a fault profile"));
    let mut plant = Plant::with(Storage::Sqlite, 11, &faults, |sap| played.configuration(sap)).await;
    while !played.deliver(&plant, "").await {}
    for kill in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(150 * (kill as u64 + 1))).await;
        plant.kill();
        plant.start(&[]).await;
    }
    let events = played.expected()["events"].as_i64();
    plant.until("every event is settled", async |plant| settled_events(plant).await == events).await;
    judge(played, &plant).await;
}

/// What the books hold is what the scenario expects; what is missing was parked.
async fn judge(played: &Played, plant: &Plant) {
    let mut parked = 0;
    for run in plant.runs().await {
        let may_park = run["action"] == "create-z-notification";
        assert!(run["status"] == "done" || (run["status"] == "parked" && may_park), "{}: {run}", played.name);
        parked += usize::from(run["status"] == "parked");
    }
    let mut missing: BTreeMap<String, i64> = BTreeMap::new();
    for document in played.expected()["documents"].as_array().expect("a list") {
        *missing.entry(text_of(&document["service"], &document["fields"])).or_default() += 1;
    }
    for document in plant.sap.books().documents {
        *missing.entry(entry_text(&document)).or_default() -= 1;
    }
    missing.retain(|_, count| *count != 0);
    let lost: i64 = missing.values().sum();
    let only_missing = missing.iter().all(|(text, count)| *count > 0 && text.contains("ZSERVICE"));
    assert!(only_missing && usize::try_from(lost).is_ok_and(|lost| lost <= parked), "{}: {missing:?}", played.name);
    judge_counts(played, plant).await;
    println!("{}: {KILLS} kills, {FAULTS}: {parked} parked, lost 0, duplicated 0", played.name);
}

/// Every event of an episode is counted, once.
async fn judge_counts(played: &Played, plant: &Plant) {
    let counts = |episodes: &Value| -> BTreeMap<String, Value> {
        let episodes = episodes.as_array().into_iter().flatten();
        episodes
            .map(|episode| (format!("{} {}", episode["action"], episode["key"]), episode["count"].clone()))
            .collect()
    };
    let found = plant.try_get("/api/v1/episodes").await.expect("episodes");
    assert_eq!(counts(&found), counts(&played.expected()["episodes"]), "{}", played.name);
}

/// Fields that hold numbers, which depend on what comes first.
const ASSIGNED: [&str; 2] = ["IncidentID", "LinkedSAPObjectKey"];

fn entry_text(document: &BookEntry) -> String {
    let mut fields = document.fields.clone();
    fields.retain(|name, _| !ASSIGNED.contains(&name.as_str()));
    let fields = serde_json::to_value(&fields).expect("JSON");
    text_of(&document.service.clone().into(), &fields)
}

/// Service and fields as one text, whatever their order.
fn text_of(service: &Value, fields: &Value) -> String {
    let fields: BTreeMap<String, Value> = serde_json::from_value(fields.clone()).expect("an object");
    format!("{service} {fields:?}")
}

macro_rules! play {
    ($($test:ident: $name:literal,)*) => {$(
        mod $test {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn crash_matrix() {
                super::matrix(super::Played::find($name)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn fault_storm() {
                super::storm($name).await;
            }
        }
    )*};
}

play! {
    events: "events",
    lookout_equipment: "lookout-equipment",
    lookout_vision: "lookout-vision",
    monitron: "monitron",
    ppe: "ppe",
    purchase_requisition: "purchase-requisition",
    sitewise: "sitewise",
}
