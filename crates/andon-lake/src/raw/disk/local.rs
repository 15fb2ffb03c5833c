//! The file system of the machine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Disk, DiskFile, FoundFile};

/// Held while a process has the folder open.
const LOCK: &str = "lock";

/// Ending of a file that is about to replace another.
const NEW: &str = ".new";

/// A folder of this machine, held by one process at a time.
#[derive(Debug)]
pub struct LocalDisk {
    root: PathBuf,
    /// Unlocked by the system when the process ends, however it ends.
    _lock: File,
}

impl LocalDisk {
    /// Opens the folder, or makes it. [`io::ErrorKind::WouldBlock`] while another process has it open.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(root.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                format!("{} is in use by another process", root.display()),
            )),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn full(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Makes the names of the folders above `path`, and in the last of them that of `path`, durable.
    fn sync_names(&self, path: &Path) -> io::Result<()> {
        let above = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root));
        for folder in above {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    fn make_folders(path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), fs::create_dir_all)
    }
}

impl Disk for LocalDisk {
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let path = self.full(path);
        Self::make_folders(&path)?;
        let file = OpenOptions::new().create_new(true).append(true).open(&path)?;
        self.sync_names(&path)?;
        Ok(Box::new(LocalFile(file)))
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let (new, path) = (self.full(&format!("{path}{NEW}")), self.full(path));
        Self::make_folders(&path)?;
        if let Err(e) = write_whole(&new, bytes).and_then(|()| fs::rename(&new, &path)) {
            // What is half written takes room that may be what is missing; that it stays is no second fault.
            let _ = fs::remove_file(&new);
            return Err(e);
        }
        self.sync_names(&path)
    }

    fn read(&self, path: &str, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.full(path))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(limit as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn cut(&self, path: &str, bytes: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.full(path))?;
        file.set_len(bytes)?;
        file.sync_all()
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let path = self.full(path);
        fs::remove_file(&path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<FoundFile>> {
        let mut found = Vec::new();
        match self.walk(&self.full(folder), &mut found) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            done => done?,
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }
}

impl LocalDisk {
    /// As deep as the folders are: `raw/<yyyy>/<mm>/<dd>/<hh>`.
    fn walk(&self, folder: &Path, found: &mut Vec<FoundFile>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.walk(&entry.path(), found)?;
            } else if kind.is_file()
                && let Some(path) = self.relative(&entry.path())
            {
                found.push(FoundFile { path, bytes: entry.metadata()?.len() });
            }
        }
        Ok(())
    }

    fn relative(&self, path: &Path) -> Option<String> {
        let text = path.strip_prefix(&self.root).ok()?.to_str()?;
        (!text.ends_with(NEW)).then(|| text.to_owned())
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

struct LocalFile(File);

impl DiskFile for LocalFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// `fdatasync`: the size is part of what is needed to read the data, and so is made durable too.
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn take_back(&mut self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }
}
