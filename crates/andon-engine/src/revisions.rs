//! Older revisions of the configuration, compiled: what a run is pinned to, and what a replay compares with.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_journal::JournalError;

use crate::catalog::Catalog;
use crate::engine::Shared;

/// Most revisions kept; the oldest gives way.
const KEPT: usize = 8;

/// The revisions asked for so far, each compiled once while it is kept.
#[derive(Default)]
pub(crate) struct Revisions {
    compiled: BTreeMap<i64, Arc<Catalog>>,
}

impl Revisions {
    /// The configuration as it was in `revision`.
    pub(crate) async fn at(&mut self, shared: &Shared, revision: i64) -> Result<Arc<Catalog>, JournalError> {
        let newest = shared.catalog();
        if newest.revision == revision {
            return Ok(newest);
        }
        if let Some(known) = self.compiled.get(&revision) {
            return Ok(known.clone());
        }
        let documents = shared.configurations.documents_at(revision).await?;
        let catalog = Arc::new(Catalog::compile(revision, &documents).0);
        while self.compiled.len() >= KEPT {
            self.compiled.pop_first();
        }
        self.compiled.insert(revision, catalog.clone());
        Ok(catalog)
    }
}
