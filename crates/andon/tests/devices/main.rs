//! Devices through the program: onboarding that is killed at every commit, the command line, and the whole way from a token
//! to a stored reading.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod alarms;
mod answers;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod expiry;
mod imported;
mod killed;
mod locked_out;
mod outside;
mod quickstart;
mod stand_in;
mod succession;
