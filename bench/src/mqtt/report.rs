//! The result of one run, as a table for people or JSON for machines.

use std::io::Write;

use serde::Serialize;

use super::Options;
use super::kept::Kept;
use super::revocation::Revocation;
use super::side::Side;

/// Longest time from asking to revoke to the end of the connection, for 99 of 100.
const REVOKED_WITHIN_MS: f64 = 1_000.0;

/// What was asked for.
#[derive(Debug, Serialize)]
pub(super) struct Asked {
    publishers: usize,
    window: u16,
    seconds: u64,
    connections: usize,
}

impl From<&Options> for Asked {
    fn from(options: &Options) -> Self {
        let Options { publishers, window, seconds, connections, .. } = *options;
        Self { publishers, window, seconds, connections }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) machine: String,
    pub(super) options: Asked,
    pub(super) sides: Vec<Side>,
    pub(super) revocation: Revocation,
    pub(super) kept: Kept,
}

impl Report {
    /// Nothing acknowledged is missing, and who is revoked is out within a second (invariant V1).
    pub(super) fn holds(&self) -> bool {
        self.kept.missing == 0 && self.revocation.p99_ms <= REVOKED_WITHIN_MS
    }

    pub(super) fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        self.print_head(&mut out)?;
        self.sides.iter().try_for_each(|side| print_side(&mut out, side))?;
        for (what, value) in self.rows() {
            writeln!(out, "  {what:<58} {value}")?;
        }
        Ok(())
    }

    fn print_head(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let Asked { publishers, window, seconds, connections } = self.options;
        let bytes = self.sides.first().map_or(0.0, |side| side.load.payload_bytes);
        writeln!(out, "{}; broker and load on the same cores", self.machine)?;
        writeln!(
            out,
            "  QoS 1, TLS with client certificates, {publishers} connections with {window} on their way, payload \
             {bytes:.0} bytes, {seconds} s; {connections} idle connections"
        )?;
        writeln!(
            out,
            "  {:<32} {:>8} {:>10} {:>8} {:>8} {:>10} {:>10} {:>10}",
            "broker, turn", "msg/s", "msg/CPU-s", "p50 ms", "p99 ms", "connects/s", "CPU ms", "KiB idle"
        )?;
        Ok(())
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let (cut, kept) = (&self.revocation, &self.kept);
        vec![
            (
                "Andon: revoked to connection closed, p50 / p99 / longest",
                format!(
                    "{:.0} / {:.0} / {:.0} ms ({} of {} devices)",
                    cut.p50_ms, cut.p99_ms, cut.longest_ms, cut.revoked, cut.connected
                ),
            ),
            (
                "Andon: acknowledged / kept / kept again / missing",
                format!(
                    "{} / {} / {} / {} ({} kills)",
                    kept.acknowledged, kept.readings, kept.again, kept.missing, kept.kills
                ),
            ),
        ]
    }
}

fn print_side(out: &mut impl Write, side: &Side) -> anyhow::Result<()> {
    let (load, name) = (&side.load, format!("{}, {}", side.broker, side.turn));
    write!(
        out,
        "  {name:<32} {:>8.0} {:>10.0} {:>8.2} {:>8.2}",
        load.per_second, load.per_cpu_second, load.p50_ms, load.p99_ms
    )?;
    if let Some(connects) = &side.connects {
        let (rate, cpu, memory) = (connects.per_second, connects.cpu_millis, connects.kib_per_connection);
        write!(out, " {rate:>10.0} {cpu:>10.2} {memory:>10.1}")?;
    }
    Ok(writeln!(out)?)
}
