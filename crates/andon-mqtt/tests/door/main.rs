//! The door from outside: real sockets, real TLS, and clients that are not ours.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod client;
mod crowd;
mod dice;
mod durable;
mod entry;
mod identity;
mod kept;
mod limits;
mod mosquitto;
mod noise;
mod packets;
mod paho;
mod plant;
mod renewal;
mod restart;
mod strangers;
mod threshold;
mod topics;
mod waiting;
mod watch;
mod wire;
