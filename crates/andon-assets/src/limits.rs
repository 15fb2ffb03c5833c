//! Limits: memory is bounded, whatever devices send.

use std::time::Duration;

/// Limits of a plant, with defaults for a machine with some gigabytes of memory.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Models.
    pub models: usize,
    /// Properties of one model.
    pub properties_per_model: usize,
    /// Alarms of one model.
    pub alarms_per_model: usize,
    /// Assets, defined and created from readings.
    pub assets: usize,
    /// Points of the recent window of one property.
    pub recent_points: usize,
    /// Memory of all recent windows together, in bytes. Beyond it a window gives
    /// up its oldest point for each new one.
    pub recent_bytes: usize,
    /// Known ways from a device and topic to an asset; beyond it they are looked up anew.
    pub routes: usize,
    /// How far in the past a value may be when it is received.
    pub oldest: Duration,
    /// How far in the future a value may be when it is received.
    pub newest: Duration,
}

impl Default for Limits {
    /// The window of times is the one of SiteWise's `BatchPutAssetPropertyValue`: 7 days back, 10 minutes ahead.
    fn default() -> Self {
        Self {
            models: 500,
            properties_per_model: 200,
            alarms_per_model: 50,
            assets: 100_000,
            recent_points: 60,
            recent_bytes: 64 << 20,
            routes: 200_000,
            oldest: Duration::from_hours(7 * 24),
            newest: Duration::from_mins(10),
        }
    }
}
