//! Scenario folders: configuration as files, one folder per kind.
//!
//! Read and written byte for byte; beside the folders of [`DocumentKind`] a scenario may hold `README.md` and the
//! folders `input` and `expected`, which are not configuration.

use std::fs;
use std::path::{Path, PathBuf};

use andon_journal::{Document, DocumentKind};
use andon_model::{Code, Name};

use crate::output::Failure;

/// Folders of a scenario that are not configuration.
const BESIDE: [&str; 2] = ["input", "expected"];
/// Largest document.
const MAX_DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Every document in a folder, in order of kind and name.
pub(crate) fn read(folder: &Path) -> Result<Vec<Document>, Failure> {
    let mut documents = Vec::new();
    for entry in entries(folder)? {
        let name = file_name(&entry);
        if !entry.is_dir() || name.starts_with('.') || BESIDE.contains(&name.as_str()) {
            continue;
        }
        let kind = DocumentKind::from_folder(&name).ok_or_else(|| unknown_folder(&entry))?;
        for file in entries(&entry)?.into_iter().filter(|file| !file_name(file).starts_with('.')) {
            documents.push(read_document(kind, &file)?);
        }
    }
    if documents.is_empty() {
        let detail = "there is no configuration here: expected folders such as decisions and actions";
        return Err(local(folder, detail).remedy("name the folder that holds them, as in scenarios/events"));
    }
    documents.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    Ok(documents)
}

fn read_document(kind: DocumentKind, file: &Path) -> Result<Document, Failure> {
    let extension = format!(".{}", kind.extension());
    let name = file_name(file);
    let Some(stem) = name.strip_suffix(&extension) else {
        let detail = format!("files in {} end in {extension}", kind.folder());
        return Err(
            local(file, detail).remedy("rename the file, or move what is not configuration into input or expected")
        );
    };
    let name = Name::new(stem).map_err(|error| local(file, error.to_string()).remedy("rename the file"))?;
    let size = fs::metadata(file).map_err(|error| local(file, error.to_string()))?.len();
    if size > MAX_DOCUMENT_BYTES {
        return Err(local(file, format!("the file has {size} bytes, at most {MAX_DOCUMENT_BYTES} are read")));
    }
    let text = fs::read_to_string(file).map_err(|error| local(file, error.to_string()))?;
    Ok(Document { kind, name, text })
}

/// What writing a document would do, or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Written {
    /// The file was not there.
    New,
    /// The file had another content.
    Replaced,
    /// The file had this content already.
    Unchanged,
    /// The file is not part of the configuration.
    Removed,
}

/// Paths of the files in a folder that hold documents, whichever; what is not the file of a document is not listed.
pub(crate) fn document_paths(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut paths = Vec::new();
    for kind in DocumentKind::ALL {
        let of_kind = folder.join(kind.folder());
        if of_kind.is_dir() {
            paths.extend(entries(&of_kind)?.iter().filter_map(|file| document_path(kind, file)));
        }
    }
    Ok(paths)
}

fn document_path(kind: DocumentKind, file: &Path) -> Option<String> {
    let name = file_name(file);
    let stem = name.strip_suffix(&format!(".{}", kind.extension()))?;
    (file.is_file() && Name::new(stem).is_ok()).then(|| format!("{}/{name}", kind.folder()))
}

/// Removes the file of a document.
pub(crate) fn remove(folder: &Path, path: &str) -> Result<(), Failure> {
    let file = folder.join(path);
    fs::remove_file(&file).map_err(|error| local(&file, error.to_string()))
}

/// Compares a document with the file that it would become.
pub(crate) fn compare(folder: &Path, document: &Document) -> Result<Written, Failure> {
    let file = folder.join(document.path());
    match fs::read(&file) {
        Ok(bytes) if bytes == document.text.as_bytes() => Ok(Written::Unchanged),
        Ok(_) => Ok(Written::Replaced),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Written::New),
        Err(error) => Err(local(&file, error.to_string())),
    }
}

/// Writes a document into a folder.
pub(crate) fn write(folder: &Path, document: &Document) -> Result<(), Failure> {
    let file = folder.join(document.path());
    let parent = file.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|error| local(parent, error.to_string()))?;
    fs::write(&file, &document.text).map_err(|error| local(&file, error.to_string()))
}

/// The entries of a folder, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| local(folder, error.to_string());
    let entries = fs::read_dir(folder).map_err(failed)?.map(|entry| entry.map(|e| e.path()));
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort();
    Ok(entries)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn unknown_folder(entry: &Path) -> Failure {
    let known: Vec<&str> = DocumentKind::ALL.iter().map(|kind| kind.folder()).chain(BESIDE).collect();
    local(entry, format!("this folder is not part of a scenario; known are {}", known.join(", ")))
        .remedy("correct the folder's name, or move it out of the scenario")
}

/// A fault of a file or folder.
pub(crate) fn local(path: &Path, detail: impl Into<String>) -> Failure {
    Failure::new(Code::LocalFile, detail).at(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &[u8])], expect: &str) {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        let found = match read(folder.path()) {
            Ok(documents) => documents.iter().map(Document::path).collect::<Vec<_>>().join(" "),
            Err(failure) => failure.problem.detail,
        };
        assert!(found.contains(expect) && !found.is_empty(), "{files:?}: {found:?}");
    }

    #[test]
    fn folders_are_read_with_their_faults_named() {
        check(
            &[("sources/a.toml", b""), ("actions/b.toml", b""), ("README.md", b""), ("input/x", b"")],
            "sources/a.toml actions/b.toml",
        );
        check(&[("README.md", b"")], "there is no configuration here");
        check(&[("action/b.toml", b"")], "not part of a scenario");
        check(&[("tables/a.toml", b"")], "end in .json");
        check(&[("tables/A b.json", b"")], "is not a name");
        check(&[("tables/a.json", b"\xff")], "UTF-8");
    }

    #[test]
    fn only_files_of_documents_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        for path in
            ["actions/a.toml", "actions/a.toml~", "actions/.b.toml", "tables/c.json", "input/d.json", "README.md"]
        {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        assert_eq!(document_paths(folder.path()).unwrap(), ["tables/c.json", "actions/a.toml"]);
        remove(folder.path(), "tables/c.json").unwrap();
        assert_eq!(document_paths(folder.path()).unwrap(), ["actions/a.toml"]);
    }

    #[test]
    fn what_is_written_is_read_back_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let text = "a*,b\r\n1,\u{fc}\n\n".to_owned();
        let document = Document { kind: DocumentKind::Lookup, name: Name::new("x").unwrap(), text };
        assert_eq!(compare(folder.path(), &document).unwrap(), Written::New);
        write(folder.path(), &document).unwrap();
        assert_eq!(compare(folder.path(), &document).unwrap(), Written::Unchanged);
        assert_eq!(read(folder.path()).unwrap(), [document]);
    }
}
