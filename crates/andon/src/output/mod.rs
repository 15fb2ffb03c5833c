//! What people and machines see: tables or JSON on standard output, errors on standard error.

mod failure;
mod grid;
mod patch;
mod remedy;
mod text;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

pub(crate) use failure::Failure;
pub(crate) use grid::{Cell, Grid, Tone};
pub(crate) use patch::painted;
pub(crate) use remedy::{FREE_THE_ADDRESS, FREE_THE_DOOR, remedy};
pub(crate) use text::{facts_text, harmless, one_line, percent, since, utc_time};

/// How results are printed; cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    terminal: bool,
}

impl Output {
    /// JSON when asked for; otherwise drawn tables on a terminal and plain columns in a pipe.
    pub(crate) fn new(json: bool) -> Self {
        Self { json, terminal: io::stdout().is_terminal() }
    }

    /// Whether results are wanted as JSON.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Whether a person sits before it.
    pub(crate) fn is_on_terminal(self) -> bool {
        self.terminal
    }

    /// Prints a result: the value itself for machines, `table` of it for people.
    pub(crate) fn show<T: Serialize>(self, value: &T, table: impl FnOnce(&T) -> Grid) -> anyhow::Result<()> {
        if self.json {
            return print_json(value);
        }
        print(&table(value).render(self.terminal))
    }

    /// Prints a result that people read as one sentence.
    pub(crate) fn say<T: Serialize>(self, value: &T, sentence: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        if self.json {
            return print_json(value);
        }
        print(&harmless(&sentence(value)))
    }

    /// Prints a table for people; nothing for machines.
    pub(crate) fn aside(self, table: &Grid) -> anyhow::Result<()> {
        if self.json { Ok(()) } else { print(&table.render(self.terminal)) }
    }

    /// Prints a line for people; nothing for machines.
    pub(crate) fn note(self, line: &str) -> anyhow::Result<()> {
        if self.json { Ok(()) } else { print(&harmless(line)) }
    }

    /// Says a sentence about a result that itself goes on to somebody else: on standard error, for people.
    pub(crate) fn remark(self, line: &str) -> anyhow::Result<()> {
        if self.json { Ok(()) } else { ignore_closed_pipe(writeln!(io::stderr().lock(), "{}", harmless(line))) }
    }

    /// Prints bytes as they are.
    pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
        ignore_closed_pipe(io::stdout().lock().write_all(bytes))
    }

    /// Prints an error to standard error and gives the exit code.
    pub(crate) fn fail(self, error: &anyhow::Error) -> ExitCode {
        let failure = Failure::of(error);
        let text = if self.json { failure.to_json().to_string() } else { harmless(&failure.to_string()) };
        // Nothing is left to be done when standard error is closed as well.
        let _ = writeln!(io::stderr().lock(), "{text}");
        ExitCode::FAILURE
    }
}

fn print_json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value).context("the result cannot be written as JSON")?)
}

fn print(text: &str) -> anyhow::Result<()> {
    ignore_closed_pipe(writeln!(io::stdout().lock(), "{}", text.trim_end()))
}

/// A reader that has seen enough (`andon events list | head`) is no error.
fn ignore_closed_pipe(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("the result cannot be printed"),
    }
}
