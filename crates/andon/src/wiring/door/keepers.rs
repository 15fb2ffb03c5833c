//! What keeps the payloads of the two lanes: the raw log readings, the journal events.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use andon_devices::policy::filter_matches;
use andon_engine::{Handle, IntakeError};
use andon_journal::{Arrival, Delivery, Keeper, KeeperError, MQTT_TOPIC_HEADER, NewReading, ReadingLog};
use andon_model::Name;
use async_trait::async_trait;
use tokio::time::Instant;

use super::telemetry::LaneCounters;

/// A keeper whose work is counted and timed.
pub(super) struct Counted<K> {
    keeper: K,
    counters: LaneCounters,
}

impl<K> Counted<K> {
    /// `lane` is its name in the metrics.
    pub(super) fn new(keeper: K, lane: &'static str) -> Self {
        Self { keeper, counters: LaneCounters::of(lane) }
    }
}

#[async_trait]
impl<K: Keeper> Keeper for Counted<K> {
    async fn append(&self, arrivals: Vec<Arrival>) -> Result<(), KeeperError> {
        let (count, begun) = (arrivals.len() as u64, Instant::now());
        let kept = self.keeper.append(arrivals).await;
        match &kept {
            Ok(()) => self.counters.kept.increment(count),
            Err(_) => self.counters.not_kept.increment(count),
        }
        self.counters.seconds.record(begun.elapsed());
        kept
    }
}

/// Keeps readings in the raw log.
pub(in crate::wiring) struct Readings(pub(in crate::wiring) Arc<dyn ReadingLog>);

#[async_trait]
impl Keeper for Readings {
    async fn append(&self, arrivals: Vec<Arrival>) -> Result<(), KeeperError> {
        let readings = arrivals.into_iter().map(reading).collect();
        self.0.append(readings).await.map(drop).map_err(|error| KeeperError::Failed(error.to_string()))
    }
}

fn reading(arrival: Arrival) -> NewReading {
    NewReading {
        received: arrival.received,
        device: arrival.device.into(),
        topic: arrival.topic.into(),
        speaks_for: arrival.speaks_for,
        payload: arrival.payload.into(),
    }
}

/// Gives payloads to the source that a filter names, which decodes and stores them.
pub(super) struct Events {
    handle: Handle,
    /// Filters with their sources; the first that matches counts.
    sources: Vec<(String, Name)>,
    /// Whether the log says already that a source is not there.
    told: AtomicBool,
}

impl Events {
    /// `sources` are filters, each with the source that takes what is published there.
    pub(super) fn new(handle: Handle, sources: Vec<(String, Name)>) -> Self {
        Self { handle, sources, told: AtomicBool::new(false) }
    }

    /// Devices send again for ever while their source is not there; the log says so once, until one is taken.
    fn tell_unknown(&self, error: Option<&IntakeError>) {
        match error {
            Some(IntakeError::UnknownSource(source)) if !self.told.swap(true, Ordering::Relaxed) => {
                tracing::error!(%source, "[mqtt.events] names a source that is not applied: its topics are not acknowledged");
            }
            Some(_) => {}
            None => self.told.store(false, Ordering::Relaxed),
        }
    }
}

#[async_trait]
impl Keeper for Events {
    /// What cannot be decoded is durable in quarantine and counts as kept: sending it again would change nothing.
    async fn append(&self, arrivals: Vec<Arrival>) -> Result<(), KeeperError> {
        for arrival in arrivals {
            let source = self.sources.iter().find(|(filter, _)| filter_matches(filter, &arrival.topic));
            let (_, source) = source.ok_or_else(|| KeeperError::Failed("no source takes this topic".to_owned()))?;
            let delivered = self.handle.deliver(source, delivery(arrival)).await;
            self.tell_unknown(delivered.as_ref().err());
            delivered.map_err(|error| match error {
                IntakeError::Busy { .. } => KeeperError::Busy,
                other => KeeperError::Failed(other.to_string()),
            })?;
        }
        Ok(())
    }
}

/// CloudEvents come over MQTT in structured mode, as JSON; a source that is none of CloudEvents does not look at the
/// media type.
fn delivery(arrival: Arrival) -> Delivery {
    Delivery {
        content_type: Some("application/cloudevents+json".to_owned()),
        headers: vec![(MQTT_TOPIC_HEADER.to_owned(), arrival.topic)],
        device: Some(arrival.device),
        body: arrival.payload,
        ..Delivery::default()
    }
}
