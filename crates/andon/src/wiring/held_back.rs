//! A disk that loses with the process what is not durable yet, so that a killed process shows what a power failure
//! would.
//!
//! **Constraints.** Compiled only with debug assertions. `ANDON_HOLD_BACK` puts it below the raw log.
//!
//! **Life of a write.** What is appended stays in memory until the file is synced; only then is it written and synced. A
//! process that is killed in between leaves nothing of it.

use std::io;
use std::sync::Arc;

use andon_lake::raw::{Disk, DiskFile, FoundFile};

/// The disk, holding back when the environment asks for it.
pub(super) fn around_disk(disk: Arc<dyn Disk>) -> Arc<dyn Disk> {
    if std::env::var_os("ANDON_HOLD_BACK").is_some() { Arc::new(HeldBack(disk)) } else { disk }
}

struct HeldBack(Arc<dyn Disk>);

impl Disk for HeldBack {
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.0.create(path)?;
        Ok(Box::new(HeldBackFile { file, written: 0, held: Vec::new() }))
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.replace(path, bytes)
    }

    fn read(&self, path: &str, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        self.0.read(path, offset, limit)
    }

    fn cut(&self, path: &str, bytes: u64) -> io::Result<()> {
        self.0.cut(path, bytes)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.0.remove(path)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<FoundFile>> {
        self.0.list(folder)
    }
}

struct HeldBackFile {
    file: Box<dyn DiskFile>,
    /// Bytes that the file has.
    written: u64,
    /// Bytes that it does not have yet.
    held: Vec<u8>,
}

impl DiskFile for HeldBackFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.append(&self.held)?;
        self.written += self.held.len() as u64;
        self.held.clear();
        self.file.sync()
    }

    fn take_back(&mut self, bytes: u64) -> io::Result<()> {
        if let Some(kept) = bytes.checked_sub(self.written) {
            self.held.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
            return Ok(());
        }
        self.held.clear();
        self.written = bytes;
        self.file.take_back(bytes)
    }
}
