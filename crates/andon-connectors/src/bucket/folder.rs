//! Listing a folder.
//!
//! Done here and not by `object_store`, whose listing ends at the first file that it cannot name or
//! enter: one such file would hide all others for good. Symbolic links to files are followed, those to
//! folders are not, so that a walk always ends.

use std::fs::{DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use andon_model::Timestamp;

/// Deepest folder that is entered, counted from the source's own.
const MAX_DEPTH: usize = 32;

/// A file as it was listed.
#[derive(Debug)]
pub(super) struct File {
    /// Below the source's folder, with slashes.
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) modified: Timestamp,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) files: Vec<File>,
    /// What could not be named, entered or looked at.
    pub(super) passed_over: Vec<String>,
}

/// Lists the files below `root` whose path is wanted. Fails only when `root` itself cannot be read.
pub(super) fn walk(root: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<Walk> {
    let mut walk = Walk::default();
    let mut folders: Vec<(PathBuf, String, usize)> = Vec::new();
    let mut entries = std::fs::read_dir(root)?;
    let (mut prefix, mut depth) = (String::new(), 0);
    loop {
        for entry in entries {
            match look_at(entry, &prefix) {
                Ok(Seen::Folder(full, path)) if depth < MAX_DEPTH => folders.push((full, path, depth + 1)),
                Ok(Seen::File(file)) if wanted(&file.path) => walk.files.push(file),
                Ok(_) => {}
                Err(why) => walk.passed_over.push(why),
            }
        }
        entries = loop {
            let Some((full, path, below)) = folders.pop() else { return Ok(walk) };
            (prefix, depth) = (format!("{path}/"), below);
            match std::fs::read_dir(&full) {
                Ok(entries) => break entries,
                Err(error) => walk.passed_over.push(format!("{}: {error}", full.display())),
            }
        };
    }
}

enum Seen {
    Folder(PathBuf, String),
    File(File),
    Other,
}

fn look_at(entry: io::Result<DirEntry>, prefix: &str) -> Result<Seen, String> {
    let entry = entry.map_err(|error| error.to_string())?;
    let full = entry.path();
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", full.display());
    let name = entry.file_name();
    let usable = name.to_str().filter(|name| !name.chars().any(char::is_control));
    let name = usable.ok_or_else(|| failed(&"rename it: the name is not UTF-8 or holds control characters"))?;
    let path = format!("{prefix}{name}");
    if entry.file_type().map_err(|error| failed(&error))?.is_dir() {
        return Ok(Seen::Folder(full, path));
    }
    let meta = std::fs::metadata(&full).map_err(|error| failed(&error))?;
    Ok(if meta.is_file() { Seen::File(file(path, &meta)) } else { Seen::Other })
}

fn file(path: String, meta: &Metadata) -> File {
    File { path, size: meta.len(), modified: meta.modified().map_or_else(|_| Timestamp::default(), timestamp) }
}

/// Rounded down to microseconds, before 1970 too, as the version of an object that is read is.
fn timestamp(time: SystemTime) -> Timestamp {
    let nanos = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
    };
    Timestamp::from_micros(i64::try_from(nanos.div_euclid(1_000)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_name_hides_nothing_else() {
        let folder = tempfile::tempdir().expect("folder");
        for path in ["a/b/1.x", "a/2.x", "3.x", "a\u{1}b/4.x", "c\u{7}.x", "5.y"] {
            let full = folder.path().join(path);
            std::fs::create_dir_all(full.parent().expect("parent")).expect("folder");
            std::fs::write(full, path).expect("file");
        }
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).expect("link");
        std::os::unix::fs::symlink(folder.path().join("3.x"), folder.path().join("6.x")).expect("link");
        std::os::unix::fs::symlink("nowhere", folder.path().join("7.x")).expect("link");
        let walk = walk(folder.path(), |path| path.ends_with('x')).expect("walk");
        let mut found: Vec<_> = walk.files.iter().map(|file| (file.path.as_str(), file.size)).collect();
        found.sort_unstable();
        assert_eq!(found, [("3.x", 3), ("6.x", 3), ("a/2.x", 5), ("a/b/1.x", 7)]);
        assert_eq!(walk.passed_over.len(), 3, "{:?}", walk.passed_over);
    }

    #[test]
    fn times_are_rounded_down() {
        let at = |nanos: i64| {
            let distance = std::time::Duration::from_nanos(nanos.unsigned_abs());
            timestamp(if nanos < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }).as_micros()
        };
        assert_eq!((at(1_999), at(0), at(-1), at(-1_001)), (1, 0, -1, -2));
    }
}
