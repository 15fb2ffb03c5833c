//! Tests of the raw log as a whole.

mod archiving;
mod crashes;
mod feeds;
mod lines;
mod log;

use std::sync::Arc;

use andon_journal::NewReading;
use andon_model::{SpeaksFor, Timestamp};

/// 2026-03-05T14:00:00Z
const BEGIN: i64 = 1_772_719_200_000_000;

fn seconds(n: i64) -> Timestamp {
    Timestamp::from_micros(BEGIN + n * 1_000_000)
}

fn reading(device: &str, at: Timestamp, payload: impl Into<Vec<u8>>) -> NewReading {
    let topic: Arc<str> = format!("data/{device}").into();
    NewReading { received: at, device: device.into(), topic, speaks_for: SpeaksFor::Anyone, payload: payload.into() }
}
