//! The simulated S/4HANA system.
//!
//! **Map.** `tables` holds the field facts in the shape of `fields`; `intake` checks bodies against them into
//! a `row` of `cell`s; `ledger` commits rows; `print` and `atom` word them; `address`, `query`, `filter` and
//! `projection` read URLs; `exchange` and `reading` put these together, `batch` several of them in one `turn`
//! at the books; `dialect` says where V2 and V4 differ (`cell_v4`, `print_v4`, `metadata_v4`); `entrance` takes
//! requests in and lets them meet their faults; `pages` serves the people's side.

pub(crate) mod access;
mod address;
mod atom;
mod attachments;
mod batch;
pub(crate) mod call;
mod cell;
mod cell_v4;
pub(crate) mod config;
mod dialect;
mod document;
mod entrance;
mod exchange;
mod failure;
mod fields;
mod filter;
mod intake;
mod ledger;
mod metadata;
mod metadata_v4;
mod multipart;
mod notification;
mod pages;
mod place;
pub(crate) mod plain;
mod print;
mod print_v4;
mod projection;
mod property;
mod query;
mod reading;
pub(crate) mod reply;
pub(crate) mod report;
mod row;
mod sessions;
pub(crate) mod simulator;
mod stock;
mod storm;
mod tables;
mod token;
mod turn;

pub(crate) use query::decode;

pub use config::{Access, ErrorShape, InvalidErrorShape, NotCreatable, SimulatorConfig};
pub use report::{
    AttachmentEntry, BookEntry, Books, ChildEntry, DevicePatch, Duplicate, EchoEntry, LlmCall, MeshMessage, RuleCall,
    Totals,
};
pub use simulator::{SapSimulator, SimulatorError, serve};
