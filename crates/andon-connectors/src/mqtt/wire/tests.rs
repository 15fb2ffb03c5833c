use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;

use super::fields::{length, put_length};
use super::*;

const V311: MqttVersion = MqttVersion::V311;
const V5: MqttVersion = MqttVersion::V5;

/// What `bytes` (in hex, spaces ignored) are, told in `Debug`.
fn check(version: MqttVersion, bytes: &str, expect: &str) {
    let bytes = hex::decode(bytes.replace(' ', "")).expect("hex");
    let mut frames = Frames::new(version, 16);
    frames.buffer().put_slice(&bytes);
    let found = match frames.next() {
        Ok(Some(packet)) => format!("{packet:?}"),
        Ok(None) => "more".to_owned(),
        Err(error) => error.to_string(),
    };
    assert!(found.contains(expect), "{bytes:02x?}: {found}");
}

#[test]
fn packets_are_read() {
    check(V311, "20 02 01 00", "session_present: true, farewell: Farewell { code: 0");
    check(V311, "20 02 00 05", "code: 5, reason: None");
    check(V5, "20 03 00 00 00", "session_present: false");
    check(V5, "20 02 00 01", "code: 1, reason: None");
    check(V5, "20 0b 01 00 08 11 00000e10 13 003c", "keep_alive: Some(60), session_expiry: Some(3600)");
    check(V5, "20 08 00 87 05 1f 0002 6e6f", "code: 135, reason: Some(\"no\")");
    check(V311, "32 09 0003 612f62 0007 7b7d", "topic: \"a/b\", qos: One, id: Some(7), retained: false");
    check(
        V311,
        "31 05 0001 61 7b7d",
        "id: None, retained: true, content_type: None, user: [], payload: b\"{}\", bytes: 2",
    );
    check(
        V5,
        "34 11 0001 61 0009 0b 03 0001 74 26 0001 6b 0001 76",
        "content_type: Some(\"t\"), user: [(\"k\", \"v\")]",
    );
    check(V311, "62 02 0009", "PubRel { id: 9 }");
    check(V5, "62 04 0009 00 00", "PubRel { id: 9 }");
    check(V311, "90 04 0001 01 80", "SubAck { id: 1, codes: [1, 128] }");
    check(V5, "90 04 0001 00 87", "SubAck { id: 1, codes: [135] }");
    check(V5, "d0 00", "PingResp");
    check(V5, "e0 00", "Disconnect(Farewell { code: 0");
    check(V5, "e0 01 8e", "code: 142");
    check(V5, "e0 07 8b 05 1f 0002 6f66", "code: 139, reason: Some(\"of\")");
}

#[test]
fn a_packet_waits_for_its_end() {
    for bytes in ["", "32", "32 80", "32 09 0003 61", "20 02 00"] {
        check(V311, bytes, "more");
    }
}

#[test]
fn what_is_not_mqtt_is_told() {
    check(V311, "32 ff ff ff ff 01", "a length is malformed");
    check(V311, "32 03 0005 61", "ends in the middle");
    check(V311, "36 05 0001 61 0001", "QoS 3");
    check(V311, "32 05 0001 61 0000", "identifier 0");
    check(V311, "30 03 0001 ff", "not UTF-8");
    check(V311, "30 03 0001 00", "not UTF-8");
    check(V311, "30 03 0001 23", "a topic that is none");
    check(V311, "30 02 0000", "a topic that is none");
    check(V311, "60 02 0001", "flags");
    check(V311, "10 02 0001", "type 1");
    check(V311, "e0 00", "flags");
    check(V311, "20 80 80 40", "a packet of type 2 has 1048576 bytes");
    check(V5, "30 07 0001 61 03 23 0001", "topic aliases");
    check(V5, "30 05 0001 61 01 7f", "unknown property");
    check(V5, "30 04 0001 61 09", "ends in the middle");
}

#[test]
fn a_payload_above_the_limit_is_cut_and_what_follows_is_read() {
    let payload = vec![b'x'; 1 << 20];
    let mut packet = BytesMut::new();
    packet.put_u8(0x32);
    put_length(&mut packet, 5 + payload.len());
    packet.put_slice(&[0, 1, b'a', 0, 7]);
    packet.put_slice(&payload);
    packet.put_slice(&[0xD0, 0]);
    let mut frames = Frames::new(V311, 16);
    let mut found = Vec::new();
    for chunk in packet.chunks(1000) {
        frames.buffer().put_slice(chunk);
        while let Some(packet) = frames.next().expect("legal") {
            found.push(packet);
        }
        assert!(frames.buffer().len() < 300 << 10, "what is passed over is not kept");
    }
    let [Incoming::Publish(publish), Incoming::PingResp] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((publish.id, publish.bytes), (Some(7), 1 << 20));
    assert!(publish.payload.len() < publish.bytes);
}

#[test]
fn packets_are_written() {
    let hex = |bytes: Bytes| hex::encode(bytes);
    let asked = Connect {
        version: V311,
        client_id: "a",
        keep_alive: 60,
        session_expiry: 3600,
        receive_maximum: 100,
        login: None,
    };
    assert_eq!(hex(connect(&asked)), "100d00044d5154540400003c000161");
    let login = Some(Login { user: "u", password: "p" });
    let five = Connect { version: V5, login, ..asked };
    assert_eq!(hex(connect(&five)), "101c00044d51545405c0003c081100000e102100640001610001750001 70".replace(' ', ""));
    let filter = Filter { pattern: "$share/g/#".into(), qos: Qos::One, retain_handling: 2 };
    let filters = [filter];
    assert_eq!(hex(subscribe(V311, 1, &filters)), "820f0001000a2473686172652f672f2301");
    assert_eq!(hex(subscribe(V5, 1, &filters)), "82100001 00000a2473686172652f672f2321".replace(' ', ""));
    assert_eq!(hex(acknowledge(V5, Acknowledgement::Ack(1))), "40020001");
    assert_eq!(hex(acknowledge(V5, Acknowledgement::Rec(258))), "50020102");
    assert_eq!(hex(acknowledge(V311, Acknowledgement::Comp(1, false))), "70020001");
    assert_eq!(hex(acknowledge(V5, Acknowledgement::Comp(1, false))), "7003000192");
    assert_eq!(hex(ping()) + &hex(disconnect()), "c000e000");
}

proptest! {
    #[test]
    fn no_bytes_panic_and_chunks_do_not_matter(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..200, five: bool) {
        let version = if five { V5 } else { V311 };
        let drain = |frames: &mut Frames| {
            let mut found = Vec::new();
            loop {
                match frames.next() {
                    Ok(Some(packet)) => found.push(format!("{packet:?}")),
                    Ok(None) => return (found, None),
                    Err(error) => return (found, Some(error)),
                }
            }
        };
        let mut whole = Frames::new(version, 16);
        whole.buffer().put_slice(&bytes);
        let expect = drain(&mut whole);
        let (first, second) = bytes.split_at(at.min(bytes.len()));
        let mut parts = Frames::new(version, 16);
        parts.buffer().put_slice(first);
        let (mut found, mut error) = drain(&mut parts);
        if error.is_none() {
            parts.buffer().put_slice(second);
            let (more, last) = drain(&mut parts);
            found.extend(more);
            error = last;
        }
        prop_assert_eq!((found, error), expect);
    }

    #[test]
    fn lengths_are_read_as_written(value in 0usize..=268_435_455) {
        let mut out = BytesMut::new();
        put_length(&mut out, value);
        prop_assert_eq!(length(&out), Ok(Some((value, out.len()))));
    }
}
