//! Takes back what a killed process has written to its journal and not synced.
//!
//! A process that is killed leaves all its writes to the operating system; a power failure does not. `unsynced.c`, loaded
//! before the C library, keeps beside each file of a database what its writes replace, and forgets that when the file is
//! synced. After a kill, [`Watch::take_back`] puts it back, newest first: the files are then as the last sync left them.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// What the library calls its files.
const ENDING: &str = "undo";

/// The library, built.
pub(crate) struct Watch {
    _folder: TempDir,
    library: String,
}

/// What a write replaced, from this place on, in a file of this size.
struct Replaced {
    place: u64,
    size: u64,
    bytes: Vec<u8>,
}

impl Watch {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("unsynced.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept/unsynced.c");
        let mut build = Command::new("cc");
        build.args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o"]).arg(&library);
        build.arg(source).args(["-ldl", "-lpthread"]);
        assert!(build.status().unwrap().success());
        let library = library.to_str().unwrap().to_owned();
        Self { _folder: folder, library }
    }

    /// What a watched process has in its environment.
    pub(crate) fn variables(&self) -> [(&str, &str); 1] {
        [("LD_PRELOAD", &self.library)]
    }

    /// The same, with a disk that says of everything that it is synced, and has synced nothing.
    pub(crate) fn lying(&self) -> [(&str, &str); 2] {
        [("LD_PRELOAD", &self.library), ("UNSYNCED_FORGETS", "never")]
    }

    /// Takes back what is not synced in the files of a folder; how many writes.
    pub(crate) fn take_back(folder: &Path) -> usize {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let undo = files.filter(|path| path.extension().is_some_and(|ending| ending == ENDING));
        undo.map(|undo| take_back(&undo)).sum()
    }
}

fn take_back(undo: &Path) -> usize {
    let replaced = read(undo);
    let mut file = OpenOptions::new().write(true).open(watched(undo)).unwrap();
    for Replaced { place, size, bytes } in replaced.iter().rev() {
        file.seek(SeekFrom::Start(*place)).unwrap();
        file.write_all(bytes).unwrap();
        file.set_len(*size).unwrap();
    }
    std::fs::remove_file(undo).unwrap();
    replaced.len()
}

fn watched(undo: &Path) -> PathBuf {
    undo.with_extension("")
}

/// Every record; the last may be torn, and then its write did not happen.
fn read(undo: &Path) -> Vec<Replaced> {
    let (mut file, mut replaced) = (File::open(undo).unwrap(), Vec::new());
    loop {
        let mut head = [0; 24];
        if file.read_exact(&mut head).is_err() {
            return replaced;
        }
        let [place, size, length] = [0, 8, 16].map(|at| u64::from_le_bytes(head[at..at + 8].try_into().unwrap()));
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        if file.read_exact(&mut bytes).is_err() {
            return replaced;
        }
        replaced.push(Replaced { place, size, bytes });
    }
}
