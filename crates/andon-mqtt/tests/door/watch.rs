//! A connection whose admission no longer holds is closed (invariant V1).

use std::time::Duration;

use andon_devices::Device;
use andon_devices::door::DoorChange;
use andon_devices::pki::RevocationReason;
use andon_devices::policy::Policy;

use crate::client::{Client, Seen, VERSIONS, Version, Wish};
use crate::kept::Mood;
use crate::plant::{Plant, allowing, default_policy, name, now};

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_is_cut_off() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let (papers, other) = (plant.device("pump-01"), plant.device("pump-02"));
        let wish = Wish { keep_session: true, ..Wish::new("pump-01", &papers, version) };
        let (mut client, _) = Client::connect(&plant, &wish).await;
        let (mut bystander, _) = Client::connect(&plant, &Wish::new("pump-02", &other, version)).await;
        assert_eq!(client.subscribe("cmd/pump-01/#").await, 1);
        plant.registry.revoke(&name("pump-01"));
        assert_eq!(client.next().await, Seen::Gone, "{version:?}");
        assert!(!Client::is_let_in(&plant, &wish).await);
        bystander.publish("data/pump-02", 1, "1").await;
        assert_eq!(bystander.next().await, Seen::Acked(0));
        assert_eq!(plant.broker.sessions().len(), 1);
    }
}

/// Its will would be a publish of a revoked device.
#[tokio::test(flavor = "multi_thread")]
async fn the_will_of_a_revoked_device_is_not_sent() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let (papers, watcher) = (plant.device("pump-01"), plant.device_with("panel", allowing(&[("iot:*", "*")])));
        let (mut panel, _) = Client::connect(&plant, &Wish::new("panel", &watcher, version)).await;
        assert_eq!(panel.subscribe("#").await, 1);
        let will = Some(("data/pump-01/state".to_owned(), "lost".to_owned()));
        let (mut client, _) = Client::connect(&plant, &Wish { will, ..Wish::new("pump-01", &papers, version) }).await;
        plant.registry.revoke(&name("pump-01"));
        assert_eq!(client.next().await, Seen::Gone);
        panel.publish("data/panel/after", 1, "after").await;
        let mut seen = [panel.next().await, panel.next().await];
        seen.sort_by_key(|seen| *seen != Seen::Acked(0));
        assert_eq!(seen[1], Seen::Message("data/panel/after".to_owned(), "after".to_owned(), false), "{version:?}");
        assert!(plant.readings.kept().iter().all(|reading| reading.device == "panel"));
    }
}

/// Even while its publish waits for the disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_publish_in_hand_does_not_hold_the_door() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
        plant.readings.mood.send_replace(Mood::Waits);
        client.publish("data/pump-01", 1, "1").await;
        plant.readings.asked(1).await;
        plant.registry.revoke(&name("pump-01"));
        assert_eq!(client.next().await, Seen::Gone, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_policy_closes_the_connection_and_keeps_the_session() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let wish = Wish { keep_session: true, ..Wish::new("pump-01", &papers, version) };
        let (mut client, _) = Client::connect(&plant, &wish).await;
        assert_eq!(client.subscribe("cmd/pump-01/#").await, 1);
        plant.registry.change(&name("pump-01"), |_, policy| {
            *policy = allowing(&[("iot:Connect", "*"), ("iot:Publish", "topic/data/new")]);
        });
        assert_eq!(client.next().await, Seen::Gone, "{version:?}");
        let (mut client, present) = Client::connect(&plant, &wish).await;
        assert!(present, "{version:?}");
        client.publish("data/new", 1, "1").await;
        assert_eq!(client.next().await, Seen::Acked(0));
    }
}

/// Its policy allows the same, and it reports for others.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_speaks_for_others_comes_in_anew() {
    let plant = Plant::open().await;
    let papers = plant.device("gw-01");
    let (mut client, _) = Client::connect(&plant, &Wish::new("gw-01", &papers, Version::V5)).await;
    plant.registry.change(&name("gw-01"), |gateway, _| {
        gateway.on_behalf_of.insert(name("tag-1"));
    });
    assert_eq!(client.next().await, Seen::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_change_nothing_leave_the_connection_alone() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    for version in VERSIONS {
        let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
        plant.registry.change(&name("pump-01"), |device, policy| {
            device.attributes = andon_devices::Attributes::default();
            *policy = default_policy();
        });
        plant.registry.tell(DoorChange::Everything);
        plant.registry.change(&name("pump-01"), |_, _| {});
        client.publish("data/pump-01", 1, "1").await;
        assert_eq!(client.next().await, Seen::Acked(0), "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_end_a_connection() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    for version in VERSIONS {
        for forget in [false, true] {
            let wish = Wish { keep_session: true, ..Wish::new("pump-01", &papers, version) };
            let (mut client, _) = Client::connect(&plant, &wish).await;
            assert!(plant.broker.kick("pump-01", forget).await);
            assert_eq!(client.next().await, Seen::Gone);
            let (client, present) = Client::connect(&plant, &wish).await;
            assert_eq!(present, !forget, "{version:?}");
            client.disconnect().await;
        }
    }
    assert!(!plant.broker.kick("pump-09", true).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_forget_who_is_away() {
    for version in VERSIONS {
        for restarted in [false, true] {
            let plant = Plant::open().await;
            let papers = plant.device("pump-01");
            let wish = Wish { keep_session: true, ..Wish::new("pump-01", &papers, version) };
            Client::connect(&plant, &wish).await.0.disconnect().await;
            plant.until_away("pump-01").await;
            let plant = if restarted { plant.restart().await } else { plant };
            assert!(!plant.broker.kick("pump-01", false).await, "{version:?}: it is not connected");
            assert!(plant.broker.kick("pump-01", true).await, "{version:?} {restarted}");
            plant.notes.until_nothing().await;
            let (_, present) = Client::connect(&plant, &wish).await;
            assert!(!present, "{version:?} {restarted}");
        }
    }
}

/// A look at the registry takes longer than anything else that the door does now and then.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_registry_is_heard() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, VERSIONS[0])).await;
    plant.registry.slow_down(Duration::from_millis(600));
    plant.registry.revoke(&name("pump-01"));
    assert_eq!(client.next().await, Seen::Gone);
}

/// A registry that tells many changes is told apart from one that is silent: none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_chatty_registry_is_heard() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, VERSIONS[0])).await;
    plant.registry.slow_down(Duration::from_millis(300));
    for number in 0..5_000 {
        plant.registry.tell(DoorChange::Device(name(&format!("other-{number}"))));
    }
    plant.registry.revoke(&name("pump-01"));
    assert_eq!(client.next().await, Seen::Gone);
}

/// One record that cannot be read does not keep the door from hearing of others; nobody stays in unchecked.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_cannot_be_looked_up_holds_up_nobody() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let (broken, other) = (plant.device("pump-01"), plant.device("pump-02"));
        let wish = Wish { keep_session: true, ..Wish::new("pump-01", &broken, version) };
        let (mut client, _) = Client::connect(&plant, &wish).await;
        let (mut revoked, _) = Client::connect(&plant, &Wish::new("pump-02", &other, version)).await;
        plant.registry.break_off(&name("pump-01"));
        plant.registry.tell(DoorChange::Everything);
        plant.registry.change(&name("pump-01"), |_, _| {});
        plant.registry.revoke(&name("pump-02"));
        assert_eq!(revoked.next().await, Seen::Gone, "{version:?}");
        assert_eq!(client.next().await, Seen::Gone, "{version:?}");
        plant.registry.mend();
        let (client, present) = Client::connect(&plant, &wish).await;
        assert!(present, "{version:?}: its session was kept");
        client.disconnect().await;
    }
}

/// What was acknowledged for a device waits for it also when the certificate goes by which it asked for it.
#[tokio::test(flavor = "multi_thread")]
async fn the_session_outlives_the_old_certificate_of_a_device() {
    for version in VERSIONS {
        for is_away in [false, true] {
            let plant = Plant::open().await;
            let (certificate, old) = plant.authorities.issue(&name("pump-01"), now(), 30);
            let old_id = certificate.id.clone();
            plant.hold("pump-01", default_policy(), certificate);
            let wish = Wish { keep_session: true, ..Wish::new("pump-01", &old, version) };
            let (mut client, _) = Client::connect(&plant, &wish).await;
            assert_eq!(client.subscribe("cmd/pump-01/#").await, 1);
            let new = plant.device("pump-01");
            if is_away {
                client.disconnect().await;
                plant.until_away("pump-01").await;
            }
            let revoke = |device: &mut Device, _: &mut Policy| {
                device.revoke(&old_id, RevocationReason::Superseded, now()).map(drop).expect("revoked");
            };
            plant.registry.change(&name("pump-01"), revoke);
            plant.until_away("pump-01").await;
            assert!(!Client::is_let_in(&plant, &wish).await);
            let plant = plant.restart().await;
            let (client, present) = Client::connect(&plant, &Wish { papers: Some(new), ..wish }).await;
            assert!(present, "{version:?} {is_away}");
            client.disconnect().await;
        }
    }
}
