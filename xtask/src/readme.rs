//! Runs the commands of `README.md` word for word.
//!
//! A fenced block takes part by its info string:
//!
//! * `sh` – run in a scratch copy of what a reader has: the scenarios, and `andon` on the path.
//!   Exported variables live on in the next block, as in one terminal.
//! * `sh serve <address>` – the same in a second terminal: started, left running to the end, and the
//!   next block begins when the address accepts connections.
//! * `sh checkout` – run in the checkout itself (`make …`).
//! * `sh norun` – for reading only: what needs another system or changes the machine.
//! * `text shows` – not run: each line occurs in the output of the block before, where `…` stands for
//!   anything and several spaces are as good as one.
//!
//! The first block that fails ends the run, with its line in `README.md`. Needs `bash`, `timeout` and
//! `kill`.

use std::ffi::OsStr;
use std::fs;
use std::io::{Write, stdout};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const README: &str = "README.md";

/// Info string of a block that tells what the one before prints.
const SHOWS: &str = "text shows";

/// Longest time of one block.
const SCRATCH_SECONDS: u32 = 120;
const SERVE_SECONDS: u32 = 600;
const CHECKOUT_SECONDS: u32 = 1_800;

/// How often, and how many times, a served address is tried.
const TRY_EVERY: Duration = Duration::from_millis(100);
const TRIES: u32 = 600;

/// Variables of the surrounding `make`, `cargo` and test runner. A reader's terminal has none of them, and build scripts
/// that watch some of them would build again.
const SURROUNDING: &[&str] = &[
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "NEXTEST",
    "LD_LIBRARY_PATH",
];

/// Reads the variables of the block before, runs the block, keeps its variables for the next.
const SESSION: &str = r#"set -euo pipefail; [ -f "$1" ] && . "$1"; . "$2"; export -p > "$1""#;

/// Where and how a block runs.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mode {
    Scratch,
    Serve(String),
    Checkout,
}

/// A block that is run.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// Line of its opening fence, counted from 1.
    line: usize,
    mode: Mode,
    text: String,
    /// Lines that its output shows.
    shows: Vec<String>,
}

/// The folder in which the build that this test belongs to has put its binaries.
pub fn built_binaries() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let above = own.ancestors().skip(1).find(|folder| folder.join("andon").is_file());
    let found = above.with_context(|| format!("no andon beside {}: run make build first", own.display()))?;
    Ok(found.to_owned())
}

/// Runs every block of the README of `checkout` with the binaries in `binaries`.
pub fn run(checkout: &Path, binaries: &Path) -> Result<()> {
    let blocks = blocks(&fs::read_to_string(checkout.join(README))?)?;
    ensure!(!blocks.is_empty(), "{README} has no block to run");
    let mut session = Session::new(checkout, binaries)?;
    for block in &blocks {
        writeln!(stdout(), "{README}:{}: {:?}\n{}", block.line, block.mode, block.text)?;
        let output = session.run(block).with_context(|| format!("{README}:{}", block.line))?;
        check_output(block, &output).with_context(|| format!("{README}:{}", block.line))?;
    }
    Ok(())
}

fn check_output(block: &Block, output: &str) -> Result<()> {
    let lines: Vec<String> = output.lines().map(squeezed).collect();
    for expected in &block.shows {
        let expected = squeezed(expected);
        ensure!(lines.iter().any(|line| fits(&expected, line)), "no line of the output fits {expected:?}:\n{output}");
    }
    Ok(())
}

/// The line with its spaces reduced to one each.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether `line` holds the parts of `pattern` between its `…`, in order.
fn fits(pattern: &str, line: &str) -> bool {
    let mut rest = line;
    pattern.split('…').map(str::trim).all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

fn blocks(text: &str) -> Result<Vec<Block>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().map(|(_, l)| l).take_while(|l| *l != "```").collect();
        if info == SHOWS {
            let block = blocks.last_mut().with_context(|| format!("{README}:{}: no block before it", at + 1))?;
            block.shows = body.into_iter().map(str::to_owned).collect();
        } else if let Some(mode) = mode(info).with_context(|| format!("{README}:{}", at + 1))? {
            blocks.push(Block { line: at + 1, mode, text: body.join("\n") + "\n", shows: Vec::new() });
        }
    }
    Ok(blocks)
}

/// `None`: not a block of commands, or not to be run.
fn mode(info: &str) -> Result<Option<Mode>> {
    let words: Vec<&str> = info.split_whitespace().collect();
    Ok(match words.as_slice() {
        ["sh"] => Some(Mode::Scratch),
        ["sh", "serve", address] => Some(Mode::Serve((*address).to_owned())),
        ["sh", "checkout"] => Some(Mode::Checkout),
        ["sh", "norun"] => None,
        ["sh" | "bash" | "shell" | "console", ..] => bail!("```{info} is none of sh, sh serve, sh checkout, sh norun"),
        _ => None,
    })
}

/// A reader's terminals.
struct Session {
    folder: PathBuf,
    checkout: PathBuf,
    path: String,
    background: Vec<Child>,
}

impl Session {
    fn new(checkout: &Path, binaries: &Path) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("andon-readme-{}", std::process::id()));
        fs::create_dir_all(folder.join("home"))?;
        copy_folder(&checkout.join("scenarios"), &folder.join("scenarios"))?;
        let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
        Ok(Self { folder, checkout: checkout.to_owned(), path, background: Vec::new() })
    }

    /// Runs a block; returns what it printed.
    fn run(&mut self, block: &Block) -> Result<String> {
        match &block.mode {
            Mode::Scratch => finish(self.scratch(block)?),
            Mode::Checkout => finish(self.in_checkout(block)?),
            Mode::Serve(address) => self.serve(block, address).map(|()| String::new()),
        }
    }

    fn serve(&mut self, block: &Block, address: &str) -> Result<()> {
        ensure!(TcpStream::connect(address).is_err(), "{address} is in use by something else");
        self.background.push(self.scratch(block)?.process_group(0).spawn()?);
        for _ in 0..TRIES {
            if TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.background.last_mut().and_then(|c| c.try_wait().transpose()) {
                bail!("ended early with {}", status?);
            }
            thread::sleep(TRY_EVERY);
        }
        bail!("{address} does not accept connections")
    }

    fn scratch(&self, block: &Block) -> Result<Command> {
        let limit = if matches!(block.mode, Mode::Serve(_)) { SERVE_SECONDS } else { SCRATCH_SECONDS };
        let mut command = self.shell(block, limit)?;
        command.current_dir(&self.folder).env("HOME", self.folder.join("home"));
        Ok(command)
    }

    fn in_checkout(&self, block: &Block) -> Result<Command> {
        let mut command = self.shell(block, CHECKOUT_SECONDS)?;
        command.current_dir(&self.checkout);
        Ok(command)
    }

    fn shell(&self, block: &Block, seconds: u32) -> Result<Command> {
        let script = self.folder.join(format!("line-{}.sh", block.line));
        fs::write(&script, &block.text)?;
        let state = self.folder.join(if matches!(block.mode, Mode::Scratch) { "first.env" } else { "other.env" });
        let mut command = Command::new("timeout");
        // In the foreground a block stays in the group of the test, and ends when the test is ended.
        if !matches!(block.mode, Mode::Serve(_)) {
            command.arg("--foreground");
        }
        command.args(["--kill-after=10", &seconds.to_string(), "bash", "-c", SESSION, "bash"]);
        command.arg(state).arg(script).env("PATH", &self.path);
        for (variable, _) in std::env::vars_os().filter(|(v, _)| is_surrounding(v)) {
            command.env_remove(variable);
        }
        Ok(command)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in &mut self.background {
            stop(child);
        }
        // A folder left behind below the temporary folder does no harm.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn is_surrounding(variable: &OsStr) -> bool {
    variable.to_str().is_some_and(|name| SURROUNDING.iter().any(|start| name.starts_with(start)))
}

/// Ends a block's whole process group.
fn stop(child: &mut Child) {
    let group = format!("-{}", child.id());
    // Fails when the group is gone already, which is what is wanted.
    let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
    let _ = child.wait();
}

/// Standard error goes where the test's goes.
fn finish(mut command: Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    stdout().write_all(text.as_bytes())?;
    ensure!(output.status.success(), "ended with {}", output.status);
    Ok(text)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(info: &str, expect: Option<&Mode>) {
        assert_eq!(mode(info).expect("known").as_ref(), expect, "{info}");
    }

    #[test]
    fn info_strings_say_where_a_block_runs() {
        check("sh", Some(&Mode::Scratch));
        check("sh serve localhost:1", Some(&Mode::Serve("localhost:1".into())));
        check("sh checkout", Some(&Mode::Checkout));
        check("sh norun", None);
        check("toml", None);
        assert!(mode("sh quietly").is_err());
    }

    #[test]
    fn blocks_carry_line_and_text() {
        let found = blocks("a\n```sh\nx\ny\n```\n```toml\nz\n```\n").expect("valid");
        assert_eq!(found, [Block { line: 2, mode: Mode::Scratch, text: "x\ny\n".into(), shows: vec![] }]);
    }

    fn run_text(text: &str) -> Result<()> {
        let checkout = tempfile::tempdir()?;
        fs::create_dir(checkout.path().join("scenarios"))?;
        fs::write(checkout.path().join(README), text)?;
        run(checkout.path(), checkout.path())
    }

    #[test]
    fn variables_live_on_and_failures_name_the_line() {
        run_text("```sh\nexport A=1\n```\n```sh\n[ \"$A\" = 1 ]\n```\n").expect("passes");
        let error = run_text("```sh\ntrue\n```\n```sh\nfalse\ntrue\n```\n").expect_err("fails");
        assert_eq!(error.to_string(), "README.md:4");
    }

    #[test]
    fn what_a_block_shows_is_compared() {
        run_text("```sh\necho 'a   b 7 c'\n```\n```text shows\na b … c\n```\n").expect("passes");
        run_text("```sh\necho a\n```\n```text shows\na b\n```\n").expect_err("fails");
    }
}
