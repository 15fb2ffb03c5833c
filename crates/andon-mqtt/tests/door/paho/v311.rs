//! MQTT 3.1.1.

use super::peer::{Hello, Peer};
use super::{Bench, Version};
use Version::V311;

#[tokio::test(flavor = "multi_thread")]
async fn basic() {
    super::basic(V311).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_message() {
    super::retained_message(V311).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_message_queueing() {
    super::offline_message_queueing(V311).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn will_message() {
    super::will_message(V311).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_subscriptions() {
    super::overlapping_subscriptions(V311).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keepalive() {
    super::keepalive(V311).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redelivery_on_reconnect() {
    super::redelivery_on_reconnect(V311).await;
}

/// Differs: it is let in only where a policy allows client ids that are not the device's name; without a clean session
/// it is refused.
#[tokio::test(flavor = "multi_thread")]
async fn zero_length_clientid() {
    let bench = Bench::open(V311).await;
    let papers = bench.plant.device("pump-01");
    let nameless = Hello::new("");
    let (_, welcome) = Peer::knock(&bench.plant, &papers, V311, &nameless).await.expect("an answer");
    assert_eq!(welcome.code, 5, "by the default policy");
    drop(bench.connect(&nameless).await);
    let kept = Hello { clean: false, ..nameless };
    let answer = Peer::knock(&bench.plant, &bench.papers, V311, &kept).await;
    assert!(answer.is_none_or(|(_, welcome)| welcome.code == 2), "a session needs a name");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribe_failure() {
    super::subscribe_failure(V311).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dollar_topics() {
    super::dollar_topics(V311).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsubscribe() {
    super::unsubscribe(V311).await;
}
