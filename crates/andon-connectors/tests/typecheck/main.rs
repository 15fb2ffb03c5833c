//! The types check: parsing metadata, single rules, and a corpus of seeded faults.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod corpus;
mod parser;
mod rules;
mod scenario;
mod shipped;
mod steps;
