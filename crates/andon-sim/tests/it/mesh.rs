//! The mesh: publish, deliver, deliver again.

use std::time::Duration;

use andon_sim::{MeshMessage, QueueBinding};
use serde_json::json;

use crate::client::World;

/// The echo of another simulator is the consumer: its faults decide what is acknowledged.
async fn worlds(faults: &str, binding: impl FnOnce(&str) -> QueueBinding) -> (World, World) {
    let (broker, consumer) = (World::new().await, World::new().await);
    consumer.sap.set_faults(1, faults.parse().unwrap());
    broker.sap.bind_queue(binding(&format!("{}/sim/echo", consumer.sap.base_url()))).unwrap();
    (broker, consumer)
}

fn binding(address: &str) -> QueueBinding {
    QueueBinding { pause_millis: 5, ..QueueBinding::new("q", "IoT/>", address) }
}

async fn publish(world: &World, path: &str, id: &str) -> u16 {
    let request = world.request("POST", path).header("solace-message-id", id).json(&json!({"data": id}));
    request.send().await.unwrap().status().as_u16()
}

/// Waits until all messages are delivered or dead.
async fn settled(world: &World, count: usize) -> Vec<MeshMessage> {
    let wait = async {
        loop {
            let messages = world.sap.books().mesh_messages;
            if messages.len() == count && messages.iter().all(|message| message.state != "queued") {
                return messages;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap()
}

#[tokio::test]
async fn what_is_published_is_delivered_in_order() {
    let (broker, consumer) = worlds("none", binding).await;
    for (path, id, status) in [("/TOPIC/IoT/a", "1", 200), ("/TOPIC/other", "2", 200), ("/QUEUE/q", "3", 200)] {
        assert_eq!(publish(&broker, path, id).await, status);
    }
    assert_eq!(publish(&broker, "/QUEUE/none", "4").await, 404);
    let messages = settled(&broker, 2).await;
    let told: Vec<_> =
        messages.iter().map(|m| (m.message_id.as_str(), m.topic.as_deref(), m.statuses.as_slice())).collect();
    assert_eq!(told, [("1", Some("IoT/a"), &[200][..]), ("3", None, &[200])]);
    assert_eq!(consumer.sap.statistics().by_kind["echo"], 2);
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again() {
    let (broker, _consumer) = worlds("busy=0.5,drop_before=0.3", binding).await;
    for id in 0..10 {
        publish(&broker, "/TOPIC/IoT/a", &id.to_string()).await;
    }
    let messages = settled(&broker, 10).await;
    assert!(messages.iter().all(|message| message.statuses.last() == Some(&200)));
    assert!(messages.iter().any(|message| message.statuses.len() > 1), "{messages:?}");
}

#[tokio::test]
async fn a_message_dies_after_its_redeliveries() {
    let limited = |address: &str| QueueBinding { max_redeliveries: 2, ..binding(address) };
    let (broker, _consumer) = worlds("text_error=1", limited).await;
    publish(&broker, "/TOPIC/IoT/a", "1").await;
    let messages = settled(&broker, 1).await;
    assert_eq!((messages[0].state.as_str(), messages[0].statuses.as_slice()), ("dead", &[500, 500, 500][..]));
}

#[tokio::test]
async fn an_acknowledged_message_may_come_once_more() {
    let (broker, consumer) = worlds("none", binding).await;
    broker.sap.set_faults(1, "redeliver=1".parse().unwrap());
    publish(&broker, "/TOPIC/IoT/a", "1").await;
    let twice = async {
        while consumer.sap.statistics().by_kind.get("echo") != Some(&2) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), twice).await.unwrap();
}

#[tokio::test]
async fn queues_are_bound_over_http() {
    let world = World::new().await;
    let bind = async |body| world.request("PUT", "/sim/mesh").json(&body).send().await.unwrap().status().as_u16();
    assert_eq!(bind(json!({"name": "q", "subscriptions": ["a/>"], "deliver_to": "http://127.0.0.1:9/x"})).await, 204);
    assert_eq!(bind(json!({"name": "q", "deliver_to": "ftp://x"})).await, 400);
    assert_eq!(bind(json!({"name": "q"})).await, 400);
    let (_, shown) = world.get("/sim/mesh").await;
    assert_eq!(shown["queues"][0]["name"], "q");
    assert_eq!(world.request("DELETE", "/sim/mesh").send().await.unwrap().status(), 204);
    assert_eq!(world.get("/sim/mesh").await.1["queues"], json!([]));
}
