//! The compiled configurations of a replay, kept from page to page.
//!
//! A lookup may have half a million rows, and compiling it takes longer than many a page: what one page has compiled the
//! next one finds here. It is let go with the last page, or when other changes are asked about; a replay that is broken
//! off is kept until then, once.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_journal::{Change, JournalError};

use crate::catalog::Catalog;
use crate::engine::Shared;
use crate::{ApplyError, configure};

/// Compiled revisions kept for `Against::Recorded`.
const MAX_REVISIONS: usize = 8;

/// What the pages so far have compiled.
#[derive(Default)]
pub(crate) struct Compiled {
    tried: Option<Tried>,
    revisions: BTreeMap<i64, Arc<Catalog>>,
}

/// The changed configuration, with what it was made of.
struct Tried {
    changes: Vec<Change>,
    revision: i64,
    catalog: Arc<Catalog>,
}

impl Compiled {
    /// The configuration in force, and the same with changes made.
    pub(super) async fn pair(
        &mut self,
        shared: &Shared,
        changes: &[Change],
    ) -> Result<(Arc<Catalog>, Arc<Catalog>), ApplyError> {
        let current = shared.catalog();
        let known = |tried: &&Tried| tried.revision == current.revision && tried.changes == changes;
        if let Some(tried) = self.tried.as_ref().filter(known) {
            return Ok((current, tried.catalog.clone()));
        }
        self.tried = None;
        let (current, catalog) = configure::with_changes(shared, changes.to_vec()).await?;
        self.tried = Some(Tried { changes: changes.to_vec(), revision: current.revision, catalog: catalog.clone() });
        Ok((current, catalog))
    }

    /// An older revision.
    pub(super) async fn at(&mut self, shared: &Shared, revision: i64) -> Result<Arc<Catalog>, JournalError> {
        if let Some(known) = self.revisions.get(&revision) {
            return Ok(known.clone());
        }
        let documents = shared.configurations.documents_at(revision).await?;
        let catalog = Arc::new(Catalog::compile(revision, &documents).0);
        while self.revisions.len() >= MAX_REVISIONS {
            self.revisions.pop_first();
        }
        self.revisions.insert(revision, catalog.clone());
        Ok(catalog)
    }
}
