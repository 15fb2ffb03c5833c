//! The short form of `bench lake-kept`: thousands of readings instead of a million, and one reader.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The reader that `make setup` installs for the tests of the lake.
fn python() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let tools = set("ANDON_TOOLS").or_else(|| Some(cache()?.join("andon-tools"))).expect("a folder of tools");
    let python = tools.join("delta-reader/bin/python");
    assert!(python.exists(), "delta-reader is not installed in {}: run make setup", tools.display());
    python
}

/// Whether a small disk may be mounted here.
fn may_mount() -> bool {
    let asked = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs"]).arg(env::temp_dir()).output();
    asked.is_ok_and(|asked| asked.status.success())
}

#[test]
fn each_reading_is_in_the_lake_once_though_the_disk_was_full() {
    let bench = Path::new(env!("CARGO_BIN_EXE_bench"));
    // It is built with the program, as everything that is tested.
    assert!(bench.with_file_name("andon").exists(), "build the whole workspace first");
    let disk = if may_mount() { "96" } else { "0" };
    let mut command = Command::new(bench);
    command.args(["lake-kept", "--readings", "6000", "--kills", "4", "--readers", "deltalake", "--disk-mib", disk]);
    let out = command.arg("--python").arg(python()).output().expect("started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
    assert!(text(&out.stdout).contains("deltalake: each once"), "{}", text(&out.stdout));
}
