//! Bucket sources: a prefix of an object store as a stream of events.
//!
//! **Constraints.** What has been read is kept as marks `(path, version)` in the journal, written in the
//! same transaction as the events, so a restart neither repeats nor skips an object (invariants J3, J4).
//! The version is the `ETag` in S3 and `<mtime in microseconds>-<size>` in a folder; a file that grows is
//! read again, and its decoder gives the old lines their old ids. One object that cannot be named, read or
//! decoded never stops the objects behind it: what cannot be decoded, or read at all because of its name,
//! goes to quarantine; what cannot be read now waits for itself ([`postponed`]).
//!
//! **Life of an object.** A listing finds it; the journal says that its version is new; it waits in the
//! queue, oldest first; it is read (at most `max_object_bytes`) and decoded in parts; its mark travels
//! with its last events; after [`andon_journal::Source::acknowledge`] it is forgotten here. Where the decoder's
//! results have pictures, each is read with its result and attached to the event; a result whose picture is
//! not there yet is left for a later listing, until its time to wait is over.

mod folder;
mod keys;
mod listing;
mod object;
mod picture;
mod postponed;
mod pump;
mod store;

use std::path::PathBuf;
use std::sync::Arc;

use andon_journal::{Decoded, Delivery, ObjectReader, Secrets, SourceError};
use andon_model::{Name, Problem, Timestamp};
use async_trait::async_trait;
use object_store::ObjectStore;
use tokio::sync::OnceCell;

pub use pump::BucketSource;

use crate::source::{BucketSpec, Location};
use keys::OddKeys;
use object::Fetched;
use picture::{Pictured, Waiting};

/// The folder or bucket of one source; opened when it is first used.
pub struct Bucket {
    source: Name,
    spec: BucketSpec,
    data_folder: PathBuf,
    secrets: Arc<dyn Secrets>,
    store: OnceCell<Arc<dyn ObjectStore>>,
    waiting: Waiting,
    /// Objects of a listing under way whose keys the client of the store cannot name.
    odd: Arc<OddKeys>,
}

impl Bucket {
    /// The bucket of `source`; relative folders stand in `data_folder`.
    pub fn new(
        source: Name,
        spec: BucketSpec,
        data_folder: impl Into<PathBuf>,
        secrets: Arc<dyn Secrets>,
    ) -> Arc<Self> {
        let (data_folder, store) = (data_folder.into(), OnceCell::new());
        Arc::new(Self { source, spec, data_folder, secrets, store, waiting: Waiting::default(), odd: Arc::default() })
    }

    /// The folder of a local source.
    fn folder(&self) -> PathBuf {
        match &self.spec.location {
            Location::Folder(folder) => self.data_folder.join(folder),
            Location::S3(_) => PathBuf::new(),
        }
    }

    /// The open store. A failure is not kept: the next call tries again.
    async fn store(&self) -> Result<&Arc<dyn ObjectStore>, Problem> {
        let open = || store::open(&self.spec.location, self.folder(), self.secrets.as_ref(), &self.odd);
        self.store.get_or_try_init(open).await
    }
}

#[async_trait]
impl ObjectReader for Bucket {
    async fn read(&self, path: &str) -> Result<Option<Delivery>, SourceError> {
        if !listing::is_wanted(&self.spec, path) {
            return Ok(None);
        }
        match self.fetch(path).await.map_err(SourceError)? {
            Fetched::Object(delivery) => Ok(Some(delivery)),
            Fetched::TooLarge(_, problem) | Fetched::Unnameable(problem) => Err(SourceError(problem)),
            Fetched::Gone => Ok(None),
        }
    }

    async fn attach(&self, object: &Delivery, decoded: Decoded, now: Timestamp) -> Result<Decoded, SourceError> {
        let not_yet = |path: String| {
            let what = format!("the picture {path} is not there yet, try again in a few seconds");
            SourceError(self.failed(&object.path, &what))
        };
        match self.pictured(object, decoded, now).await.map_err(SourceError)? {
            Pictured::Done(decoded) => Ok(decoded),
            Pictured::NotYet(path) => Err(not_yet(path)),
            Pictured::Without(problem) => {
                Ok(Decoded { faults: vec![(problem, object.body.clone())], ..Decoded::default() })
            }
        }
    }
}

#[cfg(test)]
mod tests;
