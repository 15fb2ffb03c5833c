//! What the demo is doing, on standard error: a moving line on a terminal, plain lines in a pipe.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often the line moves.
const TICK: Duration = Duration::from_millis(120);

/// Where progress goes.
pub(super) enum Progress {
    /// A moving line.
    Bar(ProgressBar),
    /// A line per step.
    Lines,
    /// Nothing: a machine reads.
    Silent,
}

impl Progress {
    pub(super) fn new(silent: bool) -> Self {
        match (silent, io::stderr().is_terminal()) {
            (true, _) => Self::Silent,
            (false, false) => Self::Lines,
            (false, true) => Self::Bar(bar()),
        }
    }

    /// A step is done; stays visible.
    pub(super) fn say(&self, line: &str) {
        match self {
            Self::Silent => {}
            // Progress that cannot be shown is no reason to stop.
            Self::Lines => drop(writeln!(io::stderr().lock(), "{line}")),
            Self::Bar(bar) => bar.println(line),
        }
    }

    /// How far it is; replaced by the next one.
    pub(super) fn move_to(&self, done: u64, of: u64, what: String) {
        if let Self::Bar(bar) = self {
            bar.set_length(of);
            bar.set_position(done);
            bar.set_message(what);
        }
    }

    /// Takes the moving line away.
    pub(super) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{spinner} [{bar:24}] {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(TICK);
    bar
}
