//! MQTT 5: topic aliases, sizes and windows.

use super::peer::{Hello, Message, Peer};
use super::{Bench, Properties, Version, property};
use Version::V5;

const RECEIVE_MAXIMUM: u8 = 0x21;
const TOPIC_ALIAS_MAXIMUM: u8 = 0x22;
const TOPIC_ALIAS: u8 = 0x23;
const MAXIMUM_PACKET_SIZE: u8 = 0x27;

fn aliased(topic: &str, alias: u16, payload: &str) -> Message {
    Message { properties: property(TOPIC_ALIAS, &alias.to_be_bytes()), ..Message::new(topic, payload, 1) }
}

#[tokio::test(flavor = "multi_thread")]
async fn client_topic_alias() {
    let bench = Bench::open(V5).await;
    let hello = Hello::keeping("a");
    let (mut a, welcome) = Peer::connect(&bench.plant, &bench.papers, V5, &hello).await;
    let most = u16::try_from(welcome.properties.number(TOPIC_ALIAS_MAXIMUM).expect("told")).expect("16 bits");
    assert_eq!(a.publish(&aliased("TopicA", 0, "x")).await, None, "0 is no alias");
    let (mut a, _) = Peer::connect(&bench.plant, &bench.papers, V5, &hello).await;
    assert_eq!(a.publish(&aliased("TopicA", most + 1, "x")).await, None, "more than there are");
    let (mut a, _) = Peer::connect(&bench.plant, &bench.papers, V5, &hello).await;
    a.subscribe(&[("TopicA", 2), ("TopicB", 2)]).await;
    a.publish(&aliased("TopicA", most, "1")).await;
    a.publish(&aliased("", most, "2")).await;
    a.publish(&aliased("TopicB", most, "3")).await;
    a.publish(&aliased("", most, "4")).await;
    for (topic, payload) in [("TopicA", "1"), ("TopicA", "2"), ("TopicB", "3"), ("TopicB", "4")] {
        let message = a.next().await;
        assert_eq!((message.topic.as_str(), message.payload.as_str()), (topic, payload));
        assert_eq!(message.properties.number(TOPIC_ALIAS), None, "an alias is between two");
    }
    a.vanish(&bench.plant).await;
    let (mut a, _) = Peer::connect(&bench.plant, &bench.papers, V5, &hello).await;
    assert_eq!(a.publish(&aliased("", most, "5")).await, None, "aliases end with their connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_topic_alias() {
    let bench = Bench::open(V5).await;
    for most in [0_u16, 1] {
        let properties = property(TOPIC_ALIAS_MAXIMUM, &most.to_be_bytes());
        let mut a = bench.connect(&Hello { properties, ..Hello::new("a") }).await;
        a.subscribe(&[("TopicA", 2)]).await;
        let mut topic = String::new();
        for payload in ["1", "2", "3"] {
            a.give("TopicA", payload, 1).await;
            let message = a.next().await;
            let alias = message.properties.number(TOPIC_ALIAS);
            assert!(alias.is_none_or(|alias| alias <= u32::from(most)), "{message:?}");
            if !message.topic.is_empty() {
                topic = message.topic;
            }
            assert_eq!((topic.as_str(), message.payload.as_str()), ("TopicA", payload));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn maximum_packet_size() {
    let bench = Bench::open(V5).await;
    let (mut a, welcome) = Peer::connect(&bench.plant, &bench.papers, V5, &Hello::new("a")).await;
    let most = welcome.properties.number(MAXIMUM_PACKET_SIZE).expect("told") as usize;
    assert_eq!(a.publish(&Message::new("TopicA", &"x".repeat(most - 100), 1)).await.map(|code| code & 0x80), Some(0));
    assert_eq!(a.publish(&Message::new("TopicA", &"x".repeat(most + 1), 1)).await, None);
    let properties = property(MAXIMUM_PACKET_SIZE, &64_u32.to_be_bytes());
    let mut b = bench.connect(&Hello { properties, ..Hello::new("b") }).await;
    let mut a = bench.connect(&Hello::new("a")).await;
    b.subscribe(&[("TopicA", 2)]).await;
    a.give("TopicA", &"x".repeat(100), 1).await;
    a.give("TopicA", "short", 1).await;
    assert_eq!(b.next().await.payload, "short", "what is too large is not sent");
}

/// The client sends more than the server can take at once.
#[tokio::test(flavor = "multi_thread")]
async fn flow_control1() {
    let bench = Bench::open(V5).await;
    let (mut a, welcome) = Peer::connect(&bench.plant, &bench.papers, V5, &Hello::new("a")).await;
    let most = welcome.properties.number(RECEIVE_MAXIMUM).unwrap_or(65_535);
    for _ in 0..=most {
        let packet_id = a.number();
        a.raw.send(&Message { packet_id, ..Message::new("TopicA", "x", 2) }.bytes(V5)).await;
    }
    let told = a.farewell().await;
    assert!(told.is_none_or(|code| code == 0x93), "{told:?}");
}

/// The server sends no more than the client can take at once.
#[tokio::test(flavor = "multi_thread")]
async fn flow_control2() {
    const MOST: u16 = 3;
    let bench = Bench::open(V5).await;
    let properties: Properties = property(RECEIVE_MAXIMUM, &MOST.to_be_bytes());
    let mut b = bench.connect(&Hello { properties, ..Hello::new("b") }).await;
    let mut a = bench.connect(&Hello::new("a")).await;
    b.subscribe(&[("TopicA", 2)]).await;
    for number in 0..10 {
        a.give("TopicA", &number.to_string(), 1 + number % 2).await;
    }
    let mut on_their_way = Vec::new();
    for _ in 0..MOST {
        on_their_way.push(b.take().await);
    }
    b.ping().await;
    let mut seen: Vec<_> = on_their_way.iter().map(|message| message.payload.clone()).collect();
    for message in &on_their_way {
        assert!(!b.holds_a_message(), "more than {MOST} are on their way");
        b.acknowledge(message).await;
        let next = b.take().await;
        seen.push(next.payload.clone());
        b.acknowledge(&next).await;
    }
    seen.extend(b.payloads(10 - seen.len()).await);
    assert_eq!(seen, (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
}
