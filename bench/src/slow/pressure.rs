//! Readings and events at a fixed rate, and a look at the memory each second.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use crate::stand::Stand;

/// Devices that report in turn.
const DEVICES: u64 = 100;

pub(super) struct Pressure<'a> {
    pub(super) stand: &'a Stand,
    /// Readings a second, and events a second.
    pub(super) readings: u64,
    pub(super) events: u64,
}

/// What was seen in a part of the time.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sample {
    /// The most resident memory.
    pub(super) most_mib: f64,
    /// Readings that are not in the lake in the end, and events and runs that are not done.
    pub(super) readings_waiting: u64,
    pub(super) runs_waiting: i64,
}

impl Pressure<'_> {
    /// Brings what belongs into these seconds; whoever is behind does not rest.
    pub(super) async fn press(&self, seconds: Range<u64>) -> anyhow::Result<Sample> {
        let (begun, from) = (Instant::now(), seconds.start);
        let mut most_mib = 0.0_f64;
        for second in seconds {
            sleep_until(begun + Duration::from_secs(second - from)).await;
            self.bring(second).await?;
            most_mib = most_mib.max(self.stand.process().memory()?.now_mib);
        }
        let (lake, log) = (self.stand.get("/api/v1/lake").await?, self.stand.get("/api/v1/readings/status").await?);
        let next = |value: &serde_json::Value| value["next"].as_u64().context("no place in the status");
        let readings_waiting = next(&log)?.saturating_sub(next(&lake)?);
        Ok(Sample { most_mib, readings_waiting, runs_waiting: self.stand.pending().await? })
    }

    /// What comes in a second.
    async fn bring(&self, second: u64) -> anyhow::Result<()> {
        let numbers = |rate: u64| second * rate..(second + 1) * rate;
        let mut lines = String::new();
        for number in numbers(self.readings) {
            let (device, value) = (number % DEVICES, number % 1_000);
            // Writing into a text cannot fail.
            let _ = writeln!(
                lines,
                r#"{{"device":"press-{device:03}","topic":"plant/hall-1/press-{device:03}","payload":{{"n":{number},"measurements":{{"temperature":{value}.5}}}}}}"#
            );
        }
        self.stand.post_file("/api/v1/readings", "application/x-ndjson", lines).await?;
        let events = numbers(self.events);
        self.stand.post("one-step", usize::try_from(events.start)?, usize::try_from(events.end)?).await
    }
}
