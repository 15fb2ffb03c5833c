//! Destinations against servers that answer as SAP and the network do.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod changesets;
mod kinds;
mod oauth;
mod provided;
mod sessions;
mod stand;
mod tls;
mod trials;
mod versions;
mod ways;
