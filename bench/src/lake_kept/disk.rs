//! A disk of limited size, which can be filled to its last byte.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use tempfile::TempDir;

/// What takes the room away is written in pieces of this size, then byte by byte of the last block.
const PIECES: [usize; 2] = [1 << 20, 512];

/// A file system in memory, unmounted when dropped; or a folder like any other.
pub(super) struct SmallDisk {
    /// Where it is mounted.
    folder: TempDir,
    is_small: bool,
}

impl SmallDisk {
    /// Mounts one of this size; of size 0, none.
    pub(super) fn mount(below: Option<&Path>, mib: u64) -> anyhow::Result<Self> {
        let folder = below.map_or_else(TempDir::new, TempDir::new_in)?;
        if mib == 0 {
            return Ok(Self { folder, is_small: false });
        }
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"]).arg(folder.path());
        ensure!(mount.status().context("mount is needed")?.success(), "a small disk cannot be mounted");
        Ok(Self { folder, is_small: true })
    }

    /// Whether it can be filled.
    pub(super) const fn is_small(&self) -> bool {
        self.is_small
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes what room there is.
    pub(super) fn fill(&self) -> anyhow::Result<()> {
        let mut file = File::options().create(true).append(true).open(self.ballast())?;
        for piece in PIECES {
            let zeros = vec![0; piece];
            loop {
                match file.write_all(&zeros) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Gives the room back.
    pub(super) fn empty(&self) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.is_small {
            // With the namespace it would go as well.
            Command::new("umount").arg(self.folder.path()).status().ok();
        }
    }
}
