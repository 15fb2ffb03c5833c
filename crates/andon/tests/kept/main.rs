//! Acknowledged means kept: devices publish at QoS 1 and 2, the server is killed at random with everything thrown away
//! that it had not synced, and every message that was acknowledged is there.
//!
//! * [`readings`]: in the raw log, over a disk that holds back what is not synced.
//! * [`events`]: in the journal, over [`unsynced`] writes that are taken back after each kill.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod events;
mod publishers;
mod readings;
mod unsynced;
