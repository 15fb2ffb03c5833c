//! Readings at rest: the raw log that keeps them as they came, and the tables that they become.
//!
//! **Constraints.** Implements ports of `andon-journal` and knows no other crate but the words. Nothing is acknowledged
//! before it is durable; nothing is dropped silently; files and objects are in formats that other tools read.
//!
//! **Life of a reading.** What receives it appends it to the [`raw`] log and answers the device when it is durable.
//! Consumers read the log in order, each with its own checkpoint; [`flatten`] turns
//! what they read into rows of flat tables, [`table`] keeps these as Delta tables, and [`sql`] answers queries on them.

pub mod flatten;
pub mod raw;
pub mod sql;
mod store;
pub mod table;
mod threads;

pub use sql::{SqlLimits, check_statement};
pub use store::StoreAddress;
pub use table::{DeltaLake, DeviceDrift, LakeError, LakeSettings, LakeWriter, Stepped, SyncedFolder};
pub use threads::Threads;
