//! A process that dies between receipt, durable write and acknowledgement; a broker that delivers again.

use andon_journal::Source;

use crate::plant::{NUMBERED, Plant, document, ids, numbered, sorted};
use andon_testkit::mosquitto::Broker;

const COUNT: u32 = 40;

/// Where the process dies.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// The batch was received and nothing was written.
    BeforeDurable,
    /// The events are in the journal and the broker does not know.
    BeforeAcknowledged,
    /// The acknowledgement was given, and may or may not have left.
    Acknowledging,
}

async fn check(version: &str, qos: u8, death: Death) {
    let broker = Broker::start();
    let options = format!("version = \"{version}\"\nqos = {qos}\ninflight = 8\nkeep_alive = \"5s\"");
    let text = document(broker.port, NUMBERED, &options);
    let mut plant = Plant::new(&text);
    plant.turn().await.expect("it connects, and tells that it is well");
    broker.publish("data/x", qos, &numbered(0..COUNT));
    for _ in 0..3 {
        let batch = plant.next().await.expect("a batch");
        assert!((1..=8).contains(&batch.events.len()), "{version} {qos} {death:?}: {}", batch.events.len());
        if !matches!(death, Death::BeforeDurable) {
            plant.append(batch).await;
        }
        if matches!(death, Death::Acknowledging) {
            plant.source.acknowledge().await.expect("acknowledged");
        }
        plant.restart(&text);
    }
    plant.until_events(COUNT as usize).await;
    let found = plant.ids().await;
    assert_eq!(sorted(found), ids(0..COUNT), "{version} {qos} {death:?}");
    nothing_is_left(&broker, &mut plant, &text).await;
}

/// What was acknowledged does not come again: a last payload is all that is delivered.
async fn nothing_is_left(broker: &Broker, plant: &mut Plant, text: &str) {
    plant.restart(text);
    broker.publish_one("data/last", 1, "{\"n\":\"last\"}", &[]);
    let mut seen = Vec::new();
    while seen.last().is_none_or(|id| id != "last") {
        let batch = plant.turn().await.expect("a batch");
        seen.extend(batch.events.into_iter().map(|event| event.id));
    }
    assert!(seen.len() <= 9, "at most one window was on its way: {seen:?}");
}

#[tokio::test]
async fn qos_1_with_version_3_1_1() {
    for death in [Death::BeforeDurable, Death::BeforeAcknowledged, Death::Acknowledging] {
        check("3.1.1", 1, death).await;
    }
}

#[tokio::test]
async fn qos_1_with_version_5() {
    for death in [Death::BeforeDurable, Death::BeforeAcknowledged, Death::Acknowledging] {
        check("5", 1, death).await;
    }
}

#[tokio::test]
async fn qos_2_with_both_versions() {
    for version in ["3.1.1", "5"] {
        for death in [Death::BeforeDurable, Death::BeforeAcknowledged, Death::Acknowledging] {
            check(version, 2, death).await;
        }
    }
}

#[tokio::test]
async fn without_an_acknowledgement_the_same_batch_is_given_again_and_no_more() {
    let broker = Broker::start();
    let mut plant = Plant::new(&document(broker.port, NUMBERED, "inflight = 5"));
    plant.turn().await.expect("connected");
    broker.publish("data/x", 1, &numbered(0..20));
    let mut first = plant.next().await.expect("a batch");
    let again = plant.next().await.expect("the same");
    assert_eq!(first.events, again.events);
    first.marks.clear();
    plant.append(first).await;
    plant.source.acknowledge().await.expect("acknowledged");
    plant.until_events(20).await;
    assert_eq!(plant.ids().await, ids(0..20), "in the order of the broker");
}
