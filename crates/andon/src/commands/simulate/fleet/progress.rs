//! How far the fleet is, on standard error: a moving line on a terminal, a line now and then in a pipe.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use andon_sim::fleet::{FleetCounters, FleetProgress};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

/// How often the line moves.
const TICK: Duration = Duration::from_millis(250);
/// How often a line is written in a pipe.
const LINE: Duration = Duration::from_secs(10);

/// Where progress goes.
#[derive(Clone)]
pub(super) enum Progress {
    /// A moving line.
    Bar(ProgressBar),
    /// A line now and then.
    Lines,
    /// Nothing: a machine reads.
    Silent,
}

/// Tells how far it is until it is ended.
pub(super) struct Watching {
    task: JoinHandle<()>,
    progress: Progress,
}

impl Progress {
    pub(super) fn new(silent: bool) -> Self {
        match (silent, io::stderr().is_terminal()) {
            (true, _) => Self::Silent,
            (false, false) => Self::Lines,
            (false, true) => Self::Bar(bar()),
        }
    }

    /// So many devices were onboarded.
    pub(super) fn onboarded(&self, done: usize, of: usize) {
        match self {
            Self::Bar(bar) => bar.set_message(format!("{done} of {of} devices onboarded")),
            Self::Lines if done == of || done.is_multiple_of(1_000) => {
                write_line(&format!("{done} of {of} devices onboarded"));
            }
            Self::Lines | Self::Silent => {}
        }
    }

    /// Tells how far the fleet is from now on.
    pub(super) fn watch(&self, counters: Arc<FleetCounters>, devices: usize) -> Watching {
        let progress = self.clone();
        let task = tokio::spawn(async move {
            let begun = Instant::now();
            let mut ticks = tokio::time::interval(if matches!(progress, Self::Bar(_)) { TICK } else { LINE });
            ticks.tick().await;
            loop {
                ticks.tick().await;
                progress.tell(&line(counters.progress(), devices, begun.elapsed()));
            }
        });
        Watching { task, progress: self.clone() }
    }

    fn tell(&self, line: &str) {
        match self {
            Self::Bar(bar) => bar.set_message(line.to_owned()),
            Self::Lines => write_line(line),
            Self::Silent => {}
        }
    }
}

impl Watching {
    pub(super) fn end(self) {
        self.task.abort();
        if let Progress::Bar(bar) = &self.progress {
            bar.finish_and_clear();
        }
    }
}

fn line(now: FleetProgress, devices: usize, passed: Duration) -> String {
    let FleetProgress { online, sent, acknowledged, reconnected } = now;
    let seconds = passed.as_secs();
    format!(
        "{seconds} s: {online} of {devices} online, {sent} sent, {acknowledged} acknowledged, {reconnected} reconnects"
    )
}

/// Progress that cannot be shown is no reason to stop.
fn write_line(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}
