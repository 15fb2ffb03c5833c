//! The store on both databases: the journal's contract, faults, other schema versions, and random
//! orders of events.

#![expect(clippy::expect_used, reason = "a test fails by a panic")]

mod common;
mod contract;
mod faults;
mod interleavings;
mod schema;
