//! MQTT 5: connections and sessions.

use std::time::Duration;

use super::peer::{ASSIGNED_CLIENT_ID, Hello, Message, Peer};
use super::{Bench, Properties, Version, property};
use Version::V5;

const SESSION_EXPIRY: u8 = 0x11;
const SERVER_KEEP_ALIVE: u8 = 0x13;
const WILL_DELAY: u8 = 0x18;

#[tokio::test(flavor = "multi_thread")]
async fn keepalive() {
    super::keepalive(V5).await;
}

fn expiring(seconds: u32) -> Properties {
    property(SESSION_EXPIRY, &seconds.to_be_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn session_expiry() {
    let bench = Bench::open(V5).await;
    let hello = |clean: bool, seconds: u32| Hello { clean, properties: expiring(seconds), ..Hello::new("a") };
    let connect = async |hello: &Hello, expect: bool| {
        let (mut peer, welcome) = Peer::connect(&bench.plant, &bench.papers, V5, hello).await;
        assert_eq!(welcome.present, expect);
        peer.subscribe(&[("TopicA", 2)]).await;
        peer
    };
    connect(&hello(true, 0), false).await.disconnect(&bench.plant).await;
    connect(&hello(false, 0), false).await.disconnect(&bench.plant).await;
    connect(&hello(true, 2), false).await.disconnect(&bench.plant).await;
    connect(&hello(false, 2), true).await.disconnect(&bench.plant).await;
    bench.plant.notes.until_nothing().await;
    connect(&hello(false, 1), false).await.disconnect(&bench.plant).await;
    connect(&hello(true, 1), false).await.disconnect_with(&bench.plant, &expiring(60)).await;
    // It would have been gone after a second.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    connect(&hello(false, 1), true).await.disconnect_with(&bench.plant, &expiring(0)).await;
    connect(&hello(false, 1), false).await.disconnect(&bench.plant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_disconnect_says_of_the_session_outlives_a_restart() {
    let bench = Bench::open(V5).await;
    let hello = Hello { clean: false, properties: expiring(1), ..Hello::new("a") };
    let (mut peer, _) = Peer::connect(&bench.plant, &bench.papers, V5, &hello).await;
    peer.subscribe(&[("TopicA", 2)]).await;
    peer.disconnect_with(&bench.plant, &expiring(60)).await;
    let plant = bench.plant.restart().await;
    // It would have been gone after a second.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(Peer::connect(&plant, &bench.papers, V5, &hello).await.1.present);
}

/// Differs: it is let in only where a policy allows client ids that are not the device's name; without a clean session
/// it is refused.
#[tokio::test(flavor = "multi_thread")]
async fn zero_length_clientid() {
    let bench = Bench::open(V5).await;
    let papers = bench.plant.device("pump-01");
    let (_, welcome) = Peer::knock(&bench.plant, &papers, V5, &Hello::new("")).await.expect("an answer");
    assert_eq!(welcome.code, 0x87, "by the default policy");
    let kept = Hello { clean: false, ..Hello::new("") };
    let answer = Peer::knock(&bench.plant, &bench.papers, V5, &kept).await;
    assert!(answer.is_none_or(|(_, welcome)| welcome.code == 0x85), "a session needs a name");
}

/// Differs: one is assigned only where a policy allows client ids that are not the device's name.
#[tokio::test(flavor = "multi_thread")]
async fn assigned_clientid() {
    let bench = Bench::open(V5).await;
    let hello = Hello { properties: expiring(60), ..Hello::new("") };
    let (peer, welcome) = Peer::connect(&bench.plant, &bench.papers, V5, &hello).await;
    let assigned = String::from_utf8_lossy(&welcome.properties.all(ASSIGNED_CLIENT_ID)[0][2..]).into_owned();
    assert!(!assigned.is_empty());
    peer.disconnect(&bench.plant).await;
    let (_, welcome) = Peer::connect(&bench.plant, &bench.papers, V5, &Hello::keeping(&assigned)).await;
    assert!(welcome.present);
    assert!(welcome.properties.all(ASSIGNED_CLIENT_ID).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn server_keep_alive() {
    let bench = Bench::open(V5).await;
    for (asked, expect) in [(7_200, 3_600), (60, 60)] {
        let hello = Hello { keep_alive: asked, ..Hello::new("a") };
        let (_, welcome) = Peer::connect(&bench.plant, &bench.papers, V5, &hello).await;
        let told = welcome.properties.number(SERVER_KEEP_ALIVE).unwrap_or(u32::from(asked));
        assert_eq!(told, expect, "asked for {asked}");
    }
}

/// A will waits; a client that comes back in time takes it back.
#[tokio::test(flavor = "multi_thread")]
async fn will_delay() {
    let bench = Bench::open(V5).await;
    let mut b = bench.connect(&Hello::new("b")).await;
    b.subscribe(&[("wills/#", 2)]).await;
    let hello = |client_id: &str| {
        let properties = property(WILL_DELAY, &2_u32.to_be_bytes());
        let will = Message { properties, ..Message::new(&format!("wills/{client_id}"), client_id, 1) };
        Hello { will: Some(will), ..Hello::keeping(client_id) }
    };
    let back = bench.connect(&hello("back")).await;
    back.vanish(&bench.plant).await;
    let back = bench.connect(&Hello::keeping("back")).await;
    let begun = std::time::Instant::now();
    bench.connect(&hello("gone")).await.vanish(&bench.plant).await;
    assert_eq!(b.next().await.payload, "gone");
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    drop(back);
}
