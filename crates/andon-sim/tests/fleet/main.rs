//! The fleet against a broker that is not ours: Debian's mosquitto, with TLS and client certificates made here.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod broker;
mod onboarding;
mod papers;
mod runs;
