//! The API as its callers see it: an engine on a journal in memory, asked through the router.

mod administration;
mod authorization;
mod errors;
mod intake;
mod limits;
mod listener;
mod logs;
mod support;
