//! Attempts over real connections to be somebody else, or to reach what belongs to somebody else: none succeeds.

use std::sync::Arc;
use std::time::Duration;

use andon_mqtt::Publication;

use crate::client::{VERSIONS, Version};
use crate::dice::{Dice, many};
use crate::packets::{Properties, Raw, connect_as, framed, text};
use crate::plant::{Authorities, Papers, Plant, default_policy, name, now};

/// Devices of the plant; the first half are attacked, the others attack.
const DEVICES: usize = 8;

/// Attempts of each attacker to publish and to subscribe, and to come in; `ANDON_ATTEMPTS` times as many when it is set.
const INSIDE: usize = 900;
const OUTSIDE: usize = 75;

fn device(number: usize) -> String {
    format!("pump-{number:03}")
}

/// A topic that might help to reach `other`. None of them is the attacker's own, in which it may write what it likes.
fn topic(dice: &mut Dice, own: &str, other: &str) -> String {
    let tail = dice.pick(&["x", "alarm", "..", "*", "?", "$share", "%2f", "${iot:ClientId}", "a/b/c"]);
    let head = dice.pick(&["data", "cmd", "data/", "/data", "Data", "data/..", "$aws/things", "$SYS", "data/*"]);
    match dice.below(5) {
        0 => format!("{head}/../{own}/../{other}/{tail}"),
        1 => format!("{head}/{other}"),
        2 => format!("data/{own}{other}/{tail}"),
        3 => format!("data/{}/{tail}", other.to_uppercase()),
        _ => format!("{head}/{other}/{tail}"),
    }
}

/// A filter that might let `own` see what is for `other`.
fn filter(dice: &mut Dice, own: &str, other: &str) -> String {
    let plain = topic(dice, own, other).replace(['*', '?'], "x");
    match dice.below(9) {
        0 => format!("$share/{own}/{plain}"),
        1 => format!("$share/cmd/{own}/cmd/{other}/#"),
        2 => format!("$exclusive/cmd/{other}/#"),
        3 => format!("$limit/9/cmd/{other}/#"),
        4 => dice.pick(&["#", "+/#", "cmd/#", "cmd/+/#", "+/+/set", "$share/g/#", "data/#"]).to_string(),
        5 => format!("cmd/{other}/+/#"),
        6 => format!("cmd/+/{other}"),
        7 => format!("{plain}/#"),
        _ => plain,
    }
}

/// What a packet is answered with: whether it says no. The end of the connection is a no as well.
async fn is_refused(raw: &mut Raw, bytes: &[u8], version: Version) -> Option<bool> {
    raw.send(bytes).await;
    let (kind, body) = raw.packet().await?;
    let rest = match (kind >> 4, version) {
        (9, Version::V5) => Properties::read(&body[2..]).1,
        (4 | 9, _) => &body[2..],
        _ => return (kind >> 4 == 14).then_some(true),
    };
    Some(rest.first().is_some_and(|code| *code >= 0x80))
}

fn attempt(dice: &mut Dice, version: Version, own: &str, other: &str) -> Vec<u8> {
    let none: &[u8] = if version == Version::V5 { &[0] } else { &[] };
    if version == Version::V5 && dice.below(2) == 0 {
        let retain = u8::from(dice.below(3) == 0);
        framed(0x32 | retain, &[&text(&topic(dice, own, other))[..], &[0, 7], none, b"stolen"].concat())
    } else {
        framed(0x82, &[&[0, 7], none, &text(&filter(dice, own, other)), &[1]].concat())
    }
}

async fn enter(plant: &Plant, papers: &Papers, version: Version, own: &str) -> Raw {
    let mut raw = Raw::open(plant, papers).await;
    raw.send(&connect_as("MQTT", version.level(), 2, own)).await;
    assert_eq!(raw.packet().await.expect("CONNACK").1[1], 0);
    raw
}

/// What an attacker does that is connected as itself. MQTT 3.1.1 ends the connection at every publish, so there it
/// subscribes only; [`crate::crowd`] publishes.
async fn inside(plant: Arc<Plant>, papers: Papers, number: usize) -> usize {
    let (own, other) = (device(number), device(number - DEVICES / 2));
    let version = VERSIONS[number % 2];
    let mut dice = Dice(number as u64);
    let mut raw = enter(&plant, &papers, version, &own).await;
    for _ in 0..many(INSIDE) {
        let bytes = attempt(&mut dice, version, &own, &other);
        match is_refused(&mut raw, &bytes, version).await {
            Some(refused) => assert!(refused, "{own} {version:?}: {}", String::from_utf8_lossy(&bytes)),
            None => raw = enter(&plant, &papers, version, &own).await,
        }
    }
    many(INSIDE)
}

/// Papers that open no door, and what they are.
struct Forgeries(Vec<(&'static str, Papers)>);

impl Forgeries {
    fn of(plant: &Plant, own: &str, genuine: &Papers) -> Self {
        let day = Duration::from_hours(24);
        let own = name(own);
        let issue = |at, days| plant.authorities.issue(&own, at, days);
        let (expired, expired_papers) = issue(now().before(day * 2), 1);
        let (revoked, revoked_papers) = issue(now(), 30);
        let (_, unknown) = issue(now(), 30);
        let revoked_id = revoked.id.clone();
        plant.hold(own.as_str(), default_policy(), expired);
        plant.hold(own.as_str(), default_policy(), revoked);
        plant.registry.change(&own, |device, _| {
            let reason = andon_devices::pki::RevocationReason::KeyCompromise;
            device.revoke(&revoked_id, reason, now()).expect("revoked");
        });
        let (_, foreign) = Authorities::new().issue(&own, now(), 30);
        let grafted = Papers { chain_pem: foreign.chain_pem.clone() + &genuine.chain_pem, ..foreign.clone() };
        Self(vec![
            ("expired", expired_papers),
            ("revoked", revoked_papers),
            ("not in the registry", unknown),
            ("of a foreign authority", foreign),
            ("of a foreign authority, with a genuine chain behind it", grafted),
        ])
    }
}

/// CONNECT with a will at a topic of somebody else.
fn with_will(version: Version, own: &str, topic: &str, retain: bool) -> Vec<u8> {
    let none: &[u8] = if version == Version::V5 { &[0] } else { &[] };
    let mut body = text("MQTT");
    body.extend([version.level(), 0x0e | u8::from(retain) << 5, 0, 60]);
    body.extend([none, &text(own), none, &text(topic), &text("stolen")].concat());
    framed(0x10, &body)
}

/// Whether CONNECT is answered with success.
async fn comes_in(plant: &Plant, papers: Option<&Papers>, connect: &[u8]) -> bool {
    let Some(mut raw) = Raw::try_open(plant, papers).await else { return false };
    raw.send(connect).await;
    raw.packet().await.is_some_and(|(kind, body)| kind == 0x20 && body[1] == 0)
}

/// What an attacker tries in order to come in as somebody else, or with a will that reaches somebody else.
async fn outside(plant: Arc<Plant>, papers: Papers, number: usize) -> usize {
    let (own, other) = (device(number), device(number - DEVICES / 2));
    let forgeries = Forgeries::of(&plant, &other, &papers);
    let mut dice = Dice(1_000 + number as u64);
    for round in 0..many(OUTSIDE) {
        let version = VERSIONS[round % 2];
        let connect = |client_id: &str| connect_as("MQTT", version.level(), 2, client_id);
        let (what, came_in) = match round % 5 {
            0 => {
                let strange = dice.pick(&["", "#", "+", "andon", "pump-", "*", "pump-*", "${iot:ClientId}", "../"]);
                let client_id = if dice.below(2) == 0 { other.clone() } else { format!("{strange}{}", dice.below(9)) };
                (client_id.clone(), comes_in(&plant, Some(&papers), &connect(&client_id)).await)
            }
            1 => {
                let bytes = with_will(version, &own, &topic(&mut dice, &own, &other), dice.below(2) == 0);
                (String::from_utf8_lossy(&bytes).into_owned(), comes_in(&plant, Some(&papers), &bytes).await)
            }
            2 => ("no certificate".to_owned(), comes_in(&plant, None, &connect(&other)).await),
            _ => {
                let (what, forged) = &forgeries.0[dice.below(forgeries.0.len())];
                let client_id = if dice.below(2) == 0 { &own } else { &other };
                ((*what).to_owned(), comes_in(&plant, Some(forged), &connect(client_id)).await)
            }
        };
        assert!(!came_in, "{own} {version:?}: {what}");
    }
    many(OUTSIDE)
}

/// Those who are attacked subscribe to what is theirs; at the end, each has seen its own command and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_somebody_else() {
    let plant = Arc::new(Plant::open().await);
    let papers: Vec<Papers> = (0..DEVICES).map(|number| plant.device(&device(number))).collect();
    let mut victims = Vec::new();
    for number in 0..DEVICES / 2 {
        let own = device(number);
        let mut raw = enter(&plant, &papers[number], VERSIONS[number % 2], &own).await;
        let none: &[u8] = if number % 2 == 1 { &[0] } else { &[] };
        raw.send(&framed(0x82, &[&[0, 1], none, &text(&format!("cmd/{own}/#")), &[1]].concat())).await;
        assert_eq!(raw.packet().await.expect("SUBACK").0, 0x90);
        victims.push(raw);
    }
    let mut attackers = tokio::task::JoinSet::new();
    for (number, papers) in papers.iter().enumerate().skip(DEVICES / 2) {
        attackers.spawn(inside(plant.clone(), papers.clone(), number));
        attackers.spawn(outside(plant.clone(), papers.clone(), number));
    }
    let attempts: usize = attackers.join_all().await.into_iter().sum();
    println!("{attempts} attempts over the wire");
    assert!(plant.readings.kept().is_empty(), "{:?}", plant.readings.kept());
    assert!(plant.events.kept().is_empty());
    for (number, raw) in victims.iter_mut().enumerate() {
        let topic = format!("cmd/{}/end", device(number));
        let command = Publication { topic: topic.clone(), payload: "end".into(), qos: 0, retain: false };
        assert_eq!(plant.broker.publish(command).await.expect("published"), 1, "nobody else subscribes to {topic}");
        let (kind, body) = raw.packet().await.expect("PUBLISH");
        assert_eq!((kind, &body[2..2 + topic.len()]), (0x30, topic.as_bytes()), "nothing came before it");
    }
    let watcher = plant.device_with("watcher", crate::plant::anything());
    let mut raw = enter(&plant, &watcher, Version::V311, "watcher").await;
    raw.send(&framed(0x82, &[&[0, 1][..], &text("#"), &[0]].concat())).await;
    assert_eq!(raw.packet().await.expect("SUBACK").0, 0x90);
    let command = Publication { topic: "mark".to_owned(), payload: "end".into(), qos: 0, retain: false };
    plant.broker.publish(command).await.expect("published");
    let (_, body) = raw.packet().await.expect("PUBLISH");
    assert_eq!(&body[2..6], b"mark", "nothing is retained");
}
