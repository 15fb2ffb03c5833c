//! Log and metrics of the process; installed once.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::{Arc, Mutex};
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
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let installed = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}

/// Sends log lines to a new file, for a process whose standard error is for people.
pub(crate) fn install_log_file(file: &Path) -> anyhow::Result<()> {
    let opened = std::fs::File::create(file).map_err(|error| local(file, error.to_string()))?;
    let lines =
        fmt().with_env_filter(EnvFilter::new(Log::default().filter)).with_ansi(false).with_writer(Mutex::new(opened));
    lines.try_init().map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
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
