//! What the sides took, each beside DuckDB in the same turn.

use std::io::Write;

use serde::Serialize;

use super::Told;
use crate::process::machine;

/// One side's turn.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    side: &'static str,
    turn: usize,
    /// Megabytes of lines for each second of processor time: what one core does.
    megabytes_per_cpu_second: f64,
    rows_per_cpu_second: f64,
    cpu_seconds: f64,
    seconds: f64,
    /// Of the root table and the child table.
    rows: Vec<u64>,
}

impl Row {
    pub(super) fn new((side, turn): (&'static str, usize), megabytes: f64, told: Told) -> Self {
        let Told { cpu_seconds, seconds, rows } = told;
        let (per_cpu_second, all) = (1.0 / cpu_seconds.max(0.01), rows.iter().sum::<u64>() as f64);
        Self {
            side,
            turn,
            megabytes_per_cpu_second: megabytes * per_cpu_second,
            rows_per_cpu_second: all * per_cpu_second,
            cpu_seconds,
            seconds,
            rows,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) readings: u64,
    pub(super) megabytes: f64,
    pub(super) rows: Vec<Row>,
}

impl Report {
    /// Everybody has the same rows, one of the root table for each reading.
    pub(super) fn is_equal(&self) -> bool {
        let first = self.rows.first().map(|row| &row.rows);
        first.is_some_and(|rows| rows.first() == Some(&self.readings))
            && self.rows.iter().all(|r| Some(&r.rows) == first)
    }

    fn beside_duckdb(&self, row: &Row) -> f64 {
        let duckdb = self.rows.iter().find(|other| other.side == "duckdb" && other.turn == row.turn);
        duckdb.map_or(f64::NAN, |duckdb| row.megabytes_per_cpu_second / duckdb.megabytes_per_cpu_second)
    }

    pub(super) fn print(&self, as_json: bool) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if as_json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        let Self { readings, megabytes, .. } = self;
        writeln!(out, "{readings} readings, {megabytes:.0} MB of lines, to two tables; {}", machine())?;
        for row in &self.rows {
            let Row { side, turn, megabytes_per_cpu_second, rows_per_cpu_second, cpu_seconds, seconds, rows } = row;
            let beside = self.beside_duckdb(row);
            writeln!(
                out,
                "  {side:<7} turn {turn}: {megabytes_per_cpu_second:>5.0} MB and {rows_per_cpu_second:>9.0} rows for a CPU second, \
                 {beside:.2} of DuckDB ({cpu_seconds:.2} s of CPU in {seconds:.2} s; rows {rows:?})"
            )?;
        }
        Ok(())
    }
}
