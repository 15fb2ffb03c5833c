//! `andon doctor`: what is as it should be, what is not, and what to do.
//!
//! Every check looks at one thing and never changes anything. A server that does not run is no fault in itself: the
//! checks that need it are left out and one line says so.

mod devices;
mod machine;
mod mail;
mod reporting;
mod server;

use std::process::ExitCode;

use serde::Serialize;

use crate::commands::Context;
use crate::output::{Cell, Grid, Tone};

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Health {
    /// As it should be.
    Ok,
    /// Somebody should look.
    Warn,
    /// It does not work.
    Fail,
}

/// What one check found.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    what: String,
    health: Health,
    seen: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    remedy: &'static str,
}

impl Line {
    fn ok(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { what: what.into(), health: Health::Ok, seen: seen.into(), remedy: "" }
    }

    fn warn(what: impl Into<String>, seen: impl Into<String>, remedy: &'static str) -> Self {
        Self { what: what.into(), health: Health::Warn, seen: seen.into(), remedy }
    }

    fn fail(what: impl Into<String>, seen: impl Into<String>, remedy: &'static str) -> Self {
        Self { what: what.into(), health: Health::Fail, seen: seen.into(), remedy }
    }
}

pub(crate) async fn run(context: &Context) -> anyhow::Result<ExitCode> {
    let mut lines = machine::check(&context.settings);
    lines.extend(server::check(context).await?);
    context.output.show(&lines, |lines| table(lines))?;
    let failed = lines.iter().any(|line| line.health == Health::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn table(lines: &[Line]) -> Grid {
    let mut grid = Grid::new(["what", "", "seen", "what to do"], "nothing was checked");
    for line in lines {
        let health = match line.health {
            Health::Ok => Cell::toned("ok", Tone::Good),
            Health::Warn => Cell::toned("warn", Tone::Warn),
            Health::Fail => Cell::toned("fail", Tone::Bad),
        };
        grid.row([(&line.what).into(), health, (&line.seen).into(), line.remedy.into()]);
    }
    grid
}
