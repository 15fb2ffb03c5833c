//! Whose a session is: the device's that has the certificate, whatever its name is or was.

use andon_mqtt::Publication;

use crate::client::{Client, Seen, VERSIONS, Version, Wish};
use crate::packets::{Raw, connect_as, framed};
use crate::plant::{Papers, Plant, name};

fn command(topic: &str) -> Publication {
    Publication { topic: topic.to_owned(), payload: "1".into(), qos: 1, retain: false }
}

fn kept(device: &str, papers: &Papers, version: Version) -> Wish {
    Wish { keep_session: true, ..Wish::new(device, papers, version) }
}

/// Certificates have room for 64 characters of a name.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_name_is_a_name() {
    for (version, length) in VERSIONS.into_iter().zip([65, 128]) {
        let plant = Plant::open().await;
        let device = "x".repeat(length);
        let papers = plant.device(&device);
        let wish = kept(&device, &papers, version);
        let (mut client, _) = Client::connect(&plant, &wish).await;
        assert_eq!(client.subscribe(&format!("cmd/{device}/#")).await, 1, "{version:?}");
        assert_eq!(plant.broker.sessions()[0].device, device);
        client.disconnect().await;
        plant.until_nobody().await;
        plant.registry.change(&name(&device), |_, _| {});
        let plant = plant.restart().await;
        let (client, present) = Client::connect(&plant, &wish).await;
        assert!(present, "{version:?}: neither a change nor a restart takes its session");
        client.disconnect().await;
        plant.until_nobody().await;
        plant.registry.revoke(&name(&device));
        plant.until_forgotten(&format!("cmd/{device}/x")).await;
    }
}

/// Also where the door has not heard of the deletion when the new device comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_inherits_nothing_of_an_old_one() {
    for version in VERSIONS {
        for is_away in [false, true] {
            let plant = Plant::open().await;
            let old = plant.device("pump-01");
            let (mut client, _) = Client::connect(&plant, &kept("pump-01", &old, version)).await;
            assert_eq!(client.subscribe("cmd/pump-01/#").await, 1);
            if is_away {
                client.disconnect().await;
                plant.until_nobody().await;
                assert_eq!(plant.broker.publish(command("cmd/pump-01/set")).await.expect("published"), 1);
            }
            plant.registry.forget_silently(&name("pump-01"));
            let new = plant.device("pump-01");
            let (mut client, present) = Client::connect(&plant, &kept("pump-01", &new, version)).await;
            assert!(!present, "{version:?}, away: {is_away}");
            assert_eq!(plant.broker.publish(command("cmd/pump-01/set")).await.expect("published"), 0);
            assert_eq!(client.subscribe("cmd/pump-01/#").await, 1);
            assert_eq!(plant.broker.publish(command("cmd/pump-01/new")).await.expect("published"), 1);
            let message = Seen::Message("cmd/pump-01/new".to_owned(), "1".to_owned(), false);
            assert_eq!(client.next().await, message, "{version:?}, away: {is_away}");
            client.disconnect().await;
        }
    }
}

/// A session that is to end with its connection does so, whatever DISCONNECT says.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_does_not_outlive_what_connect_said() {
    for (flags, expect) in [(2, 0), (0, 1)] {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let mut raw = Raw::open(&plant, &papers).await;
        raw.send(&connect_as("MQTT", 5, flags, "pump-01")).await;
        assert_eq!(raw.packet().await.expect("CONNACK").0, 0x20);
        raw.send(&crate::packets::subscribe(Version::V5, 0x82, 1, &[("cmd/pump-01/#", 1)])).await;
        assert_eq!(raw.packet().await.expect("SUBACK").0, 0x90);
        raw.send(&framed(0xe0, &[0, 5, 0x11, 0, 0, 0x0e, 0x10])).await;
        raw.hang_up().await;
        plant.until_nobody().await;
        if expect == 0 {
            plant.until_forgotten("cmd/pump-01/x").await;
        }
        assert_eq!(plant.broker.publish(command("cmd/pump-01/x")).await.expect("published"), expect, "{flags}");
        let plant = plant.restart().await;
        assert_eq!(plant.broker.publish(command("cmd/pump-01/x")).await.expect("published"), expect, "{flags}");
    }
}
