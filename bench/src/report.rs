//! The result of one run, as a table for people or JSON for machines.

use std::io::Write;

use serde::Serialize;

use crate::latency::Latency;
use crate::load::Load;
use crate::process::{Memory, machine};
use crate::stand::Stand;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: String,
    idle: Memory,
    after_load: Memory,
    latency: Latency,
    load: Load,
    runs_per_second: f64,
    cpu_milliseconds_per_run: f64,
    documents: u64,
    expected_documents: u64,
    duplicates: u64,
}

impl Report {
    pub(crate) fn new(stand: &Stand, idle: Memory, latency: Latency, load: Load) -> anyhow::Result<Self> {
        let books = stand.sap.books();
        let events = load.events as f64;
        Ok(Self {
            machine: machine(),
            idle,
            after_load: stand.process().memory()?,
            runs_per_second: events / load.seconds,
            cpu_milliseconds_per_run: load.cpu_seconds * 1_000.0 / events,
            documents: books.totals.documents,
            expected_documents: (load.events + latency.events) as u64,
            duplicates: books.totals.surplus,
            latency,
            load,
        })
    }

    /// One document per event.
    pub(crate) fn is_exact(&self) -> bool {
        self.documents == self.expected_documents && self.duplicates == 0
    }

    pub(crate) fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        writeln!(out, "{}; journal: SQLite, fsync on; simulator and load on the same cores", self.machine)?;
        for (what, value) in self.rows() {
            writeln!(out, "  {what:<58} {value}")?;
        }
        Ok(())
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let (load, latency) = (&self.load, &self.latency);
        let share = |seconds: f64| format!("{seconds:.2} s ({:.0} % of the wall)", 100.0 * seconds / load.seconds);
        vec![
            (
                "three-step runs per second",
                format!("{:.0} ({} in {:.2} s)", self.runs_per_second, load.events, load.seconds),
            ),
            ("events acknowledged per second", format!("{:.0}", load.events as f64 / load.accepted_seconds)),
            ("CPU of andon per run", format!("{:.3} ms", self.cpu_milliseconds_per_run)),
            ("lane waits for the journal (fsync included)", share(load.commit_seconds)),
            ("lane computes (tables, states, templates)", share(load.compute_seconds)),
            ("requests, mean", format!("{:.2} ms", load.request_seconds * 1_000.0 / (3.0 * load.events as f64))),
            (
                "idle: event posted to document in the books, p50 / p99",
                format!("{:.1} / {:.1} ms", latency.p50_ms, latency.p99_ms),
            ),
            (
                "memory idle / after the load / peak",
                format!(
                    "{:.0} / {:.0} / {:.0} MiB",
                    self.idle.now_mib, self.after_load.now_mib, self.after_load.peak_mib
                ),
            ),
            (
                "documents / expected / duplicated",
                format!("{} / {} / {}", self.documents, self.expected_documents, self.duplicates),
            ),
        ]
    }
}
