//! A broker that goes away and comes back, with and without what it knew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use crate::plant::{NUMBERED, Plant, document, ids, numbered, sorted};
use andon_testkit::mosquitto::Broker;

#[tokio::test]
async fn what_comes_while_nobody_listens_waits_in_the_broker() {
    for version in ["3.1.1", "5"] {
        let mut broker = Broker::start();
        let text = document(broker.port, NUMBERED, &format!("version = \"{version}\""));
        let mut plant = Plant::new(&text);
        plant.turn().await.expect("connected");
        drop(plant.source);
        broker.publish("data/x", 1, &numbered(0..10));
        broker.stop();
        broker.start_again();
        let mut plant = Plant::on(plant.journal, &text);
        plant.until_events(10).await;
        assert_eq!(plant.ids().await, ids(0..10), "{version}");
    }
}

#[tokio::test]
async fn a_source_survives_its_broker() {
    let mut broker = Broker::start();
    let mut plant = Plant::new(&document(broker.port, NUMBERED, ""));
    plant.turn().await.expect("connected");
    broker.publish("data/x", 1, &numbered(0..5));
    plant.until_events(5).await;
    broker.stop();
    let problem = plant.turn().await.expect_err("the broker is gone");
    assert_eq!(problem.code, andon_model::Code::Broker, "{problem}");
    let problem = plant.turn().await.expect_err("it is still gone");
    assert!(problem.to_string().contains(&format!("(127.0.0.1:{})", broker.port)), "{problem}");
    broker.start_again();
    broker.publish("data/x", 1, &numbered(5..9));
    plant.until_events(9).await;
    assert_eq!(sorted(plant.ids().await), ids(0..9));
}

#[tokio::test]
async fn a_session_that_the_broker_lost_is_counted() {
    let counts = Counts::default();
    let _recorder = metrics::set_default_local_recorder(&counts);
    let mut broker = Broker::start();
    let text = document(broker.port, NUMBERED, "");
    let mut plant = Plant::new(&text);
    plant.turn().await.expect("connected");
    assert_eq!(counts.get("andon_broker_sessions_lost_total"), 0, "the first session was never lost");
    broker.stop();
    broker.start_again();
    while plant.turn().await.is_err() {}
    assert_eq!(counts.get("andon_broker_sessions_lost_total"), 0, "the broker has kept it");
    broker.stop();
    broker.forget();
    broker.start_again();
    plant.restart(&text);
    plant.turn().await.expect("connected");
    assert_eq!(counts.get("andon_broker_sessions_lost_total"), 1, "also a new process knows of the old session");
    assert_eq!(counts.get("andon_broker_connects_total"), 3);
}

/// Counts by name, whatever their labels.
#[derive(Clone, Default)]
struct Counts(Arc<Mutex<BTreeMap<String, u64>>>);

impl Counts {
    fn get(&self, name: &str) -> u64 {
        self.0.lock().unwrap().get(name).copied().unwrap_or_default()
    }
}

struct Count(Counts, String);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        *self.0.0.lock().unwrap().entry(self.1.clone()).or_default() += value;
    }

    fn absolute(&self, _: u64) {}
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(Count(self.clone(), key.name().to_owned())))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
