//! The API as its callers see it: an engine on a journal in memory, asked through the router.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod administration;
mod assets;
mod attachments;
mod authorization;
mod devices;
mod errors;
mod hook;
mod imports;
mod intake;
mod issuer;
mod keys;
mod lake;
mod limits;
mod listener;
mod lists;
mod logs;
mod oauth;
mod outside;
mod plant;
mod reporting;
mod rule_services;
mod support;
