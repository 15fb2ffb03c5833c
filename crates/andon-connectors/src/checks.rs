//! Checks of the documents that this crate understands, for `apply` and `check`.

use andon_journal::{Document, DocumentCheck, DocumentKind, Finding};

use crate::destination::DestinationSpec;
use crate::source::SourceSpec;

/// Checks sources and destinations; documents of other kinds pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConnectorChecks;

impl DocumentCheck for ConnectorChecks {
    fn check(&self, document: &Document) -> Vec<Finding> {
        let found = match document.kind {
            DocumentKind::Source => SourceSpec::parse(&document.name, &document.text).map(drop),
            DocumentKind::Destination => DestinationSpec::parse(&document.name, &document.text).map(drop),
            _ => Ok(()),
        };
        found.err().map(Finding::error).into_iter().collect()
    }
}
