//! The promise, proved on the real binary: acknowledged means kept, and one SAP document per event,
//! whatever fails and whenever the process is killed.
//!
//! * [`crash_matrix`]: SIGKILL at every durable write and on both sides of every request, one process
//!   per place, on SQLite and PostgreSQL.
//! * [`fault_storm`]: many events, five kinds of faults at 20 % each, three kills on the way.
//! * [`scenario`]: both for every scenario that is shipped.
//! * [`episodes`]: both for alarms that join an open document.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what went wrong by panicking, and what it measured on its output"
)]

mod crash_matrix;
mod episodes;
mod fault_storm;
mod plant;
mod scenario;
