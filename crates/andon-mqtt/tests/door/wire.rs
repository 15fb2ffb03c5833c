//! Packets byte by byte: what clients that are broken, old or hostile send, and what the specifications ask in return.

use std::time::Duration;

use crate::client::{VERSIONS, Version};
use crate::packets::{Raw, connect, connect_as, framed, publish, subscribe, text};
use crate::plant::{Plant, allowing, anything};
use Version::{V5, V311};

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

/// The same across a reconnect: what was taken and is not released is not taken again, nor forwarded.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_publish_is_kept_once_across_connections() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device_with("pump-01", anything());
        let kept = |expect: usize, what: &str| assert_eq!(plant.readings.kept().len(), expect, "{what}, {version:?}");
        let mut raw = Raw::session(&plant, &papers, version, false).await;
        for packet_id in 1..=3 {
            raw.send(&publish(version, 4, "data/pump-01", packet_id, "x")).await;
            assert_eq!(raw.packet().await.expect("PUBREC").0, 0x50);
        }
        release(&mut raw, 1).await;
        kept(3, "at first");
        drop(raw);
        let mut raw = Raw::session(&plant, &papers, version, false).await;
        raw.send(&subscribe(version, 0x82, 9, &[("data/#", 0)])).await;
        assert_eq!(raw.packet().await.expect("SUBACK").0, 0x90);
        for packet_id in 2..=3 {
            raw.send(&publish(version, 0x0c, "data/pump-01", packet_id, "x")).await;
            let (kind, body) = raw.packet().await.expect("PUBREC");
            assert_eq!((kind, &body[..2]), (0x50, &packet_id.to_be_bytes()[..]), "{version:?}");
            assert!(body.get(2).is_none_or(|code| *code == 0), "{version:?}: {body:?}");
            release(&mut raw, packet_id).await;
        }
        kept(3, "sent again");
        raw.send(&publish(version, 0x0c, "data/pump-01", 2, "x")).await;
        let mut kinds = [raw.packet().await.expect("a packet").0, raw.packet().await.expect("a packet").0];
        kinds.sort_unstable();
        assert_eq!(kinds, [0x30, 0x50], "{version:?}: PUBREC, and what is forwarded for the first time");
        kept(4, "the same under a number that was released");
        drop(raw);
        let mut raw = Raw::session(&plant, &papers, version, false).await;
        raw.send(&publish(version, 0x0c, "data/pump-01", 2, "y")).await;
        while raw.packet().await.expect("PUBREC").0 != 0x50 {}
        kept(5, "something else");
        drop(raw);
        let mut raw = Raw::session(&plant, &papers, version, true).await;
        raw.send(&publish(version, 0x0c, "data/pump-01", 2, "y")).await;
        assert_eq!(raw.packet().await.expect("PUBREC").0, 0x50);
        kept(6, "in a new session");
    }
}

async fn release(raw: &mut Raw, packet_id: u16) {
    raw.send(&framed(0x62, &packet_id.to_be_bytes())).await;
    let (kind, body) = raw.packet().await.expect("PUBCOMP");
    assert_eq!((kind, &body[..2]), (0x70, &packet_id.to_be_bytes()[..]));
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
