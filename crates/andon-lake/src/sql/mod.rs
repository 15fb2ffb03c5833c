//! SQL over the lake's tables, by DataFusion.
//!
//! **Constraints.** Nothing is changed and no file is named: one statement that is SELECT, WITH, EXPLAIN, SHOW or
//! DESCRIBE, over the lake's own tables. Time, memory, rows, and queries at once are limited. A query sees the version
//! of each table that is the newest when it begins, without opening anything; or an older one.
//!
//! **Names.** Columns are in lower case, and names with a dot stand in double quotes: `"measurements.temperature"`,
//! `readings."device.deviceid"`, `"readings_measurements.values"`. Without quotes a dot separates schema, table and
//! column. Partition columns (`year`, `month`, `day`, `hour`) and `ts` in a condition spare files from being read.
//!
//! **Life of a query.** [`SqlEngine`] waits for a free place, reads the statement, plans it over the catalog of tables,
//! and hands out an answer that pulls batch by batch; the encoder writes each in the format that was asked for. Dropping
//! the answer ends the work.

mod answer;
mod catalog;
mod encode;
mod engine;
mod fault;
mod statement;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use engine::SqlEngine;

/// Limits of queries.
#[derive(Debug, Clone, Copy)]
pub struct SqlLimits {
    /// How long a query may take, with the time that its answer is read.
    pub time: Duration,
    /// Memory of all queries together, in bytes, for what sorts, groups and joins hold.
    pub memory_bytes: usize,
    /// Most rows of an answer.
    pub rows: u64,
    /// Queries at once; others wait, as long as a query may take.
    pub at_once: usize,
    /// Threads that work on one query.
    pub threads: usize,
    /// Longest text of a query, in bytes.
    pub text_bytes: usize,
}

impl Default for SqlLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_mins(1),
            memory_bytes: 256 << 20,
            rows: 1_000_000,
            at_once: 4,
            threads: 2,
            text_bytes: 64 << 10,
        }
    }
}
