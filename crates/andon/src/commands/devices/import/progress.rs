//! How far an import is, on standard error: a bar on a terminal, a line now and then in a pipe.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

/// Lines of the file between two lines of progress.
const EVERY: u64 = 1_000;

pub(super) enum Progress {
    /// A bar.
    Bar(ProgressBar),
    /// A line now and then.
    Lines { done: u64, of: u64 },
    /// Nothing: a machine reads.
    Silent,
}

impl Progress {
    pub(super) fn new(silent: bool, of: u64) -> Self {
        match (silent, io::stderr().is_terminal()) {
            (true, _) => Self::Silent,
            (false, false) => Self::Lines { done: 0, of },
            (false, true) => Self::Bar(bar(of)),
        }
    }

    /// One more line of the file was dealt with.
    pub(super) fn step(&mut self) {
        match self {
            Self::Bar(bar) => bar.inc(1),
            Self::Lines { done, of } => {
                *done += 1;
                if done.is_multiple_of(EVERY) || done == of {
                    // Progress that cannot be shown is no reason to stop.
                    let _ = writeln!(io::stderr().lock(), "{done} of {of} lines");
                }
            }
            Self::Silent => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn bar(of: u64) -> ProgressBar {
    let bar = ProgressBar::new(of);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} lines, {per_sec}, {eta}") {
        bar.set_style(style);
    }
    bar
}
