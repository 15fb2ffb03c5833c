//! Closed segments in an object store, packed.
//!
//! **Constraints.** An object has the path of its segment and an ending that tells the packing. A segment counts as
//! archived when the object was read back, unpacked, and found to be the same bytes. Of one that was damaged later, readers
//! get what can be unpacked: each line has a checksum of its own.

mod packing;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

pub use packing::Packing;

use super::segment::{RAW, SegmentPlace};

/// Largest segment that is unpacked, in bytes; segments are closed far below.
const MAX_UNPACKED_BYTES: u64 = 1 << 30;

/// Why the archive could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The object store refuses, or cannot be reached.
    #[error("{path}: {cause}")]
    Store {
        /// The object, or the folder that was listed.
        path: String,
        /// The store's own words.
        cause: object_store::Error,
    },
    /// A segment cannot be packed.
    #[error("{path} cannot be packed: {cause}")]
    Packing {
        /// The object.
        path: String,
        /// What the packing says.
        cause: std::io::Error,
    },
    /// What was read back is not what was written.
    #[error("{path} was written, and reads back with other bytes")]
    Differs {
        /// The object.
        path: String,
    },
    /// The segment could not be read from the log's folder, or not removed from it.
    #[error("{path}: {cause}")]
    Local {
        /// The segment's file.
        path: String,
        /// The system's own words.
        cause: std::io::Error,
    },
}

/// The lines of a segment, as far as they can be unpacked.
#[derive(Debug, Clone)]
pub(crate) struct Unpacked {
    /// They.
    pub(crate) lines: Bytes,
    /// Why there are no more of them, or some are not those that were packed.
    pub(crate) fault: Option<String>,
}

/// An object store, and how segments are packed for it.
#[derive(Debug, Clone)]
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    /// Path below which the segments lie.
    root: Path,
    packing: Packing,
}

impl Archive {
    /// Segments go below `root`, which may be empty.
    pub fn new(store: Arc<dyn ObjectStore>, root: &str, packing: Packing) -> Self {
        Self { store, root: Path::from(root), packing }
    }

    /// Every segment that is there, in whichever packing, in order.
    pub async fn list(&self) -> Result<Vec<(SegmentPlace, Packing)>, ArchiveError> {
        let folder = self.object(RAW);
        let mut objects = self.store.list(Some(&folder));
        let mut found = Vec::new();
        while let Some(object) = objects.next().await {
            let object = object.map_err(store_failed(&folder))?;
            found.extend(self.parse(&object.location));
        }
        found.sort_by_key(|(place, _)| place.id);
        Ok(found)
    }

    /// Packs `lines` and writes them as the segment at `place`; the object is read back and compared.
    pub(crate) async fn put(&self, place: SegmentPlace, lines: &Bytes) -> Result<u64, ArchiveError> {
        let object = self.object(&place.path(self.packing.ending()));
        let (packing, copy) = (self.packing, lines.clone());
        let packed = tokio::task::spawn_blocking(move || packing.pack(&copy)).await;
        let packed = packed.unwrap_or_else(|e| Err(e.into())).map_err(packing_failed(&object))?;
        let bytes = packed.len() as u64;
        self.store.put(&object, packed.into()).await.map_err(store_failed(&object))?;
        let Unpacked { lines: there, fault } = self.fetch(place, self.packing).await?;
        if fault.is_none() && there == lines {
            return Ok(bytes);
        }
        Err(ArchiveError::Differs { path: object.to_string() })
    }

    /// The lines of a segment. An object that is damaged is no error, since it would be the same for ever.
    pub(crate) async fn fetch(&self, place: SegmentPlace, packing: Packing) -> Result<Unpacked, ArchiveError> {
        let object = self.object(&place.path(packing.ending()));
        let answer = self.store.get(&object).await.map_err(store_failed(&object))?;
        let packed = answer.bytes().await.map_err(store_failed(&object))?;
        let unpacked = tokio::task::spawn_blocking(move || packing.unpack(&packed, MAX_UNPACKED_BYTES)).await;
        let (lines, done) = unpacked.map_err(|e| packing_failed(&object)(e.into()))?;
        let fault = match done {
            Err(cause) => Some(format!("{object} cannot be unpacked: {cause}")),
            // Segments without lines are not moved.
            Ok(()) => lines.is_empty().then(|| format!("{object} is empty")),
        };
        Ok(Unpacked { lines: lines.into(), fault })
    }

    /// Removes a segment; fine if it is gone.
    pub(crate) async fn remove(&self, place: SegmentPlace, packing: Packing) -> Result<(), ArchiveError> {
        let object = self.object(&place.path(packing.ending()));
        match self.store.delete(&object).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            done => done.map_err(store_failed(&object)),
        }
    }

    /// How this archive packs.
    pub(crate) const fn packing(&self) -> Packing {
        self.packing
    }

    fn object(&self, path: &str) -> Path {
        path.split('/').fold(self.root.clone(), Path::join)
    }

    fn parse(&self, object: &Path) -> Option<(SegmentPlace, Packing)> {
        let path = object.as_ref().strip_prefix(self.root.as_ref())?.trim_start_matches('/');
        Packing::ALL.into_iter().find_map(|packing| Some((SegmentPlace::parse(path, packing.ending())?, packing)))
    }
}

fn store_failed(path: &Path) -> impl Fn(object_store::Error) -> ArchiveError {
    move |cause| ArchiveError::Store { path: path.to_string(), cause }
}

fn packing_failed(path: &Path) -> impl Fn(std::io::Error) -> ArchiveError {
    move |cause| ArchiveError::Packing { path: path.to_string(), cause }
}
