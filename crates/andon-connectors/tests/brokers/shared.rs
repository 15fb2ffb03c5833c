//! Two sources that share a subscription.

use crate::plant::{NUMBERED, Plant, document, ids, numbered, sorted};
use andon_testkit::mosquitto::Broker;

#[tokio::test]
async fn each_payload_goes_to_one_of_the_two() {
    for version in ["3.1.1", "5"] {
        let broker = Broker::start();
        let text = |client: &str| {
            let options = format!("version = \"{version}\"\nclient_id = \"{client}\"\ngroup = \"andon\"\ninflight = 4");
            document(broker.port, NUMBERED, &options)
        };
        let mut first = Plant::new(&text("one"));
        let mut second = Plant::new(&text("two"));
        first.turn().await.expect("connected");
        second.turn().await.expect("connected");
        broker.publish("data/x", 1, &numbered(0..60));
        let mut found = Vec::new();
        while found.len() < 60 {
            let batch = tokio::select! {
                batch = first.turn() => batch,
                batch = second.turn() => batch,
            };
            found.extend(batch.expect("a batch").events.into_iter().map(|event| event.id));
        }
        assert_eq!(sorted(found), ids(0..60), "{version}");
        let shares = (first.ids().await.len(), second.ids().await.len());
        assert!(shares.0 > 0 && shares.1 > 0 && shares.0 + shares.1 == 60, "{version}: {shares:?}");
    }
}
