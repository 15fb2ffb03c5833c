//! What the process grows by while a query runs.
//!
//! **Why.** Sorting, grouping and joining count what they hold, and end the query that would hold too much. Windows and what is
//! joined with each row count nothing. So the whole process is looked at as well, ten times a second: a query is ended when it
//! has grown by too much since that query began, whoever made it grow.

use std::time::Duration;

use andon_model::{Code, Problem};
use tokio::time::sleep;

/// How often the process is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A bound for the resident memory of the process.
pub(crate) struct Growth {
    most: usize,
    allowed: usize,
}

impl Growth {
    /// The process may grow by `allowed` bytes from now on.
    pub(crate) fn from_now(allowed: usize) -> Self {
        Self { most: resident().unwrap_or_default().saturating_add(allowed), allowed }
    }

    /// Waits until it has grown by more. Where the kernel does not say how large it is, that is never.
    pub(crate) async fn exceeded(&self) -> Problem {
        while resident().is_none_or(|bytes| bytes <= self.most) {
            sleep(LOOK).await;
        }
        let mib = self.allowed >> 20;
        Problem::new(Code::QueryLimit, format!("it takes more than {mib} MiB: ask for fewer rows, or aggregate"))
    }
}

/// Bytes of the process that are in memory.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    kibibytes.split_whitespace().next()?.parse::<usize>().ok()?.checked_mul(1_024)
}
