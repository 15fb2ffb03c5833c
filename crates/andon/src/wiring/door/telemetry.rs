//! Counters and gauges of the door and the raw log.

use std::sync::Arc;
use std::time::Duration;

use andon_devices::door::{DoorState, LiveDoor};
use andon_journal::ReadingViews;
use metrics::{Counter, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// How often gauges are set.
const LOOK: Duration = Duration::from_secs(5);

/// What is counted of a lane.
pub(super) struct LaneCounters {
    /// Payloads that are durable.
    pub(super) kept: Counter,
    /// Payloads that could not be kept, and were not acknowledged.
    pub(super) not_kept: Counter,
    /// How long keeping took.
    pub(super) seconds: Histogram,
}

impl LaneCounters {
    pub(super) fn of(lane: &'static str) -> Self {
        let counters = Self {
            kept: counter!("andon_mqtt_kept_total", "lane" => lane),
            not_kept: counter!("andon_mqtt_not_kept_total", "lane" => lane),
            seconds: histogram!("andon_mqtt_keep_seconds", "lane" => lane),
        };
        counters.kept.increment(0);
        counters.not_kept.increment(0);
        counters
    }
}

/// What is counted of clients that come.
pub(super) struct AdmissionCounters {
    pub(super) admitted: Counter,
    pub(super) refused: Counter,
    pub(super) unavailable: Counter,
}

impl AdmissionCounters {
    pub(super) fn new() -> Self {
        let of = |answer: &'static str| {
            let counter = counter!("andon_mqtt_admissions_total", "answer" => answer);
            counter.increment(0);
            counter
        };
        Self { admitted: of("admitted"), refused: of("refused"), unavailable: of("unavailable") }
    }
}

/// Says what the numbers are.
pub(super) fn describe() {
    describe_counter!("andon_mqtt_admissions_total", "questions of the door whether a certificate may come in");
    describe_counter!("andon_mqtt_kept_total", "publishes of devices that are durable");
    describe_counter!(
        "andon_mqtt_not_kept_total",
        "publishes of devices that could not be kept and were not acknowledged"
    );
    describe_histogram!("andon_mqtt_keep_seconds", "time until a publish is durable");
    describe_gauge!("andon_mqtt_open", "1 while devices may come in by MQTT");
    describe_gauge!("andon_mqtt_sessions", "connected clients");
    describe_gauge!("andon_mqtt_sessions_away", "sessions whose clients are away");
    describe_gauge!("andon_mqtt_waiting", "messages that wait for clients that are away");
    describe_counter!("andon_archived_segments_total", "segments of the raw log that were moved to the archive");
    describe_counter!("andon_archive_failures_total", "times that segments could not be moved to the archive");
    describe_counter!("andon_readings_total", "readings in the raw log since it began");
    describe_counter!("andon_readings_missing_total", "places of the raw log that no readable line has");
    describe_gauge!("andon_raw_log_failing", "1 while the raw log takes no readings");
}

/// Sets the gauges until it is dropped.
pub(super) async fn watch(door: Arc<dyn LiveDoor>, readings: Arc<dyn ReadingViews>) {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let status = readings.status();
        gauge!("andon_mqtt_open").set(f64::from(u8::from(matches!(door.state(), DoorState::Open(_)))));
        gauge!("andon_mqtt_sessions").set(door.sessions().len() as f64);
        let away = door.away().await;
        gauge!("andon_mqtt_sessions_away").set(away.len() as f64);
        gauge!("andon_mqtt_waiting").set(away.iter().map(|session| session.waiting).sum::<usize>() as f64);
        gauge!("andon_raw_log_failing").set(f64::from(u8::from(status.failing.is_some())));
        counter!("andon_readings_total").absolute(status.received);
        counter!("andon_readings_missing_total").absolute(status.missing);
    }
}
