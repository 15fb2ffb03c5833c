//! The files of an import: found, bounded, read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::output::Failure;
use crate::scenario::local;

/// Most files of one import.
const MAX_FILES: usize = 500;
/// Largest file.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// How deep folders are searched.
const MAX_DEPTH: usize = 6;
/// What is read.
const EXTENSIONS: [&str; 2] = ["csv", "json"];

/// One file, or why it is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InputFile {
    /// How the report calls it: the path below the folder that was given.
    pub(crate) label: String,
    /// Its content; `None` when it is neither CSV nor JSON.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// Reads files, and the files of folders, in order of their paths.
///
/// # Errors
/// When a path cannot be read, a file is larger than 16 MiB, or there are more than 500 files.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<InputFile>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let base = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(path) };
        collect(path, base, 0, &mut files)?;
    }
    Ok(files)
}

fn collect(path: &Path, base: &Path, depth: usize, files: &mut Vec<InputFile>) -> Result<(), Failure> {
    if !path.is_dir() {
        files.push(read_one(path, base)?);
        return if files.len() > MAX_FILES { Err(local(path, format!("more than {MAX_FILES} files"))) } else { Ok(()) };
    }
    if depth == MAX_DEPTH {
        return Err(local(path, format!("folders are searched {MAX_DEPTH} deep; name the folder itself")));
    }
    let failed = |error: std::io::Error| local(path, error.to_string());
    let entries = fs::read_dir(path).map_err(failed)?.map(|entry| entry.map(|e| e.path()));
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort();
    entries.iter().filter(|entry| !is_hidden(entry)).try_for_each(|entry| collect(entry, base, depth + 1, files))
}

fn read_one(path: &Path, base: &Path) -> Result<InputFile, Failure> {
    let failed = |error: std::io::Error| local(path, error.to_string());
    let label = path.strip_prefix(base).unwrap_or(path).display().to_string();
    let size = fs::metadata(path).map_err(failed)?.len();
    if !is_read(path) {
        return Ok(InputFile { label, bytes: None });
    }
    if size > MAX_FILE_BYTES {
        return Err(local(path, format!("the file has {size} bytes, at most {MAX_FILE_BYTES} are read")));
    }
    Ok(InputFile { label, bytes: Some(fs::read(path).map_err(failed)?) })
}

fn is_read(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_and_files_named_from_there() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("data/.git")).unwrap();
        for (name, text) in [("data/b.csv", "b"), ("data/a.JSON", "a"), ("data/c.zip", "c"), ("data/.git/x.csv", "x")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let found = read(&[folder.path().to_owned(), folder.path().join("data/b.csv")]).unwrap();
        let shown: Vec<_> = found.iter().map(|f| (f.label.as_str(), f.bytes.as_deref())).collect();
        let (a, b): (&[u8], &[u8]) = (b"a", b"b");
        assert_eq!(
            shown,
            [("data/a.JSON", Some(a)), ("data/b.csv", Some(b)), ("data/c.zip", None), ("b.csv", Some(b))]
        );
        assert!(read(&[folder.path().join("nowhere")]).is_err());
    }
}
