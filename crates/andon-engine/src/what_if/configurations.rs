//! The compiled configurations of a replay, kept from page to page.
//!
//! A lookup may have half a million rows, and compiling it takes longer than many a page: what one page has compiled the
//! next one finds here. It is let go with the last page, or when other changes are asked about; a replay that is broken
//! off is kept until then, once.

use std::sync::Arc;

use andon_journal::Change;

use crate::catalog::Catalog;
use crate::engine::Shared;
use crate::revisions::Revisions;
use crate::{ApplyError, configure};

/// What the pages so far have compiled.
#[derive(Default)]
pub(crate) struct Compiled {
    tried: Option<Tried>,
    /// Older ones, for `Against::Recorded`.
    pub(super) revisions: Revisions,
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
}
