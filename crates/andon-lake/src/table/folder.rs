//! A local folder as an object store, durable.
//!
//! **Constraints.** When a call that writes returns, bytes and names survive power loss. An object is there as a whole
//! or not at all: it is written under another name, made durable, and then linked (invariant J3). Only one process
//! writes; what it left half-done is removed at the next start.

use std::fmt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, RenameTargetMode, Result, UploadPart,
};

/// Where objects wait until they are complete.
const WAITING: &str = "_andon/waiting";

/// A folder whose objects survive power loss.
#[derive(Debug)]
pub struct SyncedFolder {
    inner: Arc<LocalFileSystem>,
    root: Arc<PathBuf>,
    /// Names of waiting objects.
    next: AtomicU64,
}

impl SyncedFolder {
    /// Opens `root`, makes it if it is not there, and removes what the last process left half-done.
    pub fn open(root: &FilePath) -> std::io::Result<Self> {
        let waiting = root.join(WAITING);
        if waiting.exists() {
            std::fs::remove_dir_all(&waiting)?;
        }
        std::fs::create_dir_all(&waiting)?;
        let root = root.canonicalize()?;
        let inner = LocalFileSystem::new_with_prefix(&root).map_err(std::io::Error::other)?;
        Ok(Self { inner: Arc::new(inner), root: Arc::new(root), next: AtomicU64::new(0) })
    }

    fn waiting(&self) -> Path {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Path::from(format!("{WAITING}/{number}"))
    }
}

impl fmt::Display for SyncedFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root.display())
    }
}

/// In order of the paths, as buckets list: Delta Lake counts on it wherever the address is not that of a file.
fn sorted(found: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    let all = async {
        let mut all: Vec<ObjectMeta> = found.try_collect().await?;
        all.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        Ok::<_, object_store::Error>(stream::iter(all.into_iter().map(Ok)))
    };
    stream::once(all).try_flatten().boxed()
}

/// Makes the bytes of the file at `path` durable.
async fn sync_file(path: PathBuf) -> Result<()> {
    blocking(move || std::fs::File::open(path)?.sync_all()).await
}

/// Makes the names durable that lead from `root` to the file at `path`.
async fn sync_names(root: Arc<PathBuf>, path: PathBuf) -> Result<()> {
    blocking(move || {
        for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(root.as_path())) {
            std::fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    })
    .await
}

async fn blocking(work: impl FnOnce() -> std::io::Result<()> + Send + 'static) -> Result<()> {
    let failed = |source: std::io::Error| object_store::Error::Generic { store: "folder", source: source.into() };
    tokio::task::spawn_blocking(work).await.map_err(|e| failed(e.into()))?.map_err(failed)
}

#[async_trait]
impl ObjectStore for SyncedFolder {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let target_mode = match options.mode {
            PutMode::Overwrite => RenameTargetMode::Overwrite,
            PutMode::Create => RenameTargetMode::Create,
            PutMode::Update(_) => return self.inner.put_opts(location, payload, options).await,
        };
        let waiting = self.waiting();
        let done = self.inner.put_opts(&waiting, payload, PutOptions::default()).await?;
        sync_file(self.inner.path_to_filesystem(&waiting)?).await?;
        let renamed = RenameOptions { target_mode, ..RenameOptions::default() };
        if let Err(e) = self.inner.rename_opts(&waiting, location, renamed).await {
            let _ = tokio::fs::remove_file(self.inner.path_to_filesystem(&waiting)?).await;
            return Err(e);
        }
        sync_names(Arc::clone(&self.root), self.inner.path_to_filesystem(location)?).await?;
        Ok(done)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.inner.put_multipart_opts(location, options).await?;
        let path = self.inner.path_to_filesystem(location)?;
        Ok(Box::new(SyncedUpload { upload, root: Arc::clone(&self.root), path }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await?;
        sync_names(Arc::clone(&self.root), self.inner.path_to_filesystem(to)?).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await?;
        sync_names(Arc::clone(&self.root), self.inner.path_to_filesystem(to)?).await
    }
}

/// A large object that comes in parts: nobody reads it before the log names it, which is after this.
#[derive(Debug)]
struct SyncedUpload {
    upload: Box<dyn MultipartUpload>,
    root: Arc<PathBuf>,
    path: PathBuf,
}

#[async_trait]
impl MultipartUpload for SyncedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let done = self.upload.complete().await?;
        sync_file(self.path.clone()).await?;
        sync_names(Arc::clone(&self.root), self.path.clone()).await?;
        Ok(done)
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}
