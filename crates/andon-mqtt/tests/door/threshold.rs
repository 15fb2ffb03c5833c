//! Connections that do not come in: they are ended, and leave room for others.

use std::time::Duration;

use andon_mqtt::Limits;
use tokio::net::TcpStream;

use crate::client::{Client, VERSIONS, Wish};
use crate::packets::Raw;
use crate::plant::{Plant, TLS, name};

/// A certificate of ours is good enough for TLS, revoked or not; what comes after it does not take for ever.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_stands_before_the_door_for_ever() {
    let plant = Plant::with(Limits { handshake_time: Duration::from_millis(500), ..Limits::default() }).await;
    let papers = plant.device("pump-01");
    plant.registry.revoke(&name("pump-01"));
    let stand = async |sent: &[u8]| {
        let mut raw = Raw::open(&plant, &papers).await;
        raw.send(sent).await;
        assert!(raw.ends().await, "{sent:?}");
    };
    tokio::join!(stand(&[]), stand(&[0x10]), stand(&[0x10, 0x80]), stand(&[0x10, 0x20, 0, 4, b'M']));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_inside_stays() {
    let plant = Plant::with(Limits { handshake_time: Duration::from_millis(500), ..Limits::default() }).await;
    let (inside, outside) = (plant.device("pump-01"), plant.device("pump-02"));
    for version in VERSIONS {
        let mut session = Raw::session(&plant, &inside, version, true).await;
        let mut stranger = Raw::open(&plant, &outside).await;
        assert!(stranger.ends().await, "{version:?}");
        session.send(&[0xc0, 0]).await;
        assert_eq!(session.packet().await.expect("PINGRESP").0, 0xd0, "{version:?}");
    }
}

/// The oldest make room, long before their time is over.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_not_too_many() {
    let most = |strangers, strangers_per_address| {
        let handshake_time = Duration::from_hours(1);
        Limits { strangers, strangers_per_address, handshake_time, ..Limits::default() }
    };
    for limits in [most(2, 9), most(9, 2)] {
        let plant = Plant::with(limits).await;
        let papers = plant.device("pump-01");
        let mut first = Raw::open(&plant, &papers).await;
        let (client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, VERSIONS[0])).await;
        let address = plant.broker.addresses()[TLS];
        let crowd = async {
            let mut crowd = Vec::new();
            loop {
                crowd.push(TcpStream::connect(address).await);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let ended = tokio::select! {
            ended = first.ends() => ended,
            () = crowd => false,
        };
        assert!(ended);
        client.disconnect().await;
    }
}
