//! A broker as a source of the program: killed around the durable write, and refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod killed;
mod readings;
mod visible;
