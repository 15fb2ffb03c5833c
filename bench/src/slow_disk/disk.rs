//! How slow the disk below the program is: `slow_disk.c`, built and steered.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use tempfile::TempDir;

/// What the program is loaded with.
const SOURCE: &str = include_str!("slow_disk.c");

/// How a disk that is asked to be slow does its work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) sync_ms: u64,
    pub(super) bytes_per_second: u64,
}

/// As fast as the machine has it.
pub(super) const PROMPT: Pace = Pace { sync_ms: 0, bytes_per_second: 0 };

pub(super) struct SlowDisk {
    folder: TempDir,
}

impl SlowDisk {
    /// Builds what makes the disk slow; it is prompt until [`SlowDisk::set`] says otherwise.
    pub(super) fn build() -> anyhow::Result<Self> {
        let disk = Self { folder: TempDir::new()? };
        let source = disk.folder.path().join("slow_disk.c");
        fs::write(&source, SOURCE)?;
        let mut build = Command::new("cc");
        build.args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o"]).arg(disk.library()).arg(source);
        ensure!(build.args(["-ldl", "-lpthread"]).status().context("cc is needed")?.success(), "cc has failed");
        disk.set(PROMPT)?;
        Ok(disk)
    }

    /// What the program has in its environment.
    pub(super) fn variables(&self) -> [(&'static str, String); 2] {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        [("LD_PRELOAD", text(self.library())), ("SLOW_DISK", text(self.folder.path().join("pace")))]
    }

    /// From now on; in one step, as the program reads it at any time.
    pub(super) fn set(&self, pace: Pace) -> anyhow::Result<()> {
        let new = self.folder.path().join("pace.new");
        fs::write(&new, format!("{} {}\n", pace.sync_ms, pace.bytes_per_second))?;
        Ok(fs::rename(new, self.folder.path().join("pace"))?)
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("slow_disk.so")
    }
}
