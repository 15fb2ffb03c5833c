//! Each limit, by exceeding it.

use std::time::{Duration, Instant};

use andon_mqtt::{Limits, MqttError, Publication};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{Client, Seen, VERSIONS, Version, Wish};
use crate::kept::Mood;
use crate::packets::{Raw, connect, connect_as, framed, publish, subscribe, text};
use crate::plant::{PATIENCE, PLAIN, Papers, Plant, TLS, anything};

/// A plant with one device that may do everything.
async fn plant(limits: Limits) -> (Plant, Papers) {
    let plant = Plant::with(limits).await;
    let papers = plant.device_with("pump-01", anything());
    (plant, papers)
}

fn command(topic: &str, payload: &str) -> Publication {
    Publication { topic: topic.to_owned(), payload: payload.to_owned().into(), qos: 1, retain: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions() {
    for version in VERSIONS {
        let (plant, papers) = plant(Limits { sessions: 2, ..Limits::default() }).await;
        let _first = Client::connect(&plant, &Wish::new("a", &papers, version)).await;
        let _second = Client::connect(&plant, &Wish::new("b", &papers, version)).await;
        assert!(!Client::is_let_in(&plant, &Wish::new("c", &papers, version)).await, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_for_tls() {
    let (plant, _) = plant(Limits { handshake_time: Duration::from_millis(100), ..Limits::default() }).await;
    let mut socket = TcpStream::connect(plant.broker.addresses()[TLS]).await.expect("it listens");
    let read = timeout(PATIENCE, socket.read(&mut [0; 1])).await.expect("closed in time");
    assert!(read.is_err() || read.is_ok_and(|length| length == 0));
}

/// Once CONNECT has begun.
#[tokio::test(flavor = "multi_thread")]
async fn time_for_connect() {
    let (plant, papers) = plant(Limits { handshake_time: Duration::from_secs(2), ..Limits::default() }).await;
    let begin = async |level: u8| {
        let mut raw = Raw::open(&plant, &papers).await;
        raw.send(&connect_as("MQTT", level, 2, "pump-01")[..12]).await;
        assert!(raw.ends().await, "level {level}");
    };
    tokio::join!(begin(4), begin(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn size_of_packets() {
    let (plant, papers) = plant(Limits { packet_bytes: 2_000, ..Limits::default() }).await;
    for version in VERSIONS {
        for (bytes, expect) in [(1_500, Seen::Acked(0)), (2_500, Seen::Gone)] {
            let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
            client.publish("data/a", 1, &"x".repeat(bytes)).await;
            assert_eq!(client.next().await, expect, "{bytes} {version:?}");
        }
    }
    let large = plant.broker.publish(command("cmd/a", &"x".repeat(2_001))).await;
    assert!(matches!(large, Err(MqttError::TooLarge { bytes: 2_001, limit: 2_000 })));
}

/// A length that is announced is not believed: nothing is kept ready for it.
#[tokio::test(flavor = "multi_thread")]
async fn announced_size_of_packets() {
    let (plant, papers) = plant(Limits::default()).await;
    for version in VERSIONS {
        let mut raw = Raw::session(&plant, &papers, version, true).await;
        raw.send(&[0x30, 0xff, 0xff, 0xff, 0x7f]).await;
        assert!(raw.ends().await, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_of_publishes() {
    let (plant, papers) = plant(Limits { publish_rate: 20, publish_burst: 5, ..Limits::default() }).await;
    for version in VERSIONS {
        let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
        let begun = Instant::now();
        for _ in 0..10 {
            client.publish("data/a", 1, "x").await;
        }
        for _ in 0..10 {
            assert_eq!(client.next().await, Seen::Acked(0));
        }
        assert!(begun.elapsed() >= Duration::from_millis(240), "{version:?}: {:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_on_their_way_to_a_client() {
    let (plant, papers) = plant(Limits { in_flight: 3, ..Limits::default() }).await;
    for version in VERSIONS {
        let mut raw = Raw::session(&plant, &papers, version, true).await;
        raw.send(&subscribe(version, 0x82, 1, &[("cmd/#", 1)])).await;
        assert_eq!(raw.packet().await.expect("SUBACK").0, 0x90);
        for number in 0..6 {
            plant.broker.publish(command("cmd/a", &number.to_string())).await.expect("published");
        }
        for _ in 0..3 {
            assert_eq!(raw.packet().await.expect("PUBLISH").0, 0x32);
        }
        raw.send(&[0xc0, 0]).await;
        assert_eq!(raw.packet().await.expect("PINGRESP").0, 0xd0, "{version:?}: no fourth");
        raw.send(&framed(0x40, &[0, 1])).await;
        assert_eq!(raw.packet().await.expect("PUBLISH").0, 0x32, "{version:?}: when one is acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_on_their_way_from_a_client() {
    let (plant, papers) = plant(Limits { in_flight: 3, ..Limits::default() }).await;
    for version in VERSIONS {
        let mut raw = Raw::session(&plant, &papers, version, true).await;
        for packet_id in 1..=3 {
            raw.send(&publish(version, 4, "data/a", packet_id, "x")).await;
            assert_eq!(raw.packet().await.expect("PUBREC").0, 0x50);
        }
        raw.send(&publish(version, 4, "data/a", 4, "x")).await;
        assert!(raw.ends().await, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_wait_for_a_client() {
    let (plant, papers) = plant(Limits { queue: 2, ..Limits::default() }).await;
    for version in VERSIONS {
        let wish = Wish { keep_session: true, ..Wish::new("pump-01", &papers, version) };
        let (mut client, _) = Client::connect(&plant, &wish).await;
        client.subscribe("cmd/#").await;
        client.disconnect().await;
        plant.until_away("pump-01").await;
        for number in 0..5 {
            plant.broker.publish(command("cmd/a", &number.to_string())).await.expect("published");
        }
        let (mut client, _) = Client::connect(&plant, &wish).await;
        for number in ["3", "4"] {
            assert_eq!(client.next().await, Seen::Message("cmd/a".to_owned(), number.to_owned(), false), "{version:?}");
        }
        client.disconnect().await;
        Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await.0.disconnect().await;
    }
}

/// A message that says itself how long it may wait is measured by that.
#[tokio::test(flavor = "multi_thread")]
async fn time_that_messages_wait() {
    let (plant, papers) = plant(Limits { message_time: Duration::from_millis(1), ..Limits::default() }).await;
    let wish = Wish { keep_session: true, ..Wish::new("pump-01", &papers, Version::V5) };
    let (mut client, _) = Client::connect(&plant, &wish).await;
    client.subscribe("cmd/#").await;
    client.disconnect().await;
    plant.until_away("pump-01").await;
    plant.broker.publish(command("cmd/a", "old")).await.expect("published");
    let mut raw = Raw::open(&plant, &papers).await;
    raw.send(&connect_as("MQTT", 5, 2, "other")).await;
    assert_eq!(raw.packet().await.expect("CONNACK").0, 0x20);
    let body = [&text("cmd/a"), &[0, 7, 5, 0x02, 0, 0, 0, 60][..], b"young"].concat();
    raw.send(&framed(0x32, &body)).await;
    assert_eq!(raw.packet().await.expect("PUBACK").0, 0x40);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let (mut client, _) = Client::connect(&plant, &wish).await;
    assert_eq!(client.next().await, Seen::Message("cmd/a".to_owned(), "young".to_owned(), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_of_topics() {
    let (plant, papers) = plant(Limits { topic_levels: 4, ..Limits::default() }).await;
    for version in VERSIONS {
        for (topic, expect) in [("data/a/b/c", Seen::Acked(0)), ("data/a/b/c/d", Seen::Gone)] {
            let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
            client.publish(topic, 1, "x").await;
            assert_eq!(client.next().await, expect, "{topic} {version:?}");
        }
        let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
        assert_eq!(client.subscribe("a/b/c/d").await, 1);
        assert_eq!(client.subscribe("a/b/c/d/e").await & 128, 128);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions() {
    let (plant, papers) = plant(Limits { subscriptions: 2, ..Limits::default() }).await;
    for version in VERSIONS {
        let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
        assert_eq!(client.subscribe("a").await, 1);
        assert_eq!(client.subscribe("b").await, 1);
        assert_eq!(client.subscribe("c").await & 128, 128);
        client.unsubscribe("a").await;
        assert_eq!(client.subscribe("c").await, 1, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topic_aliases() {
    let (plant, papers) = plant(Limits { topic_aliases: 2, ..Limits::default() }).await;
    for (alias, expect) in [(1, true), (2, true), (3, false)] {
        let mut raw = Raw::session(&plant, &papers, Version::V5, true).await;
        raw.send(&framed(0x32, &[&text("data/a"), &[0, 7, 3, 0x23, 0, alias, b'x'][..]].concat())).await;
        let taken = raw.packet().await.is_some_and(|(kind, _)| kind == 0x40);
        assert_eq!(taken, expect, "{alias}");
    }
}

/// CONNECT with this many seconds without a packet.
async fn is_kept_alive(plant: &Plant, papers: &Papers, version: Version, seconds: u16) -> bool {
    let mut bytes = connect_as("MQTT", version.level(), 2, "pump-01");
    bytes[10..12].copy_from_slice(&seconds.to_be_bytes());
    let mut raw = Raw::open(plant, papers).await;
    raw.send(&bytes).await;
    raw.packet().await.is_some_and(|(_, body)| body[1] == 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_alive() {
    let (plant, papers) = plant(Limits { keep_alive_seconds: 100, ..Limits::default() }).await;
    for version in VERSIONS {
        let check = async |seconds: u16, expect: bool| {
            assert_eq!(is_kept_alive(&plant, &papers, version, seconds).await, expect, "{seconds} {version:?}");
        };
        check(0, false).await;
        check(1, true).await;
        check(100, true).await;
        check(101, version == Version::V5).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_sessions_last() {
    let (plant, papers) = plant(Limits { session_time: Duration::from_secs(1), ..Limits::default() }).await;
    for version in VERSIONS {
        let wish = Wish { keep_session: true, ..Wish::new("pump-01", &papers, version) };
        let (client, _) = Client::connect(&plant, &wish).await;
        client.disconnect().await;
        plant.notes.until_nothing().await;
        let (client, present) = Client::connect(&plant, &wish).await;
        assert!(!present, "{version:?}");
        client.disconnect().await;
        Client::connect(&plant, &Wish { keep_session: false, ..wish }).await.0.disconnect().await;
    }
}

/// Publishes to a client that reads nothing until the broker hands it nothing more; how often it did.
async fn handed(plant: &Plant) -> usize {
    let payload = "x".repeat(60_000);
    for number in 0..5_000 {
        if plant.broker.publish(command("cmd/a", &payload)).await.expect("published") == 0 {
            return number;
        }
    }
    panic!("there is no end to it");
}

/// A client that reads nothing: what waits for it is limited, and the connection ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read() {
    for version in VERSIONS {
        let limits = Limits { queue: 10, in_flight: 1_000, send_time: Duration::from_millis(300), ..Limits::default() };
        let (plant, papers) = plant(limits).await;
        let mut raw = Raw::session(&plant, &papers, version, true).await;
        raw.send(&subscribe(version, 0x82, 1, &[("cmd/#", 1)])).await;
        assert_eq!(raw.packet().await.expect("SUBACK").0, 0x90);
        let handed = handed(&plant).await;
        println!("{version:?}: {handed} were handed over before the first was dropped");
        // What the sockets hold is not the broker's; when they are full, the connection ends.
        let payload = "x".repeat(60_000);
        while !plant.broker.sessions().is_empty() {
            plant.broker.publish(command("cmd/a", &payload)).await.expect("published");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(raw);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_the_disk_takes() {
    for version in VERSIONS {
        let (plant, papers) = plant(Limits { durable_time: Duration::from_millis(100), ..Limits::default() }).await;
        let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
        plant.readings.mood.send_replace(Mood::Waits);
        client.publish("data/a", 1, "x").await;
        assert_eq!(client.next().await, Seen::Gone, "{version:?}");
    }
}

/// While the disk takes its time, a client is not read from: what it sends stays with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_stops_those_who_send() {
    for version in VERSIONS {
        let (plant, _) = plant(Limits::default()).await;
        plant.readings.mood.send_replace(Mood::Waits);
        let mut socket = TcpStream::connect(plant.broker.addresses()[PLAIN]).await.expect("it listens");
        socket.write_all(&connect(version, "local-1", true)).await.expect("sent");
        let packet = publish(version, 0, "data/local/x", 0, &"x".repeat(60_000));
        socket.write_all(&packet).await.expect("sent");
        plant.readings.asked(1).await;
        let send = async {
            for _ in 0..2_000 {
                socket.write_all(&packet).await.expect("sent");
            }
        };
        assert!(timeout(Duration::from_millis(500), send).await.is_err(), "120 MB were taken in");
        assert_eq!(plant.readings.asked_already(), 1, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_messages() {
    let bytes = 2 * "state/a1".len();
    for limits in [Limits { retained: 2, ..Limits::default() }, Limits { retained_bytes: bytes, ..Limits::default() }] {
        let (plant, papers) = plant(limits).await;
        for topic in ["state/a", "state/b", "state/c"] {
            let publication = Publication { retain: true, ..command(topic, "1") };
            assert_eq!(plant.broker.publish(publication).await.is_ok(), topic != "state/c");
        }
        for (version, answer) in [(Version::V311, Seen::Gone), (Version::V5, Seen::Acked(151))] {
            let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
            client.retain("data/c", "1").await;
            assert_eq!(client.next().await, answer, "{version:?}");
        }
        assert_eq!(plant.readings.asked_already(), 0, "what is refused is in no lane");
        let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, Version::V5)).await;
        assert_eq!(client.subscribe("state/+").await, 1);
        let mut seen = [client.next().await, client.next().await];
        seen.sort_by_key(|seen| format!("{seen:?}"));
        assert_eq!(seen, ["state/a", "state/b"].map(|topic| Seen::Message(topic.to_owned(), "1".to_owned(), true)));
        plant.broker.publish(command("state/after", "after")).await.expect("published");
        assert_eq!(client.next().await, Seen::Message("state/after".to_owned(), "after".to_owned(), false));
    }
}
