//! Packets that are almost right, thousands of them: the door never fails, and goes on serving.
//!
//! Sequences of valid packets are changed in one to four places. The seed is fixed, so that a failure comes again.

use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{VERSIONS, Version};
use crate::dice::Dice;
use crate::packets::{Properties, Raw, connect, framed, publish, subscribe, text};
use crate::plant::{PATIENCE, PLAIN, Plant};

/// Sequences sent without TLS, and with it.
const PLAIN_ROUNDS: usize = 8_000;
const TLS_ROUNDS: usize = 200;

/// How many connections are made at the same time.
const AT_ONCE: usize = 8;

/// A byte, often one that means something.
fn byte(dice: &mut Dice) -> u8 {
    const TELLING: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, 0x23, b'#', b'$'];
    if dice.below(2) == 0 { *dice.pick(&TELLING) } else { u8::try_from(dice.below(256)).expect("a byte") }
}

/// Properties of MQTT 5, some of which do not belong where they are put.
fn properties(dice: &mut Dice) -> Properties {
    let mut properties = Properties::default();
    for _ in 0..dice.below(4) {
        let number =
            *dice.pick(&[0x01, 0x02, 0x03, 0x08, 0x09, 0x0b, 0x11, 0x17, 0x18, 0x1f, 0x21, 0x22, 0x23, 0x26, 0x27]);
        let value = match number {
            0x01 | 0x17 => vec![byte(dice)],
            0x21..=0x23 => vec![0, byte(dice)],
            0x0b => vec![byte(dice) & 0x7f],
            0x03 | 0x08 | 0x09 | 0x1f => text("data/local/x"),
            0x26 => [text("name"), text("value")].concat(),
            _ => vec![0, 0, 0, byte(dice)],
        };
        properties = properties.with(number, &value);
    }
    properties
}

/// A packet as a client may send it after CONNECT.
fn packet(dice: &mut Dice, version: Version, own: &str) -> Vec<u8> {
    const TOPICS: [&str; 8] = [
        "data/local/x",
        "data/local/y",
        "data/local/z",
        "data/local/1",
        "data/local/2",
        "data/local/3",
        "data/other",
        "$SYS/x",
    ];
    let topic = *dice.pick(&TOPICS);
    let packet_id = 1 + u16::try_from(dice.below(5)).expect("small");
    let of_mqtt_5 = |dice: &mut Dice| if version == Version::V5 { properties(dice).bytes() } else { Vec::new() };
    match dice.below(9) {
        0 | 1 => publish(version, *dice.pick(&[0, 1, 2, 3, 4, 5, 10, 12]), topic, packet_id, "payload"),
        2 => {
            let body = [&text(topic)[..], &packet_id.to_be_bytes(), &of_mqtt_5(dice), b"payload"].concat();
            framed(*dice.pick(&[0x32, 0x34, 0x3c]), &body)
        }
        3 => subscribe(version, 0x82, packet_id, &[(*dice.pick(&["#", "cmd/+", "$share/g/cmd/#", "data/local/x"]), 1)]),
        4 => {
            let body = [&packet_id.to_be_bytes()[..], &of_mqtt_5(dice), &text("cmd/+")].concat();
            framed(0xa2, &body)
        }
        5 => framed(*dice.pick(&[0x40, 0x50, 0x62, 0x70]), &packet_id.to_be_bytes()),
        6 => vec![0xc0, 0],
        7 => connect(version, own, dice.below(2) == 0),
        _ => framed(*dice.pick(&[0xe0, 0xf0]), &[&[byte(dice)][..], &of_mqtt_5(dice)].concat()),
    }
}

/// A connection's packets, some of them broken.
fn sequence(dice: &mut Dice, version: Version, own: &str) -> Vec<u8> {
    let mut packets = vec![connect(version, own, dice.below(4) > 0)];
    for _ in 0..=dice.below(6) {
        packets.push(packet(dice, version, own));
    }
    for _ in 0..=dice.below(3) {
        // The first packet mostly stays as it is, so that there is a session to disturb.
        let place = if dice.below(8) == 0 { 0 } else { dice.below(packets.len()) };
        disturb(dice, &mut packets, place);
    }
    packets.concat()
}

fn disturb(dice: &mut Dice, packets: &mut Vec<Vec<u8>>, place: usize) {
    let length = packets[place].len();
    let at = dice.below(length);
    match dice.below(8) {
        0 if length > 0 => packets[place][at] ^= 1 << dice.below(8),
        1 | 2 if length > 0 => packets[place][at] = byte(dice),
        3 => packets[place].truncate(at),
        4 => packets[place].insert(at, byte(dice)),
        5 => packets.insert(place, packets[place].clone()),
        6 => {
            let other = dice.below(packets.len());
            packets.swap(place, other);
        }
        // The first byte of the length.
        _ if length > 1 => packets[place][1] = byte(dice),
        _ => {}
    }
}

/// Sends `bytes`, and waits until the broker has nothing more to say about it.
async fn throw(plant: &Plant, bytes: &[u8]) {
    let mut socket = TcpStream::connect(plant.broker.addresses()[PLAIN]).await.expect("it listens");
    // Whoever hangs up early is within its rights.
    let _ = socket.write_all(bytes).await;
    let _ = socket.shutdown().await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("the broker hangs up");
}

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Counts panics from now on, but those of tests: tokio catches what a connection ends with.
fn count_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let is_a_test = info.location().is_some_and(|place| place.file().contains("tests/door"));
        PANICS.fetch_add(usize::from(!is_a_test), Ordering::SeqCst);
        before(info);
    }));
}

/// Nothing is kept but from those who came in, where they may publish.
fn nothing_strange_is_kept(plant: &Plant) {
    for arrival in plant.readings.kept().into_iter().chain(plant.events.kept()) {
        assert!(arrival.device.starts_with("local-"), "{arrival:?}");
        assert!(arrival.topic.starts_with("data/local/"), "{arrival:?}");
        assert!(!arrival.topic.contains(['#', '+', '\0']), "{arrival:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_sequences_do_not_harm() {
    count_panics();
    let plant = std::sync::Arc::new(Plant::open().await);
    let each = PLAIN_ROUNDS / AT_ONCE;
    let throwers = (0..AT_ONCE).map(|number| {
        let plant = plant.clone();
        tokio::spawn(async move {
            let mut dice = Dice(7 + number as u64);
            for round in 0..each {
                // Every fourth is somebody whom the policy does not let in.
                let own = if round % 4 == 0 { format!("evil-{number}") } else { format!("local-{number}") };
                let bytes = sequence(&mut dice, VERSIONS[round % 2], &own);
                throw(&plant, &bytes).await;
            }
        })
    });
    for thrower in throwers.collect::<Vec<_>>() {
        thrower.await.expect("no thrower fails");
    }
    nothing_strange_is_kept(&plant);
    let kept = plant.readings.kept().len();
    assert!(kept > PLAIN_ROUNDS / 20, "most of it is too broken to reach anything: {kept}");
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    let bytes =
        [connect(Version::V311, "local-0", true), publish(Version::V311, 0, "data/local/after", 0, "x")].concat();
    throw(&plant, &bytes).await;
    assert!(plant.readings.kept().iter().any(|arrival| arrival.topic == "data/local/after"));
    plant.until_nobody().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_sequences_over_tls_do_not_harm() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    let mut dice = Dice(1);
    for round in 0..TLS_ROUNDS {
        let mut raw = Raw::open(&plant, &papers).await;
        raw.send(&sequence(&mut dice, VERSIONS[round % 2], "pump-01")).await;
        raw.hang_up().await;
    }
    assert!(plant.readings.kept().iter().all(|arrival| arrival.topic.starts_with("data/pump-01")));
    let mut raw = Raw::session(&plant, &papers, Version::V311, true).await;
    raw.send(&publish(Version::V311, 2, "data/pump-01", 6, "x")).await;
    assert_eq!(raw.packet().await.expect("PUBACK").0, 0x40);
}
