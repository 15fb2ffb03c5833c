//! MQTT 5: messages, subscriptions and their properties.

use super::peer::{Hello, Message, Peer};
use super::{Bench, Properties, Version, property};
use crate::packets::{text, variable};
use Version::V5;

const PAYLOAD_FORMAT: u8 = 0x01;
const MESSAGE_EXPIRY: u8 = 0x02;
const CONTENT_TYPE: u8 = 0x03;
const RESPONSE_TOPIC: u8 = 0x08;
const CORRELATION_DATA: u8 = 0x09;
const SUBSCRIPTION_ID: u8 = 0x0b;
const USER_PROPERTY: u8 = 0x26;

#[tokio::test(flavor = "multi_thread")]
async fn basic() {
    super::basic(V5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_message() {
    super::retained_message(V5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_message_queueing() {
    super::offline_message_queueing(V5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn will_message() {
    super::will_message(V5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_subscriptions() {
    super::overlapping_subscriptions(V5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redelivery_on_reconnect() {
    super::redelivery_on_reconnect(V5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribe_failure() {
    super::subscribe_failure(V5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dollar_topics() {
    super::dollar_topics(V5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsubscribe() {
    super::unsubscribe(V5).await;
}

/// Publishes with properties at each quality of service, and compares what arrives.
async fn pass_through(properties: &Properties) {
    let bench = Bench::open(V5).await;
    let mut a = bench.connect(&Hello::new("a")).await;
    a.subscribe(&[("TopicA", 2)]).await;
    for qos in [0, 1, 2] {
        let message = Message { properties: properties.clone(), ..Message::new("TopicA", "x", qos) };
        assert_eq!(a.publish(&message).await, Some(0));
        let seen = a.next().await;
        assert_eq!(seen.qos, qos);
        for (number, value) in &properties.0 {
            assert!(seen.properties.all(*number).contains(&&value[..]), "{number:#x} in {:?}", seen.properties);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn user_properties() {
    let pair = |name: &str, value: &str| [text(name), text(value)].concat();
    pass_through(&property(USER_PROPERTY, &pair("a", "2")).with(USER_PROPERTY, &pair("c", "3"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payload_format() {
    pass_through(&property(PAYLOAD_FORMAT, &[1]).with(CONTENT_TYPE, &text("My name"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_response() {
    let bench = Bench::open(V5).await;
    let (mut a, mut b) = bench.pair().await;
    a.subscribe(&[("answers/a", 2)]).await;
    b.subscribe(&[("requests", 2)]).await;
    let properties = property(RESPONSE_TOPIC, &text("answers/a")).with(CORRELATION_DATA, &text("334"));
    a.publish(&Message { properties, ..Message::new("requests", "?", 1) }).await;
    let request = b.next().await;
    let answer_to = String::from_utf8_lossy(&request.properties.all(RESPONSE_TOPIC)[0][2..]).into_owned();
    let properties = property(CORRELATION_DATA, request.properties.all(CORRELATION_DATA)[0]);
    b.publish(&Message { properties, ..Message::new(&answer_to, "!", 1) }).await;
    let answer = a.next().await;
    assert_eq!(answer.payload, "!");
    assert_eq!(answer.properties.all(CORRELATION_DATA), [&text("334")[..]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn publication_expiry() {
    let bench = Bench::open(V5).await;
    let mut b = bench.connect(&Hello::keeping("b")).await;
    b.subscribe(&[("TopicA", 2)]).await;
    b.disconnect(&bench.plant).await;
    let mut a = bench.connect(&Hello::new("a")).await;
    for (seconds, payload) in [(1_u32, "short 1"), (1, "short 2"), (60, "long 1"), (60, "long 2")] {
        let properties = property(MESSAGE_EXPIRY, &seconds.to_be_bytes());
        a.publish(&Message { properties, ..Message::new("TopicA", payload, 1) }).await;
    }
    // The second that a message may live is not a moment that anything tells.
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    let mut b = bench.connect(&Hello::keeping("b")).await;
    for expect in ["long 1", "long 2"] {
        let message = b.next().await;
        assert_eq!(message.payload, expect);
        assert!(message.properties.number(MESSAGE_EXPIRY).is_some_and(|left| left < 60), "{message:?}");
    }
}

const NO_LOCAL: u8 = 4;
const RETAIN_AS_PUBLISHED: u8 = 8;

/// The retained messages of "Topic/…" that a subscription with these options is greeted with, up to the one that is
/// published after it.
async fn greeting(peer: &mut Peer, other: &mut Peer, options: u8, mark: &str) -> Vec<String> {
    peer.subscribe(&[("Topic/#", options)]).await;
    // A subscription to something else is greeted after the first one.
    peer.subscribe(&[("mark/#", 2)]).await;
    other.retain(&format!("mark/{mark}"), mark, 1).await;
    let mut payloads = Vec::new();
    loop {
        let message = peer.next().await;
        if message.payload == mark {
            peer.unsubscribe(&["mark/#"]).await;
            payloads.sort();
            return payloads;
        }
        if message.topic.starts_with("Topic/") {
            payloads.push(message.payload);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribe_options() {
    let bench = Bench::open(V5).await;
    let (mut a, mut b) = bench.pair().await;
    a.subscribe(&[("TopicA", 2 | NO_LOCAL), ("own/#", 2)]).await;
    b.subscribe(&[("TopicA", 2 | NO_LOCAL)]).await;
    a.give("TopicA", "noLocal", 1).await;
    a.give("own/after", "after", 1).await;
    assert_eq!(b.next().await.payload, "noLocal");
    assert_eq!(a.next().await.payload, "after");
    a.subscribe(&[("Kept/1", 2 | RETAIN_AS_PUBLISHED), ("Kept/2", 2)]).await;
    for (topic, retain, expect) in
        [("Kept/1", false, false), ("Kept/1", true, true), ("Kept/2", false, false), ("Kept/2", true, false)]
    {
        let message = Message { retain, ..Message::new(topic, "x", 1) };
        assert_eq!(a.publish(&message).await, Some(0));
        assert_eq!(a.next().await.retain, expect, "{topic} {retain}");
    }
    for (topic, qos) in [("Topic/0", 0), ("Topic/1", 1), ("Topic/2", 2)] {
        b.retain(topic, topic, qos).await;
    }
    b.ping().await;
    let all = ["Topic/0", "Topic/1", "Topic/2"];
    let mut c = bench.connect(&Hello::new("c")).await;
    assert_eq!(greeting(&mut c, &mut b, 0x12, "1").await, all, "if it is new: it is");
    assert!(greeting(&mut c, &mut b, 0x12, "2").await.is_empty(), "if it is new: it is not");
    assert_eq!(greeting(&mut c, &mut b, 0x02, "3").await, all, "always");
    let mut d = bench.connect(&Hello::new("d")).await;
    assert!(greeting(&mut d, &mut b, 0x22, "4").await.is_empty(), "never");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribe_identifiers() {
    let bench = Bench::open(V5).await;
    let (mut a, mut b) = bench.pair().await;
    let with = |number: usize| property(SUBSCRIPTION_ID, &variable(number));
    a.subscribe_with(&with(456_789), &[("TopicA/B", 2)]).await;
    b.subscribe_with(&with(2), &[("TopicA/B", 2)]).await;
    b.subscribe_with(&with(3), &[("TopicA/#", 2)]).await;
    b.give("TopicA/B", "1", 1).await;
    let identifiers = |message: &Message| -> Vec<Vec<u8>> {
        message.properties.all(SUBSCRIPTION_ID).into_iter().map(<[u8]>::to_vec).collect()
    };
    assert_eq!(identifiers(&a.next().await), [variable(456_789)]);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.extend(identifiers(&b.next().await));
    }
    seen.sort();
    assert_eq!(seen, [[2], [3]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_subscriptions() {
    let bench = Bench::open(V5).await;
    let (mut a, mut b) = bench.pair().await;
    let mut c = bench.connect(&Hello::new("c")).await;
    for peer in [&mut a, &mut b] {
        assert_eq!(peer.subscribe(&[("$share/crew/TopicA", 2), ("TopicA", 2)]).await, [2, 2]);
    }
    for number in 0..4 {
        c.give("TopicA", &number.to_string(), 1).await;
    }
    c.give("TopicA", "end", 0).await;
    let mut seen = Vec::new();
    for peer in [&mut a, &mut b] {
        let mut ends = 0;
        while seen.iter().filter(|payload| *payload == "end").count() < 2 && ends == 0 {
            let payload = peer.next().await.payload;
            ends += usize::from(payload == "end");
            seen.push(payload);
        }
    }
    for number in 0..4 {
        let count = seen.iter().filter(|payload| **payload == number.to_string()).count();
        assert!(count >= 2, "each has its own: {seen:?}");
    }
}
