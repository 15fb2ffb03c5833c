//! From the raw log to Delta tables, beside DuckDB and Polars doing the same to Parquet.
//!
//! **Constraints.** All read the same segments, as text, and give the same rows of the same two tables, which DuckDB
//! counts in the end. Andon checks each line, finds the columns by itself, commits, and syncs to disk; the others are told
//! the columns, and only write files. Compared is processor time, of all threads, so that other work on the machine
//! counts for little. Needs the environment that `.ci/setup` makes of `bench/lake-peers`, and the example `lake_rate`.
//!
//! **Life of a measurement.** The example makes a raw log. In turns each side works in a process of its own, into an
//! empty folder, and says what it took; [`report`] prints the table.

mod report;

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Args;
use serde::Deserialize;
use tempfile::TempDir;

use crate::python::{Python, answer};
use report::{Report, Row};

/// How much is measured, and with which programs
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Readings of the raw log, of some 340 bytes each
    #[arg(long, default_value_t = 1_000_000)]
    readings: u64,
    /// How often all take their turn
    #[arg(long, default_value_t = 2)]
    turns: usize,
    #[command(flatten)]
    python: Python,
    /// The example `lake_rate` [default: the one beside this program]
    #[arg(long)]
    lake_rate: Option<PathBuf>,
}

/// What one side says of its turn.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    cpu_seconds: f64,
    seconds: f64,
    rows: Vec<u64>,
}

/// What everybody works on.
struct Scene {
    folder: TempDir,
    python: Python,
    lake_rate: PathBuf,
}

/// Measures, and prints; says whether all had the same rows.
pub(crate) fn measure(folder: Option<&Path>, options: &Options, as_json: bool) -> anyhow::Result<bool> {
    let scene = Scene::make(folder, options)?;
    let megabytes = segment_bytes(&scene.log())? as f64 / 1e6;
    let mut rows = Vec::new();
    for turn in 1..=options.turns {
        for side in ["andon", "duckdb", "polars"] {
            let told = scene.turn(side)?;
            rows.push(Row::new((side, turn), megabytes, told));
        }
    }
    let report = Report { readings: options.readings, megabytes, rows };
    report.print(as_json)?;
    Ok(report.is_equal())
}

impl Scene {
    fn make(folder: Option<&Path>, options: &Options) -> anyhow::Result<Self> {
        let lake_rate = match &options.lake_rate {
            Some(program) => program.clone(),
            None => env::current_exe()?.with_file_name("examples").join("lake_rate"),
        };
        let python = options.python.clone();
        let folder = folder.map_or_else(TempDir::new, TempDir::new_in)?;
        let scene = Self { folder, python, lake_rate };
        let mut make = Command::new(&scene.lake_rate);
        make.arg("make").arg(scene.log()).arg(options.readings.to_string());
        ensure!(make.status().context("the example lake_rate is needed")?.success(), "no raw log was made");
        Ok(scene)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// One side's turn, into a folder that is empty again afterwards.
    fn turn(&self, side: &str) -> anyhow::Result<Told> {
        let out = self.folder.path().join("out");
        let mut told =
            if side == "andon" { self.andon(&out)? } else { self.peer(&[side.as_ref(), &self.log(), &out])? };
        if side == "andon" {
            told.rows = self.peer(&["rows".as_ref(), &out])?.rows;
        }
        fs::remove_dir_all(&out)?;
        Ok(told)
    }

    fn andon(&self, out: &Path) -> anyhow::Result<Told> {
        fs::create_dir_all(out)?;
        answer(Command::new(&self.lake_rate).arg("run").arg(self.log()).arg(out))
    }

    fn peer(&self, arguments: &[&Path]) -> anyhow::Result<Told> {
        let arguments: Vec<&OsStr> = arguments.iter().map(|argument| argument.as_os_str()).collect();
        self.python.ask("flatten.py", &arguments)
    }
}

/// Bytes of all segments below `folder`.
fn segment_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        bytes += match path.extension() {
            _ if path.is_dir() => segment_bytes(&path)?,
            Some(extension) if extension == "ndjson" => entry.metadata()?.len(),
            _ => 0,
        };
    }
    Ok(bytes)
}
