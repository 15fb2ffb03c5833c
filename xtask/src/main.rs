//! `cargo xtask tidy` and `cargo xtask readme`.

use std::env;
use std::io::{Write, stdout};

use anyhow::{Result, bail};
use xtask::{checkout, readme, tidy};

const USAGE: &str = "usage: cargo xtask <tidy|readme>

  tidy    check edges, sizes, names and documents
  readme  run the commands of README.md word for word";

fn main() -> Result<()> {
    match env::args().nth(1).as_deref() {
        Some("tidy") => report_tidy(),
        Some("readme") => readme::run(&checkout(), &readme::built_binaries()?),
        _ => bail!("{USAGE}"),
    }
}

fn report_tidy() -> Result<()> {
    let findings = tidy::check(&checkout())?;
    for finding in &findings {
        writeln!(stdout(), "{finding}")?;
    }
    match findings.len() {
        0 => Ok(()),
        n => bail!("{n} findings"),
    }
}
