//! The simulated S/4HANA system.
//!
//! **Map.** `tables` holds the field facts in the shape of `fields`; `intake` checks bodies against them into
//! a `row` of `cell`s; `ledger` commits rows; `print` and `atom` word them; `address`, `query`, `filter` and
//! `projection` read URLs; `exchange` and `reading` put these together; `entrance` takes requests in and lets
//! them meet their faults; `pages` serves the people's side.

mod access;
mod address;
mod atom;
mod call;
mod cell;
mod config;
mod entrance;
mod exchange;
mod failure;
mod fields;
mod filter;
mod intake;
mod ledger;
mod metadata;
mod notification;
mod pages;
mod plain;
mod print;
mod projection;
mod query;
mod reading;
mod reply;
mod report;
mod row;
mod sessions;
mod simulator;
mod tables;
mod token;

pub use config::{Access, ErrorShape, InvalidErrorShape, NotCreatable, SimulatorConfig};
pub use report::{BookEntry, Books, Duplicate, EchoEntry, Totals};
pub use simulator::{SapSimulator, SimulatorError, serve};
