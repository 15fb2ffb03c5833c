//! The snapshot of the assets: one file in the data folder, replaced as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use andon_journal::PlantMemory;
use andon_model::{Code, Problem};
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Mutex;

/// Name in the data folder.
const FILE: &str = "assets.json";

/// Only the owner may read it.
const FILE_MODE: u32 = 0o600;

/// The file, and one writer at a time: who gave up waiting may still be writing.
pub(super) struct PlantFile {
    path: PathBuf,
    writing: Arc<Mutex<()>>,
}

impl PlantFile {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { path: folder.join(FILE), writing: Arc::default() }
    }

    async fn with_path<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let (path, one_at_a_time) = (self.path.clone(), Arc::clone(&self.writing).lock_owned().await);
        let ended = tokio::task::spawn_blocking(move || {
            let _one_at_a_time = one_at_a_time;
            work(&path)
        });
        let done = ended.await.unwrap_or_else(|error| Err(error.into()));
        done.map_err(|error| Problem::new(Code::PlantMemory, error.to_string()).at(self.path.display().to_string()))
    }
}

#[async_trait]
impl PlantMemory for PlantFile {
    async fn load(&self) -> Result<Option<Bytes>, Problem> {
        self.with_path(|path| match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn save(&self, snapshot: Bytes) -> Result<(), Problem> {
        self.with_path(move |path| replace(path, &snapshot)).await
    }
}

/// Writes beside the file, then puts it in its place. What a crash leaves beside it is written over.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("json.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_snapshot_is_found_whatever_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = PlantFile::in_folder(folder.path());
        assert_eq!(file.load().await, Ok(None));
        for snapshot in ["{\"v\":1}", "{}"] {
            fs::write(folder.path().join("assets.json.new"), "half of a much longer snapsh").unwrap();
            file.save(Bytes::from_static(snapshot.as_bytes())).await.unwrap();
            assert_eq!(file.load().await, Ok(Some(Bytes::from_static(snapshot.as_bytes()))));
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = PlantFile::in_folder(&folder.path().join("gone"));
        assert_eq!(file.load().await, Ok(None));
        let problem = file.save(Bytes::new()).await.unwrap_err();
        assert_eq!(problem.code, Code::PlantMemory);
        assert!(problem.place.unwrap().ends_with("gone/assets.json"));
    }
}
