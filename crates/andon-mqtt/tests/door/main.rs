//! The door from outside: real sockets, real TLS, and clients that are not ours.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod client;
mod crowd;
mod durable;
mod entry;
mod mosquitto;
mod plant;
mod restart;
mod topics;
mod watch;
mod wire;
