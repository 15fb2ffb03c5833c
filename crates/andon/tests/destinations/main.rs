//! Destinations as configured by their users, against the simulator: `andon serve` makes documents through each way of
//! proving who it is, waits while no token can be had, and shows nothing secret anywhere.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod gate;
mod guide;
mod plant;
mod provided;
mod secrecy;
mod stores;
mod tokens;
mod ways;
