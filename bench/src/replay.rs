//! A replay of many events: how long it takes, and that it needs nobody.
//!
//! A thousand events are worked on through the front door, then the journal is multiplied by SQL. Server and command
//! run in a network namespace whose only interface is a loopback of its own: the simulator that made the documents is
//! out of reach, and so is everything else. Needs the programs `sqlite3`, `unshare` and `ip`.
//!
//! An unchanged configuration must change nothing, against what is in force and against what was recorded; the
//! measurement fails otherwise. A changed action must differ.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::process::machine;
use crate::restart::{multiply, say, until_pending};
use crate::stand::Stand;

/// Events that are really worked on.
const WORKED: usize = 1_000;

const ACTION: &str = "actions/three-steps.toml";

/// Starts the server in a namespace without a network and replays; then the most memory that the server had.
const SCRIPT: &str = r#"
    ip link set lo up || exit
    "$0" serve --log error --data "$1" >/dev/null &
    server=$!
    until "$0" status --data "$1" >/dev/null 2>&1; do kill -0 $server || exit; sleep 0.1; done
    "$0" replay --show 0 --with "$2" --against "$3" --data "$1"
    code=$?
    grep VmHWM /proc/$server/status
    kill $server
    wait $server
    exit $code"#;

/// Replays about `events` events three times and prints how it went.
pub(crate) async fn measure(program: &Path, folder: Option<&Path>, events: usize) -> anyhow::Result<()> {
    let mut stand = Stand::start(program, folder).await?;
    stand.post("three-steps", 0, WORKED).await?;
    until_pending(&stand, 0).await?;
    let current = stand.export()?;
    stand.stop();
    multiply(&stand.journal(), (events / WORKED).max(1) - 1)?;
    let size = std::fs::metadata(stand.journal())?.len() as f64 / 1e9;
    say(&format!("{}; journal: SQLite, {size:.1} GB; network: none", machine()))?;
    for against in ["current", "recorded"] {
        let told = replay(program, stand.folder(), current.path(), against)?;
        ensure!(told.contains("nothing would differ"), "an unchanged configuration differs");
    }
    change(current.path())?;
    let told = replay(program, stand.folder(), current.path(), "current")?;
    ensure!(
        told.contains("would differ") && !told.contains("nothing would"),
        "a changed configuration does not differ"
    );
    Ok(())
}

/// Another type of notification for all.
fn change(folder: &Path) -> anyhow::Result<()> {
    let file = folder.join(ACTION);
    let text = std::fs::read_to_string(&file)?;
    Ok(std::fs::write(file, text.replace("\"NotificationType\": \"M2\"", "\"NotificationType\": \"M1\""))?)
}

/// What the command told.
fn replay(program: &Path, data: &Path, with: &Path, against: &str) -> anyhow::Result<String> {
    // A folder without settings, and no address of another server.
    let elsewhere = TempDir::new()?;
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", SCRIPT]).arg(program).arg(data).arg(with).arg(against);
    command.current_dir(elsewhere.path()).env_remove("ANDON_URL");
    let begun = Instant::now();
    let output = command.output().context("unshare is needed to close the network")?;
    let took = begun.elapsed().as_secs_f64();
    let told = String::from_utf8(output.stdout)?;
    say(&format!("against {against}, {took:.0} s with the server's start:"))?;
    told.lines().try_for_each(|line| say(&format!("  {line}")))?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(told)
}
