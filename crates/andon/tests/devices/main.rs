//! Devices through the program: onboarding that is killed at every commit, and the command line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod commands;
#[path = "../common/mod.rs"]
mod common;
mod expiry;
mod killed;
mod outside;
mod stand_in;
