//! The lake: readings as Delta tables in an object store, written once and kept in shape.
//!
//! **Constraints.** One process writes. A reading is in its tables once or not at all, wherever the process dies
//! (invariant R1). Appends wait for nobody; what tidies up yields to them. Files are what every reader of Delta Lake
//! reads: no column mapping, no deletion vectors, reader version 1, writer version 2.
//!
//! **Layout.** Below the root of the store:
//! * `<root table>/`, `<root table>_<array>/`, … – one Delta table for the payloads, one for each array in them, as
//!   [`crate::flatten`] names them, partitioned by `year`, `month`, `day` and `hour` of the event in UTC;
//! * `asset_values/` – values of properties of assets, partitioned by day, by whoever computes them;
//! * `quarantine/` – readings that could not be flattened, with their bytes and the reason;
//! * `_andon/state.json` – whose readings the tables have, up to which they are complete, and the names of tables and columns.
//!
//! **Life of a batch.** [`LakeWriter`] reads it from the raw log, flattens it, and appends to each table what that table
//! does not have. Every append carries an application transaction whose version is the first ingest id *behind* the
//! batch: a table with version `n` has every row of readings before `n`. So a batch that is read again, cut in another
//! way or not, is recognised table by table and row by row. New columns are part of the append that first needs them.
//! At last the state is replaced, and then the consumer's checkpoint moves on. [`DeltaLake`] compacts, forgets files that no
//! kept version needs, starts over from the raw log, and answers SQL.

mod audit;
mod clearing;
mod columns;
mod counted;
mod delta;
mod fault;
mod file;
mod folder;
mod hour;
mod lake;
mod lost;
mod origin;
mod place;
mod quarantine;
mod schema;
mod settings;
mod state;
mod tables;
#[cfg(test)]
pub(crate) mod tests;
mod upkeep;
mod values;
mod views;
mod writer;

pub use audit::DeviceDrift;
pub use fault::LakeError;
pub use folder::SyncedFolder;
pub use lake::DeltaLake;
pub use settings::LakeSettings;
pub use writer::{LakeWriter, Stepped};

pub(crate) use delta::{AsOf, SCHEME};
pub(crate) use lake::Shared;
