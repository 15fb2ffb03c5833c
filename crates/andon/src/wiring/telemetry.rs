//! Log and metrics of the process; installed once.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use andon_model::Code;
use andon_server::RenderMetrics;
use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{Log, LogFormat};
use crate::output::Failure;
use crate::scenario::local;

/// Upper bounds of histogram buckets, in seconds.
const BUCKETS: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// How often histograms are folded together.
const UPKEEP: Duration = Duration::from_secs(5);

/// Sends log lines to standard error.
pub(crate) fn install_log(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.filter)
        .map_err(|error| Failure::new(Code::Setting, error.to_string()).at("log.filter"))?;
    let terminal = io::stderr().is_terminal();
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(terminal);
    let installed = match log.format {
        LogFormat::Text => lines.with_writer(move || OneLine { to: io::stderr(), terminal }).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}

/// Sends log lines to a new file, for a process whose standard error is for people.
pub(crate) fn install_log_file(file: &Path) -> anyhow::Result<()> {
    let opened = std::fs::File::create(file).map_err(|error| local(file, error.to_string()))?;
    let to = Arc::new(opened);
    let lines = fmt().with_env_filter(EnvFilter::new(Log::default().filter)).with_ansi(false);
    lines
        .with_writer(move || OneLine { to: Arc::clone(&to), terminal: false })
        .try_init()
        .map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}

/// Keeps a record on its line: names and topics come from devices, and may hold line ends and what a terminal obeys.
struct OneLine<W> {
    to: W,
    /// Whether records have colours.
    terminal: bool,
}

impl<W: io::Write> io::Write for OneLine<W> {
    /// Takes a record in one piece, as the formatter gives it.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        self.to.write_all(on_one_line(&text, self.terminal).as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// On a terminal escape characters stay, with which the formatter colours; it keeps them out of what it is given.
fn on_one_line(record: &str, terminal: bool) -> String {
    let mut line = String::with_capacity(record.len());
    for character in record.strip_suffix('\n').unwrap_or(record).chars() {
        if character.is_control() && !(terminal && character == '\u{1b}') {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line.push('\n');
    line
}

/// Collects metrics; what comes back renders them.
pub(crate) fn install_metrics() -> anyhow::Result<RenderMetrics> {
    let handle = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(Arc::new(move || handle.render()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line() {
        let check = |record: &str, terminal, expect: &str| assert_eq!(on_one_line(record, terminal), expect);
        check("INFO a client client=x\n2026 ERROR forged\n", false, "INFO a client client=x\\n2026 ERROR forged\n");
        check("\u{1b}[31mred\0", false, "\\u{1b}[31mred\\u{0}\n");
        check("\u{1b}[2mINFO\u{1b}[0m a\rb\n", true, "\u{1b}[2mINFO\u{1b}[0m a\\rb\n");
    }
}
