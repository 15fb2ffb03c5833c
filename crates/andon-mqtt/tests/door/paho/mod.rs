//! The cases of Paho's interoperability suites, one test for each under the name that the suites give it.
//!
//! **Constraints.** Written anew, packet by packet, so that what is asserted is what the specification says. Where this
//! broker is otherwise than a suite expects, the case asserts how, and the first paragraph of its documentation says it
//! after `Differs:`. The guide's table is made from that: `ANDON_BLESS=1` writes it, and a test compares it.

mod peer;
mod table;
mod v311;
mod v5;
mod v5_flow;
mod v5_session;

use crate::client::Version;
use crate::packets::Properties;
use crate::plant::{Papers, Plant, anything};
use peer::{Hello, Message, Peer};

/// A plant with two clients that may do everything.
struct Bench {
    plant: Plant,
    papers: Papers,
    version: Version,
}

impl Bench {
    async fn open(version: Version) -> Self {
        let plant = Plant::open().await;
        let papers = plant.device_with("paho", anything());
        Self { plant, papers, version }
    }

    async fn connect(&self, hello: &Hello) -> Peer {
        Peer::connect(&self.plant, &self.papers, self.version, hello).await.0
    }

    /// Two clients without a session.
    async fn pair(&self) -> (Peer, Peer) {
        (self.connect(&Hello::new("a")).await, self.connect(&Hello::new("b")).await)
    }
}

async fn basic(version: Version) {
    let bench = Bench::open(version).await;
    let (mut a, mut b) = bench.pair().await;
    assert_eq!(b.subscribe(&[("TopicA", 2)]).await, [2]);
    for qos in [0, 1, 2] {
        a.give("TopicA", &format!("qos {qos}"), qos).await;
    }
    for qos in [0, 1, 2] {
        let message = b.next().await;
        assert_eq!((message.payload.as_str(), message.qos), (&*format!("qos {qos}"), qos), "{version:?}");
    }
    b.disconnect(&bench.plant).await;
    a.raw.send(&[0x10, 0]).await;
    assert!(a.raw.ends().await, "a second CONNECT");
}

async fn retained_message(version: Version) {
    let bench = Bench::open(version).await;
    let mut a = bench.connect(&Hello::new("a")).await;
    let topics = ["TopicA/B", "Topic/C", "TopicA/C"];
    for (topic, qos) in topics.into_iter().zip([0, 1, 2]) {
        a.retain(topic, &format!("qos {qos}"), qos).await;
    }
    a.ping().await;
    assert_eq!(a.subscribe(&[("+/+", 2)]).await, [2]);
    let mut seen = Vec::new();
    for _ in topics {
        let message = a.next().await;
        assert!(message.retain, "{version:?}");
        seen.push((message.topic, message.qos));
    }
    seen.sort();
    let expect = [("Topic/C", 1), ("TopicA/B", 0), ("TopicA/C", 2)].map(|(topic, qos)| (topic.to_owned(), qos));
    assert_eq!(seen, expect, "{version:?}");
    for (topic, qos) in topics.into_iter().zip([0, 1, 2]) {
        a.retain(topic, "", qos).await;
        assert_eq!(a.next().await.payload, "");
    }
    a.retain("Topic/after", "after", 1).await;
    assert_eq!(a.next().await.payload, "after");
    let mut b = bench.connect(&Hello::new("b")).await;
    b.subscribe(&[("+/+", 2)]).await;
    assert_eq!(b.next().await.payload, "after", "{version:?}: nothing else is retained");
}

async fn offline_message_queueing(version: Version) {
    let bench = Bench::open(version).await;
    let mut a = bench.connect(&Hello::keeping("a")).await;
    a.subscribe(&[("#", 2)]).await;
    a.disconnect(&bench.plant).await;
    let mut b = bench.connect(&Hello::new("b")).await;
    for (topic, qos) in ["TopicA/B", "Topic/C", "TopicA/C"].into_iter().zip([0, 1, 2]) {
        b.give(topic, &format!("qos {qos}"), qos).await;
    }
    let mut a = bench.connect(&Hello::keeping("a")).await;
    assert_eq!(a.payloads(3).await, ["qos 0", "qos 1", "qos 2"], "{version:?}");
}

async fn will_message(version: Version) {
    let bench = Bench::open(version).await;
    let mut b = bench.connect(&Hello::new("b")).await;
    b.subscribe(&[("Topic/C", 2)]).await;
    let will = Some(Message::retained("Topic/C", "client not disconnected", 1));
    let a = bench.connect(&Hello { will, ..Hello::new("a") }).await;
    a.vanish(&bench.plant).await;
    let message = b.next().await;
    assert_eq!((message.payload.as_str(), message.qos), ("client not disconnected", 1), "{version:?}");
}

async fn overlapping_subscriptions(version: Version) {
    let bench = Bench::open(version).await;
    let mut a = bench.connect(&Hello::new("a")).await;
    a.subscribe(&[("TopicA/#", 2), ("TopicA/+", 1)]).await;
    a.give("TopicA/C", "overlapping", 2).await;
    a.give("TopicA/C", "after", 0).await;
    let mut quality = Vec::new();
    loop {
        let message = a.next().await;
        if message.payload == "after" {
            break;
        }
        quality.push(message.qos);
    }
    quality.sort_unstable();
    assert!(quality == [2] || quality == [1, 2], "{version:?}: {quality:?}");
}

/// A client that is silent for one and a half times its keep alive is gone.
async fn keepalive(version: Version) {
    let bench = Bench::open(version).await;
    let mut b = bench.connect(&Hello::new("b")).await;
    b.subscribe(&[("/TopicA", 2)]).await;
    let will = Some(Message::new("/TopicA", "keepalive expiry", 1));
    let mut a = bench.connect(&Hello { will, keep_alive: 1, ..Hello::new("a") }).await;
    assert!(a.raw.ends().await);
    assert_eq!(b.next().await.payload, "keepalive expiry", "{version:?}");
}

async fn redelivery_on_reconnect(version: Version) {
    let bench = Bench::open(version).await;
    let mut b = bench.connect(&Hello::keeping("b")).await;
    b.subscribe(&[("TopicA/#", 2)]).await;
    b.give("TopicA/B", "one", 1).await;
    b.give("TopicA/C", "two", 2).await;
    let first = [b.take().await, b.take().await];
    b.vanish(&bench.plant).await;
    let mut b = bench.connect(&Hello::keeping("b")).await;
    for message in first {
        let again = b.next().await;
        assert_eq!(again, Message { dup: true, ..message }, "{version:?}");
    }
}

async fn subscribe_failure(version: Version) {
    let bench = Bench::open(version).await;
    let papers = bench.plant.device("pump-01");
    let (mut a, _) = Peer::connect(&bench.plant, &papers, version, &Hello::new("pump-01")).await;
    let refused = if version == Version::V5 { 0x87 } else { 0x80 };
    assert_eq!(a.subscribe(&[("test/nosubscribe", 2)]).await, [refused]);
}

/// A filter that begins with a wildcard covers no topic that begins with `$`.
async fn dollar_topics(version: Version) {
    let bench = Bench::open(version).await;
    let (mut a, mut b) = bench.pair().await;
    b.subscribe(&[("+/+", 2), ("#", 2)]).await;
    a.publish(&Message::new("$TopicA/B", "hidden", 1)).await;
    let mut a = bench.connect(&Hello::new("c")).await;
    a.give("TopicA/B", "after", 1).await;
    assert_eq!(b.next().await.payload, "after", "{version:?}");
}

async fn unsubscribe(version: Version) {
    let bench = Bench::open(version).await;
    let (mut a, mut b) = bench.pair().await;
    for topic in ["TopicA", "TopicA/B", "Topic/C"] {
        assert_eq!(b.subscribe(&[(topic, 2)]).await, [2]);
    }
    b.unsubscribe(&["TopicA"]).await;
    for topic in ["TopicA", "TopicA/B", "Topic/C"] {
        a.give(topic, topic, 1).await;
    }
    assert_eq!(b.payloads(2).await, ["TopicA/B", "Topic/C"], "{version:?}");
}

/// Properties with one in them.
fn property(number: u8, value: &[u8]) -> Properties {
    Properties::default().with(number, value)
}
