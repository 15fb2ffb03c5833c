//! A store under a process that dies.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

/// Writes pass until one is the last; from then on none does.
#[derive(Debug)]
pub(crate) struct DyingStore {
    inner: Arc<dyn ObjectStore>,
    writes: AtomicU64,
    /// The write that is the last, from 0.
    last: AtomicU64,
    /// Whether the last write is made, though nobody is told.
    is_made: bool,
}

impl DyingStore {
    pub(crate) fn new(inner: &Arc<dyn ObjectStore>, last: u64, is_made: bool) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(inner), writes: AtomicU64::new(0), last: AtomicU64::new(last), is_made })
    }

    /// Whether the process got that far.
    pub(crate) fn is_dead(&self) -> bool {
        self.writes.load(Ordering::SeqCst) > self.last.load(Ordering::SeqCst)
    }

    /// Writes pass again: it was not the process that died. Whether any had been refused.
    pub(crate) fn revive(&self) -> bool {
        let was_dead = self.is_dead();
        self.last.store(u64::MAX, Ordering::SeqCst);
        was_dead
    }
}

impl fmt::Display for DyingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dying")
    }
}

fn dead() -> object_store::Error {
    object_store::Error::Generic { store: "dying", source: "the process is dead".into() }
}

#[async_trait]
impl ObjectStore for DyingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let write = self.writes.fetch_add(1, Ordering::SeqCst);
        let last = self.last.load(Ordering::SeqCst);
        if write < last {
            return self.inner.put_opts(location, payload, options).await;
        }
        if write == last && self.is_made {
            self.inner.put_opts(location, payload, options).await?;
        }
        Err(dead())
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(dead())
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
