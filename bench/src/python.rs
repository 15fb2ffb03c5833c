//! Readers and peers that are not ours: DuckDB, Polars and Delta Lake's own reader, in the environment that `.ci/setup`
//! makes of `bench/lake-peers`.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use clap::Args;
use serde::de::DeserializeOwned;

/// The Python that has them
#[derive(Debug, Clone, Args)]
pub(crate) struct Python {
    /// The Python that has DuckDB, Polars and deltalake [default: what `make setup` of the bench installs]
    #[arg(long)]
    python: Option<PathBuf>,
}

impl Python {
    /// What a script of `bench/lake-peers` says.
    pub(crate) fn ask<T: DeserializeOwned>(&self, script: &str, arguments: &[&OsStr]) -> anyhow::Result<T> {
        let python = self.python.clone().or_else(installed).context("name a Python, or ANDON_TOOLS")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("lake-peers").join(script);
        answer(Command::new(&python).arg(script).args(arguments))
    }
}

/// What a program says in its only line.
pub(crate) fn answer<T: DeserializeOwned>(command: &mut Command) -> anyhow::Result<T> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{} is needed", command.get_program().display()))?;
    ensure!(output.status.success(), "{} failed", command.get_program().display());
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The same folder as in the Makefile.
fn installed() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let tools = set("ANDON_TOOLS").or_else(|| Some(cache()?.join("andon-tools")))?;
    Some(tools.join("lake-peers/bin/python"))
}
