//! A file system in memory that refuses, tears and forgets as real ones do.
//!
//! **Constraints.** As pessimistic as Linux allows: what was not synchronised may be gone, cut anywhere, or be there with
//! holes of zeros; a `sync` that fails drops the dirty mark, so that the next one succeeds and the bytes are still not
//! on the disk; a new name is lost with the power unless it was made durable.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use andon_testkit::Dice;
use parking_lot::Mutex;

use super::{Disk, DiskFile, FoundFile};

/// Size in which holes come.
const BLOCK: usize = 64;

#[derive(Debug, Clone, Default)]
struct SimulatedFile {
    /// As a process sees it.
    content: Vec<u8>,
    /// As it lies on the disk.
    durable: Vec<u8>,
    /// From here on, bytes were lost by a failed `sync` and no longer count as dirty.
    lost_from: Option<usize>,
}

/// What goes wrong, with which probability.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DiskFaults {
    /// A write takes some of the bytes and fails.
    pub(crate) write: f64,
    /// A `sync` fails.
    pub(crate) sync: f64,
    /// Taking back fails.
    pub(crate) take_back: f64,
    /// A file cannot be made; its name may be there all the same.
    pub(crate) create: f64,
}

#[derive(Debug)]
struct World {
    files: BTreeMap<String, SimulatedFile>,
    faults: DiskFaults,
    /// Bytes that fit, of all files together.
    capacity: usize,
    dice: Dice,
}

/// The disk; clones are the same disk.
#[derive(Debug, Clone)]
pub(crate) struct SimulatedDisk(Arc<Mutex<World>>);

fn full() -> io::Error {
    io::Error::from(ErrorKind::StorageFull)
}

fn broken(what: &str) -> io::Error {
    io::Error::other(format!("simulated fault: {what}"))
}

impl SimulatedDisk {
    pub(crate) fn new(dice: Dice) -> Self {
        let world = World { files: BTreeMap::new(), faults: DiskFaults::default(), capacity: usize::MAX, dice };
        Self(Arc::new(Mutex::new(world)))
    }

    pub(crate) fn set_faults(&self, faults: DiskFaults) {
        self.0.lock().faults = faults;
    }

    /// So many bytes fit beside those that are there.
    pub(crate) fn set_free(&self, bytes: usize) {
        let mut world = self.0.lock();
        world.capacity = world.used().saturating_add(bytes);
    }

    /// The power fails: what is not durable is gone, wholly or in part. Open files are dead.
    #[must_use]
    pub(crate) fn after_power_loss(&self) -> Self {
        let world = self.0.lock();
        let dice = world.dice.clone();
        let files = world.files.iter().map(|(path, file)| (path.clone(), file.after_power_loss(&dice))).collect();
        let faults = DiskFaults::default();
        Self(Arc::new(Mutex::new(World { files, faults, capacity: usize::MAX, dice })))
    }

    /// Only the process dies: everything written is there.
    #[must_use]
    pub(crate) fn after_kill(&self) -> Self {
        let world = self.0.lock();
        let (files, dice) = (world.files.clone(), world.dice.clone());
        let faults = DiskFaults::default();
        Self(Arc::new(Mutex::new(World { files, faults, capacity: usize::MAX, dice })))
    }
}

impl SimulatedFile {
    fn sync(&mut self) {
        let lost_from = self.lost_from.unwrap_or(usize::MAX).min(self.content.len());
        let kept = self.durable.len().min(lost_from);
        self.durable.truncate(kept);
        self.durable.extend_from_slice(&self.content[kept..lost_from]);
    }

    fn after_power_loss(&self, dice: &Dice) -> Self {
        let mut left = self.durable.clone();
        if self.content.len() > left.len() {
            let more = dice.number(0, (self.content.len() - left.len()) as u64);
            let end = left.len() + usize::try_from(more).expect("small");
            let begin = left.len();
            left.extend_from_slice(&self.content[begin..end]);
            if dice.chance(0.3) && end > begin {
                let hole = begin + usize::try_from(dice.number(0, (end - begin - 1) as u64)).expect("small");
                let hole_end = (hole + BLOCK).min(end);
                left[hole..hole_end].fill(0);
            }
        }
        Self { content: left.clone(), durable: left, lost_from: None }
    }
}

impl World {
    fn used(&self) -> usize {
        self.files.values().map(|file| file.content.len()).sum()
    }

    fn file(&mut self, path: &str) -> io::Result<&mut SimulatedFile> {
        self.files.get_mut(path).ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl Disk for SimulatedDisk {
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut world = self.0.lock();
        if world.files.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        if world.dice.chance(world.faults.create) {
            if world.dice.chance(0.5) {
                world.files.insert(path.to_owned(), SimulatedFile::default());
            }
            return Err(broken("create"));
        }
        if world.capacity <= world.used() {
            return Err(full());
        }
        world.files.insert(path.to_owned(), SimulatedFile::default());
        Ok(Box::new(OpenFile { disk: self.clone(), path: path.to_owned() }))
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut world = self.0.lock();
        if world.used().saturating_add(bytes.len()) > world.capacity {
            return Err(full());
        }
        let file = SimulatedFile { content: bytes.to_vec(), durable: bytes.to_vec(), lost_from: None };
        world.files.insert(path.to_owned(), file);
        Ok(())
    }

    fn read(&self, path: &str, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        let mut world = self.0.lock();
        let content = &world.file(path)?.content;
        let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        Ok(content[begin..content.len().min(begin.saturating_add(limit))].to_vec())
    }

    fn cut(&self, path: &str, bytes: u64) -> io::Result<()> {
        let mut world = self.0.lock();
        let file = world.file(path)?;
        file.content.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
        file.sync();
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.0.lock().files.remove(path).map(|_| ()).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<FoundFile>> {
        let world = self.0.lock();
        let below =
            world.files.iter().filter(|(path, _)| path.strip_prefix(folder).is_some_and(|p| p.starts_with('/')));
        Ok(below.map(|(path, file)| FoundFile { path: path.clone(), bytes: file.content.len() as u64 }).collect())
    }
}

struct OpenFile {
    disk: SimulatedDisk,
    path: String,
}

impl DiskFile for OpenFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut world = self.disk.0.lock();
        let free = world.capacity.saturating_sub(world.used());
        let faulty = world.dice.chance(world.faults.write);
        let some = if faulty {
            usize::try_from(world.dice.number(0, bytes.len() as u64)).expect("small")
        } else {
            bytes.len()
        };
        let taken = some.min(free);
        world.file(&self.path)?.content.extend_from_slice(&bytes[..taken]);
        match (taken == bytes.len() && !faulty, faulty) {
            (true, _) => Ok(()),
            (_, true) => Err(broken("write")),
            _ => Err(full()),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut world = self.disk.0.lock();
        let fails = world.dice.chance(world.faults.sync);
        let file = world.file(&self.path)?;
        if fails {
            file.lost_from = Some(file.lost_from.unwrap_or(usize::MAX).min(file.durable.len()));
            return Err(broken("sync"));
        }
        file.sync();
        Ok(())
    }

    fn take_back(&mut self, bytes: u64) -> io::Result<()> {
        let mut world = self.disk.0.lock();
        if world.dice.chance(world.faults.take_back) {
            return Err(broken("take back"));
        }
        world.file(&self.path)?.content.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
        Ok(())
    }
}

#[test]
fn a_failed_sync_is_not_mended_by_the_next() {
    let disk = SimulatedDisk::new(Dice::new(1));
    let mut file = disk.create("a").expect("made");
    file.append(b"kept").expect("written");
    file.sync().expect("durable");
    file.append(b"lost").expect("written");
    disk.set_faults(DiskFaults { sync: 1.0, ..DiskFaults::default() });
    assert!(file.sync().is_err());
    disk.set_faults(DiskFaults::default());
    file.sync().expect("it says so");
    assert_eq!(disk.0.lock().files["a"].durable, b"kept");
}
