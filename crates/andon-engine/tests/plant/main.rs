//! The plant lane on simulated time: readings become values and events, exactly once, wherever it is killed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what went wrong by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod crashes;
mod following;
mod fuse;
mod refill;
mod wishes;
mod world;
