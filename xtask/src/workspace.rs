//! The checkout as the checks see it: every text file, read once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that hold nothing of ours.
const SKIPPED_FOLDERS: &[&str] = &[".git", "target", "node_modules", "dist", "corpus", "artifacts"];

/// Workspaces of their own, where other tools rule.
const OTHER_WORKSPACES: &[&str] = &["fuzz/"];

/// Larger files are data, not text that people wrote.
const MAX_TEXT_BYTES: u64 = 2 * 1024 * 1024;

/// A text file of the checkout.
#[derive(Debug)]
pub struct TextFile {
    /// Path from the root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A package of the workspace with its manifest.
#[derive(Debug)]
pub struct Package {
    /// Folder from the root, such as `crates/andon-model`.
    pub folder: String,
    /// Its name.
    pub name: String,
    /// `Cargo.toml`, parsed.
    pub manifest: toml::Table,
}

/// Everything that the checks look at.
#[derive(Debug)]
pub struct Workspace {
    /// Root of the checkout.
    pub root: PathBuf,
    /// Every text file, in order of its path.
    pub files: Vec<TextFile>,
    /// Every package, in order of its folder.
    pub packages: Vec<Package>,
}

impl Workspace {
    /// Reads the checkout below `root`.
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        read_folder(root, root, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let packages =
            files.iter().filter(|f| !is_elsewhere(&f.path)).filter_map(package).collect::<Result<Vec<_>>>()?;
        Ok(Self { root: root.to_owned(), files, packages })
    }

    /// The file at `path`.
    pub fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.binary_search_by(|f| f.path.as_str().cmp(path)).ok().map(|i| &self.files[i])
    }

    /// Files whose path ends in `extension` (with the dot).
    pub fn with_extension<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = &'a TextFile> {
        self.files.iter().filter(move |f| f.path.ends_with(extension))
    }
}

fn read_folder(root: &Path, folder: &Path, files: &mut Vec<TextFile>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name();
        if kind.is_dir() && !SKIPPED_FOLDERS.iter().any(|s| name == *s) {
            read_folder(root, &entry.path(), files)?;
        } else if kind.is_file() && entry.metadata()?.len() <= MAX_TEXT_BYTES {
            files.extend(read_text(root, &entry.path())?);
        }
    }
    Ok(())
}

/// `None` for a file that is not UTF-8.
fn read_text(root: &Path, path: &Path) -> Result<Option<TextFile>> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let relative = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
    Ok(String::from_utf8(bytes).ok().map(|text| TextFile { path: relative, text }))
}

fn is_elsewhere(path: &str) -> bool {
    OTHER_WORKSPACES.iter().any(|folder| path.starts_with(folder))
}

fn package(file: &TextFile) -> Option<Result<Package>> {
    let folder = file.path.strip_suffix("/Cargo.toml")?;
    let manifest = match file.text.parse::<toml::Table>() {
        Ok(manifest) => manifest,
        Err(e) => return Some(Err(e).with_context(|| format!("parsing {}", file.path))),
    };
    let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
    Some(Ok(Package { folder: folder.to_owned(), name, manifest }))
}
