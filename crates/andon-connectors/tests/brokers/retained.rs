//! Retained payloads, which come with every new subscription.

use crate::plant::{Plant, document};
use andon_testkit::mosquitto::Broker;

const STATE: &str = "decoder = \"json\"\ndecode = { type = \"state\" }\n";

/// How many of the retained payloads become events in each of three connections, each by a new process.
async fn check(version: &str, retained: &str, expect: [usize; 3]) {
    let broker = Broker::start();
    for topic in ["data/a", "data/b"] {
        broker.publish_one(topic, 1, "{\"on\":true}", &["-r"]);
    }
    let text = document(broker.port, STATE, &format!("version = \"{version}\"\nretained = \"{retained}\""));
    let mut plant = Plant::new(&text);
    let mut found = [0; 3];
    for (round, count) in found.iter_mut().enumerate() {
        let last = format!("{{\"round\":{round}}}");
        loop {
            let batch = plant.turn().await.expect("a batch");
            let is_last = batch.events.iter().any(|event| event.data["round"] == round);
            *count += batch.events.iter().filter(|event| event.data["on"] == true).count();
            if is_last {
                break;
            }
            // It is calm: everything that was retained has come.
            if batch.events.is_empty() {
                broker.publish_one("data/c", 1, &last, &[]);
            }
        }
        plant.restart(&text);
    }
    assert_eq!(found, expect, "{version}, {retained}");
    let known = plant.ids().await.len();
    assert_eq!(known, 3 + expect[0], "the same payload on the same topic is one event");
}

#[tokio::test]
async fn they_are_taken_once() {
    for version in ["3.1.1", "5"] {
        check(version, "once", [2, 0, 0]).await;
    }
}

#[tokio::test]
async fn they_are_taken_every_time_or_never() {
    for version in ["3.1.1", "5"] {
        check(version, "every", [2, 2, 2]).await;
        check(version, "never", [0, 0, 0]).await;
    }
}
