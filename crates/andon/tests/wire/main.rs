//! Every kind of step against the simulator in each of its moods: what the destinations make of the answers.
//!
//! * [`moods`]: a table of kinds by faults, and one of kinds by shapes of errors.
//! * [`losses`]: what was committed without an answer is found again, and nothing is made twice.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod losses;
mod moods;
mod plant;
