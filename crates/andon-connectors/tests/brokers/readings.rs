//! Payloads that become readings.

use andon_journal::{KeeperError, Source};
use andon_model::Code;

use crate::plant::{Plant, document};
use andon_testkit::mosquitto::Broker;

const READINGS: &str = "lane = \"readings\"\ndevice = \"data/{device}/#\"\ntopics = [\"#\"]";

fn kept(plant: &Plant) -> Vec<(String, String, String)> {
    let arrivals = plant.kept.arrivals.lock().unwrap();
    let told = |arrival: &andon_journal::Arrival| {
        let payload = String::from_utf8_lossy(&arrival.payload).into_owned();
        (arrival.device.clone(), arrival.topic.clone(), payload)
    };
    arrivals.iter().map(told).collect()
}

fn row(device: &str, topic: &str, payload: &str) -> (String, String, String) {
    (device.to_owned(), topic.to_owned(), payload.to_owned())
}

#[tokio::test]
async fn readings_are_kept_by_device_and_acknowledged_after() {
    // One on its way at a time: what comes after a payload proves that the broker knows that one as acknowledged.
    let broker = Broker::with("allow_anonymous true\nmax_inflight_messages 1\n");
    let text = document(broker.port, "", READINGS);
    let mut plant = Plant::new(&text);
    plant.turn().await.expect("connected");
    *plant.kept.refusals.lock().unwrap() = vec![KeeperError::Failed("disk full".into()), KeeperError::Busy];
    broker.publish_one("data/pump-01/t", 1, "21.5", &[]);
    let problem = plant.next().await.expect_err("the raw log fails after it was busy");
    assert!(problem.code == Code::RawLog && problem.detail.contains("disk full"), "{problem}");
    plant.turn().await.expect("kept at last");
    broker.publish_one("data/pump-02/t/x", 1, "not json", &[]);
    broker.publish_one("other/pump-03", 1, "lost?", &[]);
    while plant.quarantined().await == 0 {
        plant.turn().await.expect("a batch");
    }
    let expect = [row("pump-01", "data/pump-01/t", "21.5"), row("pump-02", "data/pump-02/t/x", "not json")];
    assert_eq!(kept(&plant), expect);
    plant.restart(&text);
    broker.publish_one("data/last/t", 1, "1", &[]);
    while kept(&plant).len() < 3 {
        plant.turn().await.expect("a batch");
    }
    assert_eq!(kept(&plant)[2].0, "last", "what was acknowledged does not come again");
}

#[tokio::test]
async fn a_batch_that_is_given_again_is_not_kept_again() {
    let broker = Broker::start();
    let mut plant = Plant::new(&document(broker.port, "", READINGS));
    plant.turn().await.expect("connected");
    broker.publish_one("data/pump-01/t", 1, "21.5", &[]);
    for _ in 0..3 {
        plant.next().await.expect("the same batch");
    }
    plant.source.acknowledge().await.expect("acknowledged");
    assert_eq!(kept(&plant).len(), 1);
}

#[tokio::test]
async fn one_name_stands_for_all_topics() {
    let broker = Broker::start();
    let options = "lane = \"readings\"\ndevice = \"gateway-7\"\nversion = \"3.1.1\"";
    let text = document(broker.port, "", options);
    broker.publish_one("data/x", 1, "7", &["-r"]);
    let mut plant = Plant::new(&text);
    for _ in 0..2 {
        // The retained reading comes with the first connection, and is known with the second.
        while !plant.turn().await.expect("a batch").events.is_empty() || kept(&plant).is_empty() {}
        plant.turn().await.expect("calm");
        plant.restart(&text);
    }
    assert_eq!(kept(&plant), [row("gateway-7", "data/x", "7")]);
}
