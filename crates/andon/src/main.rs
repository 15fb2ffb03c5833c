//! `andon`: the command line, the configuration and the wiring. It decides nothing.
//!
//! **Constraints.** No rule about events, tables, runs or destinations stands here; whatever a command does is done by
//! the engine or asked of a running server through its API. Everything printed is a table for people or, with
//! `--json`, one JSON value for machines; errors name code, place, remedy and page.
//!
//! **Life of a command.** [`cli::Cli`] parses the arguments, [`config`] reads `andon.toml`, the environment and the
//! flags into typed settings, one module of [`commands`] does the work – through [`client`] or, for `serve` and
//! `demo`, through [`wiring`] – and [`output`] prints what came of it.

mod cli;
mod client;
mod commands;
mod config;
mod demo;
mod descriptors;
mod import;
mod nearest;
mod output;
mod scenario;
mod wiring;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

/// Runs make and drop many small texts on many threads; the system's allocator keeps more of them and takes longer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let output = output::Output::new(cli.global.json);
    match run(cli, output) {
        Ok(code) => code,
        Err(error) => output.fail(&error),
    }
}

fn run(cli: cli::Cli, output: output::Output) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("andon")
        .enable_all()
        .build()
        .context("the asynchronous runtime cannot be started")?;
    runtime.block_on(commands::run(cli, output))
}
