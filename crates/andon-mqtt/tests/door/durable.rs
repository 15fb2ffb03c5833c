//! What is acknowledged is kept, and what is not kept is not acknowledged.

use crate::client::{Client, Seen, VERSIONS, Wish};
use crate::kept::Mood;
use crate::plant::Plant;

#[tokio::test(flavor = "multi_thread")]
async fn every_quality_of_service_reaches_its_lane() {
    let plant = Plant::open().await;
    let papers = plant.device("pump-01");
    for version in VERSIONS {
        let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
        let before = plant.readings.kept().len();
        for (qos, acks) in [(0, 0), (1, 1), (2, 1)] {
            client.publish("data/pump-01/temperature", qos, &format!("{{\"qos\":{qos}}}")).await;
            for _ in 0..acks {
                assert_eq!(client.next().await, Seen::Acked(0), "{version:?}, QoS {qos}");
            }
        }
        let kept = plant.readings.until(before + 3).await;
        let expect = [0, 1, 2]
            .map(|qos| ("pump-01".to_owned(), "data/pump-01/temperature".to_owned(), format!("{{\"qos\":{qos}}}")));
        assert_eq!(kept[before..], expect, "{version:?}");
        client.publish("data/pump-01/alarm", 1, "hot").await;
        assert_eq!(client.next().await, Seen::Acked(0));
    }
    let events = plant.events.until(2).await;
    assert!(events.iter().all(|(_, topic, payload)| topic == "data/pump-01/alarm" && payload == "hot"), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_before_it_is_durable() {
    for version in VERSIONS {
        for qos in [1, 2] {
            let plant = Plant::open().await;
            let papers = plant.device("pump-01");
            let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
            plant.readings.mood.send_replace(Mood::Waits);
            client.publish("data/pump-01", qos, "1").await;
            plant.readings.asked(1).await;
            assert_eq!(client.seen_already(), None, "{version:?}, QoS {qos}");
            assert!(plant.readings.kept().is_empty());
            plant.readings.mood.send_replace(Mood::Keeps);
            assert_eq!(client.next().await, Seen::Acked(0), "{version:?}, QoS {qos}");
            assert_eq!(plant.readings.kept().len(), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lane_does_not_take_ends_the_connection() {
    for version in VERSIONS {
        for qos in [0, 1, 2] {
            let plant = Plant::open().await;
            let papers = plant.device("pump-01");
            let wish = Wish::new("pump-01", &papers, version);
            let (mut client, _) = Client::connect(&plant, &wish).await;
            plant.readings.mood.send_replace(Mood::Fails);
            client.publish("data/pump-01", qos, "1").await;
            assert_eq!(client.next().await, Seen::Gone, "{version:?}, QoS {qos}");
            plant.readings.mood.send_replace(Mood::Keeps);
            let (mut client, _) = Client::connect(&plant, &wish).await;
            client.publish("data/pump-01", 1, "2").await;
            assert_eq!(client.next().await, Seen::Acked(0));
            let kept = plant.readings.until(1).await;
            assert_eq!(kept[0].2, "2");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn publishes_in_flight_are_kept_in_their_order() {
    const COUNT: usize = 500;
    for version in VERSIONS {
        let plant = Plant::open().await;
        let papers = plant.device("pump-01");
        let (mut client, _) = Client::connect(&plant, &Wish::new("pump-01", &papers, version)).await;
        let mut acked = 0;
        for number in 0..COUNT {
            client.publish("data/pump-01", 1 + u8::try_from(number % 2).expect("small"), &number.to_string()).await;
        }
        while acked < COUNT {
            assert_eq!(client.next().await, Seen::Acked(0));
            acked += 1;
        }
        let kept: Vec<usize> = plant
            .readings
            .kept()
            .iter()
            .map(|r| String::from_utf8_lossy(&r.payload).parse().expect("a number"))
            .collect();
        assert_eq!(kept, (0..COUNT).collect::<Vec<_>>(), "{version:?}");
    }
}
