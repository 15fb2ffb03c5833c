//! What waits for a device outlives the process, until the device has it.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use andon_mqtt::{Limits, MqttError, Publication};

use crate::client::{Client, Seen, VERSIONS, Version, Wish};
use crate::packets::{Raw, subscribe};
use crate::plant::{Papers, Plant, anything, name};

fn command(payload: &str, qos: u8) -> Publication {
    Publication { topic: "cmd/pump-01/set".to_owned(), payload: payload.to_owned().into(), qos, retain: false }
}

fn message(payload: &str) -> Seen {
    Seen::Message("cmd/pump-01/set".to_owned(), payload.to_owned(), false)
}

fn keeping(papers: &Papers, version: Version) -> Wish {
    Wish { keep_session: true, ..Wish::new("pump-01", papers, version) }
}

/// A plant in which a device subscribes to its commands and is away.
async fn away(limits: Limits, version: Version) -> (Plant, Papers) {
    let plant = Plant::with(limits).await;
    let papers = plant.device_with("pump-01", anything());
    let (mut client, _) = Client::connect(&plant, &keeping(&papers, version)).await;
    assert_eq!(client.subscribe("cmd/pump-01/#").await, 1);
    client.disconnect().await;
    plant.until_away("pump-01").await;
    (plant, papers)
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_wait_over_a_restart() {
    for version in VERSIONS {
        let (plant, papers) = away(Limits::default(), version).await;
        for (payload, qos) in [("1", 1), ("nobody's", 0), ("2", 2), ("3", 1)] {
            assert_eq!(plant.broker.publish(command(payload, qos)).await.expect("published"), 1, "{version:?}");
        }
        assert_eq!(plant.notes.waiting(), 3, "{version:?}: QoS 0 is not noted");
        let plant = plant.restart().await;
        plant.broker.publish(command("4", 1)).await.expect("published");
        let plant = plant.restart().await;
        let (mut client, present) = Client::connect(&plant, &keeping(&papers, version)).await;
        assert!(present, "{version:?}");
        for payload in ["1", "2", "3", "4"] {
            assert_eq!(client.next().await, message(payload), "{version:?}");
        }
        plant.notes.until_waiting(0).await;
        client.disconnect().await;
        let plant = plant.restart().await;
        let (mut client, _) = Client::connect(&plant, &keeping(&papers, version)).await;
        plant.broker.publish(command("after", 1)).await.expect("published");
        assert_eq!(client.next().await, message("after"), "{version:?}: nothing comes twice");
    }
}

/// A device that is connected has a command when it says so, not when it is sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_not_acknowledged_comes_after_a_restart() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let mut raw = Raw::session(&plant, &papers, version, false).await;
        raw.send(&subscribe(version, 0x82, 1, &[("cmd/pump-01/#", 1)])).await;
        assert_eq!(raw.packet().await.expect("SUBACK").0, 0x90);
        plant.broker.publish(command("1", 1)).await.expect("published");
        assert_eq!(raw.packet().await.expect("PUBLISH").0, 0x32);
        let plant = plant.restart().await;
        let (mut client, present) = Client::connect(&plant, &keeping(&papers, version)).await;
        assert!(present, "{version:?}");
        assert_eq!(client.next().await, message("1"), "{version:?}");
        plant.notes.until_waiting(0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_devices_send_to_each_other_waits_as_well() {
    for version in VERSIONS {
        let (plant, papers) = away(Limits::default(), version).await;
        let (mut other, _) = Client::connect(&plant, &Wish::new("other", &papers, version)).await;
        other.publish("cmd/pump-01/set", 1, "hello").await;
        assert_eq!(other.next().await, Seen::Acked(0));
        assert_eq!(plant.notes.waiting(), 1, "{version:?}: noted before PUBACK");
        let plant = plant.restart().await;
        let (mut client, _) = Client::connect(&plant, &keeping(&papers, version)).await;
        assert_eq!(client.next().await, message("hello"), "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_noted_is_not_published() {
    let (plant, papers) = away(Limits::default(), Version::V5).await;
    plant.notes.full.store(true, Ordering::SeqCst);
    assert!(matches!(plant.broker.publish(command("1", 1)).await, Err(MqttError::Memory(_))));
    plant.notes.full.store(false, Ordering::SeqCst);
    plant.broker.publish(command("2", 1)).await.expect("published");
    let (mut client, _) = Client::connect(&plant, &keeping(&papers, Version::V5)).await;
    assert_eq!(client.next().await, message("2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn number_and_bytes_of_what_waits_are_limited() {
    let bytes = "cmd/pump-01/set".len() + 1;
    for limits in [Limits { waiting: 2, ..Limits::default() }, Limits { waiting_bytes: 2 * bytes, ..Limits::default() }]
    {
        let (plant, papers) = away(limits, Version::V311).await;
        for payload in ["1", "2"] {
            plant.broker.publish(command(payload, 1)).await.expect("published");
        }
        assert!(matches!(plant.broker.publish(command("3", 1)).await, Err(MqttError::Full { .. })));
        let (mut client, _) = Client::connect(&plant, &keeping(&papers, Version::V311)).await;
        assert_eq!([client.next().await, client.next().await], [message("1"), message("2")]);
        plant.notes.until_waiting(0).await;
        plant.broker.publish(command("4", 1)).await.expect("there is room again");
        assert_eq!(client.next().await, message("4"));
    }
}

/// What is refused is not there for those who subscribe later either.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_not_retained() {
    let (plant, papers) = away(Limits { waiting: 1, ..Limits::default() }, Version::V5).await;
    plant.broker.publish(command("1", 1)).await.expect("published");
    let retained = Publication { retain: true, ..command("2", 1) };
    assert!(matches!(plant.broker.publish(retained).await, Err(MqttError::Full { .. })));
    let (mut other, _) = Client::connect(&plant, &Wish::new("other", &papers, Version::V5)).await;
    assert_eq!(other.subscribe("cmd/pump-01/set").await, 1);
    plant.broker.publish(command("3", 0)).await.expect("published");
    assert_eq!(other.next().await, message("3"));
}

/// The oldest gives way, in the queue and in what is noted.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_gives_up_the_oldest() {
    for version in VERSIONS {
        let (plant, papers) = away(Limits { queue: 2, ..Limits::default() }, version).await;
        for payload in ["1", "2", "3"] {
            plant.broker.publish(command(payload, 1)).await.expect("published");
        }
        plant.notes.until_waiting(2).await;
        let plant = plant.restart().await;
        let (mut client, _) = Client::connect(&plant, &keeping(&papers, version)).await;
        assert_eq!([client.next().await, client.next().await], [message("2"), message("3")], "{version:?}");
    }
}

/// Who gives up the session, and who is given up, leaves nothing behind.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_goes_with_its_session() {
    for version in VERSIONS {
        let (plant, papers) = away(Limits::default(), version).await;
        plant.broker.publish(command("1", 1)).await.expect("published");
        let (client, present) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
        assert!(!present);
        plant.notes.until_waiting(0).await;
        client.disconnect().await;
        let (plant, _) = away(Limits::default(), version).await;
        plant.broker.publish(command("1", 1)).await.expect("published");
        plant.registry.revoke(&name("pump-01"));
        let plant = plant.restart().await;
        assert_eq!(plant.notes.count(), 0, "{version:?}");
    }
}

/// A device that comes back again and again, each time while its old connection is still there, loses no command.
#[tokio::test(flavor = "multi_thread")]
async fn no_command_is_lost_between_two_connections() {
    const COMMANDS: usize = 200;
    for version in VERSIONS {
        let (plant, papers) = away(Limits::default(), version).await;
        let publish = async {
            for number in 0..COMMANDS {
                let publication = command(&number.to_string(), 1);
                assert_eq!(plant.broker.publish(publication).await.expect("published"), 1, "{version:?} {number}");
            }
        };
        let mut missing: BTreeSet<String> = (0..COMMANDS).map(|number| number.to_string()).collect();
        let receive = async {
            let mut old: Option<Client> = None;
            while !missing.is_empty() {
                let (mut client, _) = Client::connect(&plant, &keeping(&papers, version)).await;
                // What the old connection has acknowledged was not lost.
                while let Some(Seen::Message(_, payload, _)) = match &mut old {
                    Some(old) => Some(old.next().await),
                    None => None,
                } {
                    missing.remove(&payload);
                }
                for _ in 0..missing.len().min(5) {
                    let seen = client.next().await;
                    let Seen::Message(_, payload, _) = seen else { panic!("{version:?}: {seen:?}") };
                    missing.remove(&payload);
                }
                old = Some(client);
            }
            old
        };
        let ((), last) = tokio::join!(publish, receive);
        plant.notes.until_waiting(0).await;
        drop(last);
    }
}

/// Neither is one that comes up for a connection while that is being closed.
#[tokio::test(flavor = "multi_thread")]
async fn no_command_is_lost_when_a_connection_is_closed() {
    const COMMANDS: usize = 200;
    for version in VERSIONS {
        let (plant, papers) = away(Limits::default(), version).await;
        let mut missing: BTreeSet<String> = (0..COMMANDS).map(|number| number.to_string()).collect();
        for round in 0..10 {
            let (mut client, _) = Client::connect(&plant, &keeping(&papers, version)).await;
            for number in (0..COMMANDS).skip(round).step_by(10) {
                plant.broker.publish(command(&number.to_string(), 1)).await.expect("published");
            }
            assert!(plant.broker.kick("pump-01", false).await, "{version:?}");
            while let Seen::Message(_, payload, _) = client.next().await {
                missing.remove(&payload);
            }
        }
        let (mut client, _) = Client::connect(&plant, &keeping(&papers, version)).await;
        while !missing.is_empty() {
            let seen = client.next().await;
            let Seen::Message(_, payload, _) = seen else { panic!("{version:?}: {seen:?}, {missing:?} are missing") };
            missing.remove(&payload);
        }
        plant.notes.until_waiting(0).await;
    }
}
