//! A language model that does its worst: no answer of it changes, holds up or loses a document.
//!
//! The scenario `sitewise` runs against a simulated SAP without faults and, at another address, a model in one mood
//! after the other. Whatever the mood, there is one notification whose fields are those of a day with a good model;
//! only the summary in its long text differs, and the run does not wait for what never comes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use common::{PASSWORD, Sap, Server, copy_folder, scenarios, wait_for};

/// How long a hostile model lets the run wait: far longer than the summary's `timeout`, which is 2 s.
const FOREVER: &str = "60s";

/// What a run may take with a model that never answers: twice the summary's `timeout`, and all else on a slow machine.
const AT_MOST: Duration = Duration::from_secs(30);

/// What an alarm's state carries: a person's words, which the action redacts.
const NOTE: &str = "Mrs Berger \"from nights\" says it smells";

/// The text of the action where there is none of the model.
const OWN: &str = "Chiller 1: flow temperature in °C is 14.5, the limit is 12.0.";

struct Plant {
    sap: Sap,
    model: Sap,
    server: Server,
}

impl Plant {
    fn start() -> Self {
        let (sap, model, server) = (Sap::start(), Sap::start(), Server::start());
        assert!(server.feed(&["secret", "set", "sap-password"], PASSWORD).status.success());
        let scenario = server.folder.path().join("scenario");
        copy_folder(&scenarios().join("sitewise"), &scenario);
        for (destination, at) in [("s4", &sap), ("language-model", &model)] {
            let file = scenario.join(format!("destinations/{destination}.toml"));
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, text.replace("http://127.0.0.1:8481", &at.simulator.base_url())).unwrap();
        }
        server.json(&["apply", &scenario.display().to_string()]);
        Self { sap, model, server }
    }

    /// Sends an alarm of another property, waits for its run, and gives the fields and the text of its document.
    fn alarm(&self, property: &str) -> (BTreeMap<String, String>, String) {
        let state = serde_json::json!({
            "stateName": "Active",
            "customerAction": { "actionName": "RESET", "reset": { "note": NOTE } },
            "ruleEvaluation": { "simpleRule": { "inputProperty": 14.5, "operator": ">", "threshold": 12.0 } },
        });
        let alarm = serde_json::json!({ "type": "PropertyValueUpdate", "payload": {
            "assetId": "a1000000-0000-4000-8000-000000000001", "propertyId": property,
            "values": [{ "timestamp": { "timeInSeconds": 1_775_109_600 }, "quality": "GOOD",
                "value": { "stringValue": state.to_string() } }],
        } });
        let file = self.server.folder.path().join("alarm.json");
        fs::write(&file, alarm.to_string()).unwrap();
        let before = self.sap.simulator.books().documents.len();
        let sent = self.server.json(&["events", "send", &file.display().to_string(), "--source", "sitewise-alarms"]);
        wait_for("the run to be done", || {
            let shown = self.server.json(&["events", "show", &sent[0][1]["events"][0]["offset"].to_string()]);
            (shown["runs"][0]["status"] == "done").then_some(())
        });
        let books = self.sap.simulator.books();
        let [document] = &books.documents[before..] else { panic!("{property}: {:?}", books.documents) };
        let text = self.sap.notification(&document.number)["d"]["MaintNotificationLongText"].to_string();
        (document.fields.clone(), text)
    }
}

#[test]
fn whatever_a_model_answers_there_is_one_document_in_time() {
    let plant = Plant::start();
    let (expected, text) = plant.alarm("calm");
    assert!(!text.contains(OWN), "a good model's words are used: {text}");
    let waits = ["llm_silent", "slow", "slow_drip"].map(|kind| format!("{kind}=1:{FOREVER}"));
    let moods = [
        "llm_injection=1",
        "llm_broken_json=1",
        "llm_huge=1",
        "llm_refusal=1",
        "llm_rate_limited=1",
        "server_error=1",
        "html_error=1",
        "unauthorized=1",
        "drop_before=1",
        "refuse_to_connect=1",
    ];
    // Those that make wait come first: later the destination's circuit is open, and nothing is asked at all.
    for mood in waits.into_iter().chain(moods.map(str::to_owned)) {
        plant.model.simulator.set_faults(7, mood.parse().unwrap());
        let begun = Instant::now();
        let (fields, text) = plant.alarm(&mood);
        assert!(begun.elapsed() < AT_MOST, "{mood} held the run up for {:?}", begun.elapsed());
        assert_eq!(fields, expected, "{mood} changed the document");
        assert!(text.contains(OWN) || mood == "llm_injection=1", "{mood}: {text}");
    }
    assert!(plant.sap.simulator.books().duplicates.is_empty());
    let asked = plant.model.simulator.books().llm_calls;
    assert!(asked.len() > 5 && asked.iter().all(|call| !call.prompt.contains("Berger")), "{asked:?}");
}
