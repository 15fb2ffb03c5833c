//! The plant from outside: readings in, values, transitions and events out.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod alarms;
mod common;
mod definitions;
mod links;
mod metrics;
mod quickstart;
mod replay;
mod restored;
mod routes;
mod values;
