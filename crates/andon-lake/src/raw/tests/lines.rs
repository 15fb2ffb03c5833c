//! The format of a line: golden lines, and any reading there and back.

use std::sync::Arc;

use andon_journal::NewReading;
use andon_model::{IngestId, SpeaksFor, Timestamp};
use proptest::prelude::*;

use super::super::line::{LineFault, MAX_LINE_BYTES, read_line, write_line};
use super::{reading, seconds};

fn line(id: u64, reading: &NewReading) -> Vec<u8> {
    let mut out = Vec::new();
    write_line(&mut out, IngestId(id), reading);
    out
}

/// What is stored must be readable for ever: these lines never change, and others only join them.
#[test]
fn golden() {
    let golden = include_str!("golden/lines-v1.ndjson");
    let readings = [
        reading("s1", seconds(0), *br#"{"device":{"deviceId":"s1"},"measurements":{"temperature":21.50}}"#),
        reading("s1", Timestamp::from_micros(seconds(1).as_micros() + 250_000), *b"21.5"),
        reading("rs40-ä\"b", seconds(2), *b" {\n  \"a\": 1,\r\n  \"a\": \"x\\ny\"\n}\n"),
        reading("s2", seconds(3), *b"temperature=21"),
        reading("s2", seconds(4), vec![0, 255, 10, 13]),
        reading("s2", seconds(5), Vec::new()),
        reading("deep", seconds(6), "[".repeat(65) + &"]".repeat(65)),
        speaking(&[], *b"{\"t\":1}"),
        speaking(&["tag-1", "tag-2"], *b"{\"t\":1}"),
    ];
    let lines: Vec<u8> = readings.iter().zip(1..).flat_map(|(reading, id)| line(id, reading)).collect();
    assert_eq!(String::from_utf8(lines).expect("text"), golden);
}

/// Of a gateway with those behind it.
fn speaking(behind: &[&str], payload: impl Into<Vec<u8>>) -> NewReading {
    let speaks_for = SpeaksFor::Only(behind.iter().map(|name| Arc::from(*name)).collect());
    NewReading { speaks_for, ..reading("gw", seconds(7), payload) }
}

/// However the names are written, and whether or not the payload stands inline.
#[test]
fn for_whom_a_line_speaks_is_read_back() {
    for behind in [&[][..], &["tag-1"], &["tag-1", "a:b_c-D"], &["ä", "a\"b", "a,b", "a]b", "\\"]] {
        for payload in [&b"{\"for\":[\"x\"]}"[..], b"not JSON"] {
            let given = speaking(behind, payload);
            let read = read_line(&line(7, &given)).expect("a line");
            assert_eq!((read.speaks_for, read.payload), (given.speaks_for, given.payload), "{behind:?}");
        }
    }
    assert_eq!(read_line(&line(7, &reading("s1", seconds(0), *b"1"))).expect("a line").speaks_for, SpeaksFor::Anyone);
}

#[test]
fn a_line_is_json_of_its_own() {
    let bytes = line(7, &reading("s1", seconds(0), *b"{\"t\":21}"));
    let value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!((&value["id"], &value["payload"]["t"], &value["device"]), (&7.into(), &21.into(), &"s1".into()));
}

#[test]
fn what_is_no_line_is_told() {
    let good = line(7, &reading("s1", seconds(0), *b"{\"t\":21}"));
    let check = |bytes: &[u8], expect: fn(&LineFault) -> bool| {
        let fault = read_line(bytes).expect_err("refused");
        assert!(expect(&fault), "{fault} for {}", String::from_utf8_lossy(bytes));
    };
    check(b"", |f| matches!(f, LineFault::Torn));
    check(b"\n", |f| matches!(f, LineFault::Torn));
    check(&good[..good.len() - 1], |f| matches!(f, LineFault::Torn));
    check(&good[4..], |f| matches!(f, LineFault::Checksum { .. }));
    check(&vec![0; 4_096], |f| matches!(f, LineFault::Torn));
    let sealed = |text: &str| format!("{text},\"crc\":\"{:08x}\"}}\n", crc32fast::hash(text.as_bytes())).into_bytes();
    check(&sealed("{\"v\":1"), |f| matches!(f, LineFault::Format(_)));
    check(&sealed("garbage"), |f| matches!(f, LineFault::Format(_)));
    let two =
        r#"{"v":1,"id":1,"ts":"2026-03-05T14:00:00Z","device":"a","topic":"b","payload":1,"payload_base64":"MQ=="#;
    check(&sealed(&format!("{two}\"")), |f| matches!(f, LineFault::Format(_)));
    for (from, to) in [("\"id\":7", "\"id\":07"), ("s1", "s\u{1}"), ("14:00", "14.00"), ("{\"t\":21}", "{\"t\":21}}")] {
        let (text, _) = std::str::from_utf8(&good).expect("text").split_once(",\"crc\"").expect("a tail");
        check(&sealed(&text.replace(from, to)), |f| matches!(f, LineFault::Format(_)));
    }
    let later = r#"{"v":2,"id":1,"ts":"2026-03-05T14:00:00Z","device":"a","topic":"b","payload":1"#;
    check(&sealed(later), |f| f.to_string().ends_with("its version is 2"));
}

#[test]
fn the_longest_line_is_within_its_limit() {
    let (device, topic) =
        ("\u{1}".repeat(andon_journal::MAX_DEVICE_BYTES), "\u{1}".repeat(andon_journal::MAX_TOPIC_BYTES));
    let payload = vec![255; andon_journal::MAX_PAYLOAD_BYTES];
    let speaks_for = SpeaksFor::Only(vec!["\u{1}".repeat(andon_journal::MAX_SPEAKS_FOR_BYTES).into()]);
    let longest = NewReading { received: seconds(0), device: device.into(), topic: topic.into(), speaks_for, payload };
    assert!(line(u64::MAX, &longest).len() <= MAX_LINE_BYTES);
}

fn payloads() -> impl Strategy<Value = Vec<u8>> {
    let json = prop_oneof![Just("{\"a\":[1,2.50,\"x\\u00e9\"]}"), Just("null"), Just("[[],{}]"), Just("1e999")];
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        json.prop_map(|text| text.as_bytes().to_vec()),
        "[\\[\\]{}\":,a1 \\\\]{0,12}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_reading_there_and_back(
        id in any::<u64>(),
        micros in 0..4_000_000_000_000_000_i64,
        (device, topic) in ("\\PC{0,20}", any::<String>()),
        payload in payloads(),
    ) {
        let received = Timestamp::from_micros(micros);
        let speaks_for = SpeaksFor::Anyone;
        let given = NewReading { received, device: device.into(), topic: topic.into(), speaks_for, payload };
        let bytes = line(id, &given);
        prop_assert_eq!(bytes.iter().position(|b| *b == b'\n'), Some(bytes.len() - 1));
        let read = read_line(&bytes).expect("a line");
        prop_assert_eq!((read.id, read.received), (IngestId(id), received));
        prop_assert_eq!((&read.device, &read.topic), (&given.device, &given.topic));
        let same = read.payload == given.payload;
        let spaces: Vec<u8> = given.payload.iter().map(|b| if b"\r\n".contains(b) { b' ' } else { *b }).collect();
        let trimmed = String::from_utf8_lossy(&spaces).trim().as_bytes().to_vec();
        prop_assert!(same || read.payload == trimmed, "{:?}", read.payload);
    }

    #[test]
    fn a_changed_byte_is_found(at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let mut bytes = line(7, &reading("s1", seconds(0), *b"{\"t\":21}"));
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let same_checksum = bytes.eq_ignore_ascii_case(&line(7, &reading("s1", seconds(0), *b"{\"t\":21}")));
        prop_assert!(read_line(&bytes).is_err() || same_checksum);
    }
}
