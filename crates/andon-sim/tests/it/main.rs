//! The simulator as a client sees it: over the wire.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "helpers of a test crate: failing is telling, and nobody else sees them"
)]

mod access;
mod attachments;
mod batch;
mod business;
mod checks;
mod client;
mod faults;
mod mesh;
mod platform;
mod reading;
mod v4;
mod writing;
