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
//! **Life of a query.** `SqlEngine` waits a little for a free place, reads the statement and refuses what is too deep or too
//! wide, plans it over the catalog of tables, keeps steps apart that the optimizer takes for one, and works through it batch by
//! batch on threads of its own; the encoder writes each in the format that was asked for, and at most two pieces wait for
//! whoever reads. Dropping the answer ends the work, at the next batch at the latest; until then it keeps its place.
//!
//! **Memory.** What sorts, groups and joins hold is counted by DataFusion. What an expression makes is not: so the texts that
//! it makes are bounded, the fewer they are the longer they may be, and a batch that is larger than all queries may hold
//! ends its query.

mod answer;
mod apart;
mod catalog;
mod encode;
mod engine;
mod fault;
mod functions;
mod memory;
mod patterns;
mod places;
mod room;
mod shape;
mod statement;
mod swell;
#[cfg(test)]
mod tests;
mod texts;

use std::time::Duration;

use andon_model::{Code, Problem};

pub(crate) use engine::SqlEngine;
pub use statement::check_statement;

/// Limits of queries.
#[derive(Debug, Clone, Copy)]
pub struct SqlLimits {
    /// How long a query may take, with the time that its answer is read.
    pub time: Duration,
    /// Memory of all queries together, in bytes, for what sorts, groups and joins hold.
    pub memory_bytes: usize,
    /// Most rows of an answer.
    pub rows: u64,
    /// Queries at once, of which half may be of the same caller; others wait a little.
    pub at_once: usize,
    /// Threads for all queries together, and the parts that one is cut into.
    pub threads: usize,
    /// Longest text of a query, in bytes.
    pub text_bytes: usize,
}

impl SqlLimits {
    /// Whether a text is short enough to be read.
    fn reads(&self, text: &str) -> Result<(), Problem> {
        let (bytes, limit) = (text.len(), self.text_bytes);
        if bytes <= limit {
            return Ok(());
        }
        Err(Problem::new(Code::QueryLimit, format!("its text has {bytes} bytes, at most {limit} are read")))
    }

    /// Bytes that the process may grow by while a query runs, beyond what is counted.
    fn growth(&self) -> usize {
        const LEAST: usize = 128 << 20;
        self.memory_bytes.saturating_mul(2).max(LEAST)
    }

    /// Whether rows that are answered together may take so many bytes.
    fn fits(&self, bytes: usize) -> Result<(), Problem> {
        let limit = self.memory_bytes;
        if bytes <= limit {
            return Ok(());
        }
        let detail = format!("some of its rows take {bytes} bytes together, at most {limit} are allowed");
        Err(Problem::new(Code::QueryLimit, detail))
    }
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
