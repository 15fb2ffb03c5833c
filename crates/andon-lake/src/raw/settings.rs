//! Limits of the raw log.

use std::time::Duration;

/// When segments are closed, how groups are made, how much may wait, how long a full disk is waited for.
#[derive(Debug, Clone, Copy)]
pub struct RawLogSettings {
    /// A segment is closed when it has this many bytes.
    pub segment_bytes: u64,
    /// A segment is closed when it is this old, and at the end of its hour.
    pub segment_age: Duration,
    /// A group is complete with this many readings.
    pub group_readings: usize,
    /// A group is complete with this many bytes of payload.
    pub group_bytes: usize,
    /// Batches that may wait; others wait to wait.
    pub waiting_batches: usize,
    /// Bytes that may wait, and so the largest batch.
    pub waiting_bytes: usize,
    /// How often a group is tried before those in it are told that the disk refuses.
    pub attempts: u32,
    /// Pause between two attempts.
    pub pause: Duration,
    /// Drawn at random for each start: the id of the log, if it has none yet.
    pub drawn_id: u128,
}

impl Default for RawLogSettings {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            segment_age: Duration::from_mins(15),
            group_readings: 16_384,
            group_bytes: 8 << 20,
            waiting_batches: 16_384,
            waiting_bytes: 32 << 20,
            attempts: 40,
            pause: Duration::from_millis(250),
            drawn_id: 0,
        }
    }
}
