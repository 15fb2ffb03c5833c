//! What the raw log asks of a file system, so that a simulated one can refuse, tear and forget.
//!
//! **Constraints.** Paths are relative, with `/`. Bytes are durable after [`DiskFile::sync`] and not before; after
//! a failed `sync` nothing is known about what was not durable yet, not even if a later `sync` succeeds (Linux
//! drops the dirty mark of pages that it could not write), so a file with a failed `sync` is not written again.

#[cfg(test)]
pub(crate) mod contract;
mod local;
#[cfg(test)]
pub(crate) mod simulated;

use std::io;

pub use local::LocalDisk;

/// A file of the log and its size in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Relative path.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// A folder, and what is below it.
pub trait Disk: Send + Sync {
    /// Makes an empty file that was not there, with the folders above it. Its name is durable when this returns.
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Puts `bytes` in place of the file at `path`, or makes it: durable when this returns, and after a crash
    /// either as before or complete.
    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Bytes from `offset` on, at most `limit`; fewer at the end of the file only.
    fn read(&self, path: &str, offset: u64, limit: usize) -> io::Result<Vec<u8>>;

    /// Cuts a file to `bytes`, durably.
    fn cut(&self, path: &str, bytes: u64) -> io::Result<()>;

    /// Removes a file that is there, durably.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Every file below `folder`, in order of the paths; none if the folder is not there.
    fn list(&self, folder: &str) -> io::Result<Vec<FoundFile>>;
}

/// A file that is appended to.
pub trait DiskFile: Send {
    /// Writes all `bytes` behind what is there. After an error some of them may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything durable that was written.
    fn sync(&mut self) -> io::Result<()>;

    /// Takes back what was written beyond `bytes`; durable with the next [`DiskFile::sync`].
    fn take_back(&mut self, bytes: u64) -> io::Result<()>;
}
