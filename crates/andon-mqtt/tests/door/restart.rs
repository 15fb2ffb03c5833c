//! What is there again after a restart.

use std::sync::atomic::Ordering;

use andon_mqtt::Publication;

use crate::client::{Client, Seen, VERSIONS, Wish};
use crate::plant::{Plant, allowing, name};

fn publication(topic: &str, payload: &str, retain: bool) -> Publication {
    Publication { topic: topic.to_owned(), payload: payload.to_owned().into(), qos: 1, retain }
}

fn message(topic: &str, payload: &str, retain: bool) -> Seen {
    Seen::Message(topic.to_owned(), payload.to_owned(), retain)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_there_again_and_takes_what_comes() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let wish = Wish { keep_session: true, ..Wish::new("pump-01", &papers, version) };
        let (mut client, _) = Client::connect(&plant, &wish).await;
        assert_eq!(client.subscribe("cmd/pump-01/#").await, 1);
        assert_eq!(client.subscribe("cmd/pump-01/set").await, 1);
        client.unsubscribe("cmd/pump-01/#").await;
        let plant = plant.restart().await;
        let given = plant.broker.publish(publication("cmd/pump-01/set", "1", false)).await;
        assert_eq!(given.expect("published"), 1, "{version:?}");
        assert_eq!(plant.broker.publish(publication("cmd/pump-01/x", "1", false)).await.expect("published"), 0);
        let (mut client, present) = Client::connect(&plant, &wish).await;
        assert!(present, "{version:?}");
        assert_eq!(client.next().await, message("cmd/pump-01/set", "1", false), "{version:?}");
        client.disconnect().await;
        let (client, present) = Client::connect(&plant, &Wish { keep_session: false, ..wish }).await;
        assert!(!present, "{version:?}");
        client.disconnect().await;
        assert_eq!(plant.notes.count(), 0, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_a_revoked_device_does_not_come_back() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let wish = Wish { keep_session: true, ..Wish::new("pump-01", &papers, version) };
        let (mut client, _) = Client::connect(&plant, &wish).await;
        assert_eq!(client.subscribe("cmd/pump-01/#").await, 1);
        plant.registry.revoke(&name("pump-01"));
        let plant = plant.restart().await;
        assert_eq!(plant.broker.publish(publication("cmd/pump-01/x", "1", false)).await.expect("published"), 0);
        assert!(!Client::is_let_in(&plant, &wish).await);
    }
}

/// A device that cannot be looked up keeps nobody else's session out, and not its own for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_cannot_be_looked_up_does_not_keep_the_door_shut() {
    let plant = Plant::open().await;
    for text in ["pump-01", "pump-02"] {
        let papers = plant.device(text);
        let wish = Wish { keep_session: true, ..Wish::new(text, &papers, VERSIONS[0]) };
        let (mut client, _) = Client::connect(&plant, &wish).await;
        assert_eq!(client.subscribe(&format!("cmd/{text}/#")).await, 1);
        client.disconnect().await;
    }
    let reached = async |plant: &Plant, text: &str| {
        plant.broker.publish(publication(&format!("cmd/{text}/x"), "1", false)).await.expect("published")
    };
    plant.registry.break_off(&name("pump-01"));
    let plant = plant.restart().await;
    assert_eq!([reached(&plant, "pump-01").await, reached(&plant, "pump-02").await], [0, 1]);
    plant.registry.mend();
    let plant = plant.restart().await;
    assert_eq!([reached(&plant, "pump-01").await, reached(&plant, "pump-02").await], [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_payloads_are_there_again() {
    let plant = Plant::open().await;
    let papers = plant.device_with("panel", allowing(&[("iot:*", "*")]));
    for (topic, payload) in [("state/a", "1"), ("state/b", "2"), ("state/a", "3"), ("state/b", "")] {
        plant.broker.publish(publication(topic, payload, true)).await.expect("published");
    }
    let plant = plant.restart().await;
    for version in VERSIONS {
        let (mut client, _) = Client::connect(&plant, &Wish::new("panel", &papers, version)).await;
        assert_eq!(client.subscribe("state/+").await, 1);
        assert_eq!(client.next().await, message("state/a", "3", true), "{version:?}");
    }
}

/// SUBACK and PUBACK would promise something.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_noted_is_not_acknowledged() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device_with("panel", allowing(&[("iot:*", "*")]));
        let wish = Wish { keep_session: true, ..Wish::new("panel", &papers, version) };
        let (mut client, _) = Client::connect(&plant, &wish).await;
        plant.notes.full.store(true, Ordering::SeqCst);
        assert_eq!(client.subscribe("state/+").await & 128, 128, "{version:?}");
        client.retain("state/a", "1").await;
        assert_eq!(client.next().await, Seen::Gone, "{version:?}");
    }
}
