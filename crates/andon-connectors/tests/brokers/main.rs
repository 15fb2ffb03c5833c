//! Sources over a broker outside: Debian's mosquitto where a broker is enough, a scripted one where it must misbehave.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod faults;
mod guide;
mod killed;
mod plant;
mod readings;
mod refused;
mod restarts;
mod retained;
mod script;
mod shared;
mod tls;
