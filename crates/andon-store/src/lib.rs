//! The journal, configuration, tokens, secrets and the registry of devices on SQL: SQLite by default, PostgreSQL when
//! one machine is not enough.
//!
//! **Constraints.** Knows no engine, no connector and no server. The SQL text is the same for both
//! databases; the few words that differ stand in `schema.rs` and `database.rs`. Every write locks the
//! one row of the table `head` first: offsets stay gapless (J1), fencing is checked and checkpoints
//! move in the same transaction, whichever process writes. `Ok` from a write means committed and
//! synced (J3).
//!
//! **Life of a write.** [`SqlStore`] puts an append, a commit of runs or a commit to the registry into a bounded queue;
//! the writer task takes all that wait, executes them as **one** transaction of multi-row statements and answers each
//! caller. Who is refused has written nothing and disturbs nobody. Housekeeping (lease, configuration, tokens, secrets,
//! retention) is rare and takes a transaction of its own on the same connection. Reads go to a pool of readers and never
//! wait for the writer.

mod bulk;
mod database;
mod digest;
mod error;
mod head;
mod lease;
mod location;
mod master_key;
mod ports;
mod retention;
mod schema;
mod store;
mod text;
mod writer;

pub use error::OpenError;
pub use master_key::MasterKey;
pub use store::SqlStore;
