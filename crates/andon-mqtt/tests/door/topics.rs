//! What may be published, subscribed to and received (invariant V2), over the wire.

use andon_model::SpeaksFor;
use andon_mqtt::Publication;
use bytes::Bytes;

use crate::client::{Client, Seen, VERSIONS, Version, Wish};
use crate::plant::{Plant, allowing, name};

fn command(topic: &str, payload: &str) -> Publication {
    Publication { topic: topic.to_owned(), payload: Bytes::from(payload.to_owned()), qos: 1, retain: false }
}

fn message(topic: &str, payload: &str, retain: bool) -> Seen {
    Seen::Message(topic.to_owned(), payload.to_owned(), retain)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_publishes_nowhere_else() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    plant.device("pump-02");
    let topics =
        ["data/pump-02/x", "data", "data/pump-01x", "cmd/pump-02/reboot", "data//pump-01", "$SYS/x", "DATA/pump-01"];
    for version in VERSIONS {
        for topic in topics {
            for qos in [0, 1, 2] {
                let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
                client.publish(topic, qos, "x").await;
                let seen = client.next().await;
                let told = version == Version::V5 && qos > 0 && seen == Seen::Acked(135);
                assert!(told || seen == Seen::Gone, "{topic} {version:?} QoS {qos}: {seen:?}");
            }
        }
    }
    assert!(plant.readings.kept().is_empty());
    assert!(plant.events.kept().is_empty());
}

/// What a payload says of itself is not to be believed: for whom its sender may speak is noted with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reading_says_for_whom_it_speaks() {
    let plant = Plant::open().await;
    let papers = ["pump-01", "gw-01"].map(|device| (device, plant.device(device)));
    plant.registry.change(&name("gw-01"), |gateway, _| {
        gateway.on_behalf_of.extend(["tag-1", "tag-2"].map(name));
    });
    for (device, papers) in &papers {
        let (mut client, _) = Client::connect(&plant, &Wish::new(device, papers, Version::V5)).await;
        client.publish(&format!("data/{device}"), 1, r#"{"device":{"deviceId":"tag-1"}}"#).await;
        assert_eq!(client.next().await, Seen::Acked(0));
    }
    let kept: Vec<_> = plant.readings.kept().into_iter().map(|kept| (kept.device, kept.speaks_for)).collect();
    let only = |names: &[&str]| SpeaksFor::Only(names.iter().map(|name| (*name).into()).collect());
    assert_eq!(kept, [("pump-01".to_owned(), only(&[])), ("gw-01".to_owned(), only(&["tag-1"]))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_subscribes_to_nothing_else() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    let filters = [
        "#",
        "+/pump-01/#",
        "cmd/#",
        "cmd/+/reboot",
        "cmd/pump-02/#",
        "data/#",
        "$share/g/cmd/#",
        "$share/g/cmd/pump-02/x",
        "$SYS/#",
        "$exclusive/cmd/pump-02/x",
        "$limit/2/cmd/pump-02/x",
        "$share/g",
        "$share/cmd/pump-01/",
    ];
    for version in VERSIONS {
        for filter in filters {
            let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
            let granted = client.try_subscribe(filter).await;
            assert!(granted.is_none_or(|code| code >= 128), "{filter} {version:?}: {granted:?}");
        }
        let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
        assert!(client.subscribe("cmd/pump-01/#").await < 3);
        assert!(client.subscribe("$share/g/cmd/pump-01/x").await < 3);
    }
}

/// A subscription that is allowed may cover more than may be received.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_receives_only_what_it_may() {
    let plant = Plant::open().await;
    let policy = allowing(&[
        ("iot:Connect", "*"),
        ("iot:Subscribe", "topicfilter/cmd/#"),
        ("iot:Receive", "topic/cmd/${iot:Connection.Thing.ThingName}/*"),
    ]);
    let papers = plant.device_with("pump-01", policy);
    let retained = Publication { retain: true, ..command("cmd/pump-02/mode", "secret") };
    plant.broker.publish(retained).await.expect("published");
    for version in VERSIONS {
        let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
        assert_eq!(client.subscribe("cmd/#").await, 1);
        for topic in ["cmd/pump-02/reboot", "cmd/pump-01x/reboot", "cmd/pump-01/reboot"] {
            assert_eq!(plant.broker.publish(command(topic, "now")).await.expect("published"), 1);
        }
        assert_eq!(client.next().await, message("cmd/pump-01/reboot", "now", false), "{version:?}");
        client.disconnect().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_wait_for_a_device_that_is_away() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let wish = Wish { keep_session: true, ..Wish::new("pump-01", &papers, version) };
        let (mut client, present) = Client::connect(&plant, &wish).await;
        assert!(!present);
        assert_eq!(client.subscribe("cmd/pump-01/#").await, 1);
        assert!(plant.broker.away().await.is_empty(), "{version:?}");
        client.disconnect().await;
        for number in 0..3 {
            let command = command("cmd/pump-01/set", &number.to_string());
            assert_eq!(plant.broker.publish(command).await.expect("published"), 1, "{version:?}");
        }
        plant.until_waiting("pump-01", 3).await;
        let (mut client, present) = Client::connect(&plant, &wish).await;
        assert!(present);
        for number in 0..3 {
            assert_eq!(client.next().await, message("cmd/pump-01/set", &number.to_string(), false));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_messages_greet_those_who_come_later() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device_with("panel", allowing(&[("iot:*", "*")]));
        let (mut client, _) = Client::connect(&plant, &Wish::new("panel", &papers, version)).await;
        client.retain("state/line4", "red").await;
        assert_eq!(client.next().await, Seen::Acked(0));
        client.retain("state/line5", "green").await;
        assert_eq!(client.next().await, Seen::Acked(0));
        client.retain("state/line5", "").await;
        assert_eq!(client.next().await, Seen::Acked(0));
        assert_eq!(client.subscribe("state/+").await, 1);
        assert_eq!(client.next().await, message("state/line4", "red", true), "{version:?}");
        client.publish("state/line4", 1, "yellow").await;
        let mut seen = [client.next().await, client.next().await];
        seen.sort_by_key(|seen| *seen != Seen::Acked(0));
        assert_eq!(seen, [Seen::Acked(0), message("state/line4", "yellow", false)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_will_is_a_reading_like_any_other() {
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let will = |topic: &str| Some((topic.to_owned(), "lost".to_owned()));
        let forbidden = Wish { will: will("data/pump-02/state"), ..Wish::new("pump-01", &papers, version) };
        assert!(!Client::is_let_in(&plant, &forbidden).await, "{version:?}");
        let wish = Wish { will: will("data/pump-01/state"), ..Wish::new("pump-01", &papers, version) };
        let (client, _) = Client::connect(&plant, &wish).await;
        drop(client);
        let kept = plant.readings.until(1).await;
        assert_eq!(kept[0], ("pump-01".to_owned(), "data/pump-01/state".to_owned(), "lost".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_subscription_gives_each_message_to_one() {
    let plant = Plant::open().await;
    let policy = || allowing(&[("iot:*", "*")]);
    let (one, two) = (plant.device_with("worker-1", policy()), plant.device_with("worker-2", policy()));
    for version in VERSIONS {
        let (mut first, _) = Client::connect(&plant, &Wish::new("worker-1", &one, version)).await;
        let (mut second, _) = Client::connect(&plant, &Wish::new("worker-2", &two, version)).await;
        assert_eq!(first.subscribe("$share/crew/jobs/#").await, 1);
        assert_eq!(second.subscribe("$share/crew/jobs/#").await, 1);
        for number in 0..10 {
            let command = command("jobs/new", &number.to_string());
            assert_eq!(plant.broker.publish(command).await.expect("published"), 2);
        }
        let mut numbers = Vec::new();
        for client in [&mut first, &mut second] {
            for _ in 0..5 {
                let Seen::Message(_, number, _) = client.next().await else { panic!("a message is missing") };
                numbers.push(number.parse::<u32>().expect("a number"));
            }
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (0..10).collect::<Vec<_>>(), "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_subscription_gets_nothing_that_was_retained() {
    let plant = Plant::open().await;
    let papers = plant.device_with("worker-1", allowing(&[("iot:*", "*")]));
    for version in VERSIONS {
        let (mut client, _) = Client::connect(&plant, &Wish::new("worker-1", &papers, version)).await;
        let retained = Publication { retain: true, ..command("jobs/old", "old") };
        plant.broker.publish(retained).await.expect("published");
        assert_eq!(client.subscribe("$share/crew/jobs/#").await, 1);
        plant.broker.publish(command("jobs/new", "new")).await.expect("published");
        let Seen::Message(_, text, _) = client.next().await else { panic!("a message is missing") };
        assert_eq!(text, "new", "{version:?}: the retained one came first");
        assert_eq!(client.subscribe("jobs/#").await, 1);
        let Seen::Message(_, text, _) = client.next().await else { panic!("the retained one is missing") };
        assert_eq!(text, "old", "{version:?}: for the client alone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_go_to_topics_only() {
    let plant = Plant::open().await;
    for topic in ["cmd/+/x", "cmd/#", "", "cmd/\0"] {
        assert!(plant.broker.publish(command(topic, "x")).await.is_err(), "{topic:?}");
    }
}
