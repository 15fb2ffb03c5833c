//! Packets byte by byte: what clients that are broken, old or hostile send, and what the specifications ask in return.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::tokio_rustls::TlsConnector;
use rumqttc::tokio_rustls::client::TlsStream;
use rumqttc::tokio_rustls::rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{VERSIONS, Version, Wish, tls_config};
use crate::plant::{PATIENCE, Papers, Plant, TLS, allowing};
use Version::{V5, V311};

/// A connection without a client.
struct Raw {
    stream: TlsStream<TcpStream>,
}

/// A packet: the first byte, and what follows the length.
type Packet = (u8, Vec<u8>);

impl Raw {
    async fn open(plant: &Plant, papers: &Papers) -> Self {
        let config = tls_config(plant, &Wish::new("pump-01", papers, V311));
        let socket = TcpStream::connect(plant.broker.addresses()[TLS]).await.expect("it listens");
        let host = ServerName::try_from("localhost").expect("a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(host, socket).await.expect("TLS");
        Self { stream }
    }

    /// Opens a session that is let in.
    async fn session(plant: &Plant, papers: &Papers, version: Version, clean: bool) -> Self {
        let mut raw = Self::open(plant, papers).await;
        raw.send(&connect(version, "pump-01", clean)).await;
        let (kind, body) = raw.packet().await.expect("CONNACK");
        assert_eq!((kind, body[1]), (0x20, 0), "{version:?}");
        raw
    }

    async fn send(&mut self, bytes: &[u8]) {
        // A server that has hung up already is seen when the answer is read.
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    /// The next packet; nothing when the connection has ended.
    async fn packet(&mut self) -> Option<Packet> {
        timeout(PATIENCE, self.read()).await.expect("an answer in time")
    }

    async fn read(&mut self) -> Option<Packet> {
        let kind = self.stream.read_u8().await.ok()?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((kind, body))
    }

    /// Reads until the connection ends. What says goodbye is no acknowledgement.
    async fn ends(&mut self) -> bool {
        loop {
            match self.packet().await {
                None => return true,
                Some((kind, _)) if kind >> 4 == 14 || kind >> 4 == 2 => {}
                Some(_) => return false,
            }
        }
    }
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 128, "short packets only");
    let mut packet = vec![kind, u8::try_from(body.len()).expect("short")];
    packet.extend_from_slice(body);
    packet
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("short");
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

/// CONNECT with a name, a level and flags; keep alive of a minute.
fn connect_as(name: &str, level: u8, flags: u8, client_id: &str) -> Vec<u8> {
    let mut body = text(name);
    body.extend([level, flags, 0, 60]);
    if level == 5 {
        // Session expiry of an hour, if the session is to be kept.
        body.extend(if flags & 2 == 0 { vec![5, 0x11, 0, 0, 0x0e, 0x10] } else { vec![0] });
    }
    body.extend(text(client_id));
    framed(0x10, &body)
}

fn connect(version: Version, client_id: &str, clean: bool) -> Vec<u8> {
    let level = if version == V5 { 5 } else { 4 };
    connect_as("MQTT", level, if clean { 2 } else { 0 }, client_id)
}

/// PUBLISH with these flags: quality in bits 1 and 2, duplicate in bit 3, retained in bit 0.
fn publish(version: Version, flags: u8, topic: &str, packet_id: u16, payload: &str) -> Vec<u8> {
    let mut body = text(topic);
    if flags & 6 != 0 {
        body.extend(packet_id.to_be_bytes());
    }
    if version == V5 {
        body.push(0);
    }
    body.extend(payload.as_bytes());
    framed(0x30 | flags, &body)
}

fn subscribe(version: Version, kind: u8, packet_id: u16, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    if version == V5 {
        body.push(0);
    }
    for (filter, options) in filters {
        body.extend(text(filter));
        body.push(*options);
    }
    framed(kind, &body)
}

/// What ends a connection that has just been made, before or after CONNECT.
#[tokio::test(flavor = "multi_thread")]
async fn broken_packets_end_the_connection() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    let check = async |what: &str, version: Version, connected: bool, bytes: &[u8]| {
        let mut raw = if connected {
            Raw::session(&plant, &papers, version, true).await
        } else {
            Raw::open(&plant, &papers).await
        };
        raw.send(bytes).await;
        assert!(raw.ends().await, "{what}, {version:?}");
    };
    let endless = [0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    for version in VERSIONS {
        check("PUBLISH before CONNECT", version, false, &publish(version, 0, "data/pump-01", 0, "x")).await;
        check("PINGREQ before CONNECT", version, false, &[0xc0, 0]).await;
        check("a second CONNECT", version, true, &connect(version, "pump-01", true)).await;
        check("another protocol", version, false, &connect_as("MQXX", 4, 2, "pump-01")).await;
        check("a future protocol", version, false, &connect_as("MQTT", 9, 2, "pump-01")).await;
        check("the reserved flag of CONNECT", version, false, &connect_as("MQTT", 4, 3, "pump-01")).await;
        check("a will without the flag", version, false, &connect_as("MQTT", 4, 0x1a, "pump-01")).await;
        check("QoS 3", version, true, &publish(version, 6, "data/pump-01", 7, "x")).await;
        check("packet id 0", version, true, &publish(version, 2, "data/pump-01", 0, "x")).await;
        check("a wildcard in a topic", version, true, &publish(version, 2, "data/pump-01/#", 7, "x")).await;
        check("a topic with U+0000", version, true, &publish(version, 2, "data/pump-01/\0", 7, "x")).await;
        check("an empty topic", version, true, &publish(version, 2, "", 7, "x")).await;
        check("SUBSCRIBE with wrong flags", version, true, &subscribe(version, 0x80, 7, &[("cmd/pump-01/#", 0)])).await;
        check("SUBSCRIBE without filters", version, true, &subscribe(version, 0x82, 7, &[])).await;
        check("a length without end", version, true, &endless).await;
        check("text that is not UTF-8", version, true, &framed(0x30, &[0, 3, 0xff, 0xfe, 0xfd, 0, 1])).await;
        check("a topic longer than the packet", version, true, &framed(0x30, &[0, 200, b'a'])).await;
        check("a packet of kind 0", version, true, &[0, 0]).await;
        check("CONNACK from a client", version, true, &[0x20, 2, 0, 0]).await;
    }
    check("an alias that nobody gave", V5, true, &framed(0x30, &[0, 0, 3, 0x23, 0, 9, b'x'])).await;
    check("the alias 0", V5, true, &framed(0x30, &[0, 1, b'a', 3, 0x23, 0, 0, b'x'])).await;
    check("AUTH", V5, true, &framed(0xf0, &[0x18, 0])).await;
    assert!(plant.readings.kept().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_not_kept_without_a_client_id() {
    let plant = Plant::open().await;
    let papers = plant.device_with("pump-01", allowing(&[("iot:*", "*")]));
    for (version, refused) in [(V311, 2), (V5, 0x85)] {
        let mut raw = Raw::open(&plant, &papers).await;
        raw.send(&connect(version, "", false)).await;
        let answer = raw.packet().await;
        assert!(answer.is_none_or(|(kind, body)| kind == 0x20 && body[1] == refused), "{version:?}");
        assert!(raw.ends().await, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn small_packets_are_answered() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    for version in VERSIONS {
        let mut raw = Raw::session(&plant, &papers, version, true).await;
        let mut check = async |what: &str, bytes: &[u8], kind: u8, begin: &[u8]| {
            raw.send(bytes).await;
            let (got, body) = raw.packet().await.expect(what);
            assert_eq!(got, kind, "{what}, {version:?}");
            assert!(body.starts_with(begin), "{what}, {version:?}: {body:?}");
        };
        let none: &[u8] = if version == V5 { &[0] } else { &[] };
        let unsubscribe = framed(0xa2, &[&[0, 9], none, &text("cmd/pump-01/never")].concat());
        check("PINGREQ", &[0xc0, 0], 0xd0, &[]).await;
        check("UNSUBSCRIBE from nothing", &unsubscribe, 0xb0, &[0, 9]).await;
        check("PUBREL of nothing", &[0x62, 2, 0, 77], 0x70, &[0, 77]).await;
        let several = [("cmd/pump-01/a", 0), ("cmd/pump-02/a", 1), ("cmd/pump-01/+", 2)];
        let refused = if version == V5 { 135 } else { 128 };
        let granted = [&[0, 5], none, &[0, refused, 2]].concat();
        check("SUBSCRIBE", &subscribe(version, 0x82, 5, &several), 0x90, &granted).await;
        check("PUBLISH", &publish(version, 2, "data/pump-01", 6, "x"), 0x40, &[0, 6]).await;
    }
}

/// The sender of QoS 2 did not see PUBREC and sends again.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_publish_is_kept_once() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let mut raw = Raw::session(&plant, &papers, version, true).await;
        for flags in [0x04, 0x0c, 0x0c] {
            raw.send(&publish(version, flags, "data/pump-01", 3, "x")).await;
            let (kind, body) = raw.packet().await.expect("PUBREC");
            assert_eq!((kind, &body[..2]), (0x50, &[0, 3][..]), "{version:?}");
        }
        raw.send(&[0x62, 2, 0, 3]).await;
        assert_eq!(raw.packet().await.expect("PUBCOMP").0, 0x70);
        assert_eq!(plant.readings.kept().len(), 1, "{version:?}");
        raw.send(&publish(version, 0x04, "data/pump-01", 3, "y")).await;
        assert_eq!(raw.packet().await.expect("PUBREC").0, 0x50);
        assert_eq!(plant.readings.kept().len(), 2, "{version:?}");
    }
}

/// What was not acknowledged comes again after a reconnect, marked, under its number, in its order.
#[tokio::test(flavor = "multi_thread")]
async fn unacknowledged_messages_come_again() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let mut raw = Raw::session(&plant, &papers, version, false).await;
        raw.send(&subscribe(version, 0x82, 1, &[("cmd/pump-01/#", 1)])).await;
        assert_eq!(raw.packet().await.expect("SUBACK").0, 0x90);
        for payload in ["a", "b", "c"] {
            let command = andon_mqtt::Publication {
                topic: "cmd/pump-01/set".to_owned(),
                payload: payload.into(),
                qos: 1,
                retain: false,
            };
            plant.broker.publish(command).await.expect("published");
        }
        let mut first = Vec::new();
        for _ in 0..3 {
            let (kind, body) = raw.packet().await.expect("PUBLISH");
            assert_eq!(kind, 0x32, "{version:?}");
            first.push(body);
        }
        drop(raw);
        let mut raw = Raw::session(&plant, &papers, version, false).await;
        for body in first {
            let (kind, again) = raw.packet().await.expect("PUBLISH");
            assert_eq!(kind, 0x3a, "{version:?}");
            assert_eq!(again.last(), body.last(), "{version:?}");
            let id = 2 + "cmd/pump-01/set".len();
            assert_eq!(again[id..id + 2], body[id..id + 2], "{version:?}");
        }
    }
}

/// DISCONNECT takes the will back; a connection that breaks does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_takes_the_will_back() {
    for (level, goodbye) in [(4, true), (4, false), (5, true), (5, false)] {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let mut raw = Raw::open(&plant, &papers).await;
        let mut body = text("MQTT");
        body.extend([level, 0x0e, 0, 60]);
        let none: &[u8] = if level == 5 { &[0] } else { &[] };
        body.extend([none, &text("pump-01"), none, &text("data/pump-01/will"), &text("x")].concat());
        raw.send(&framed(0x10, &body)).await;
        assert_eq!(raw.packet().await.expect("CONNACK").1[1], 0);
        if goodbye {
            raw.send(&[0xe0, 0]).await;
        }
        drop(raw);
        while !plant.broker.sessions().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(plant.readings.kept().len(), usize::from(!goodbye), "level {level}, goodbye {goodbye}");
    }
}

/// Bytes that mean nothing: the door stays open for others.
#[tokio::test(flavor = "multi_thread")]
async fn noise_does_not_harm() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from(state >> 56).expect("eight bits")
    };
    for round in 0..200 {
        let version = VERSIONS[round % 2];
        let mut bytes = match round % 4 {
            0 | 1 => publish(version, 2, "data/pump-01/x", 9, "payload"),
            2 => subscribe(version, 0x82, 9, &[("cmd/pump-01/#", 1)]),
            _ => connect(version, "pump-01", true),
        };
        for _ in 0..=byte() % 3 {
            let place = usize::from(byte()) % bytes.len();
            bytes[place] = byte();
        }
        let mut raw = if round % 4 == 3 {
            Raw::open(&plant, &papers).await
        } else {
            Raw::session(&plant, &papers, version, true).await
        };
        raw.send(&bytes).await;
    }
    let mut raw = Raw::session(&plant, &papers, V311, true).await;
    raw.send(&publish(V311, 2, "data/pump-01", 6, "x")).await;
    assert_eq!(raw.packet().await.expect("PUBACK").0, 0x40);
}
