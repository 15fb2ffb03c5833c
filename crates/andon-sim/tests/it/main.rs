//! The simulator as a client sees it: over the wire.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "helpers of a test crate: failing is telling, and nobody else sees them"
)]

mod access;
mod checks;
mod client;
mod faults;
mod reading;
mod writing;
