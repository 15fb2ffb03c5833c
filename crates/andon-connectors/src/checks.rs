//! Checks of the documents that this crate understands, for `apply` and `check`.

use andon_journal::{Document, DocumentCheck, DocumentKind, Finding};
use andon_model::{Code, Problem};

use crate::destination::DestinationSpec;
use crate::metadata::Metadata;
use crate::source::SourceSpec;

/// Checks sources, destinations and metadata; documents of other kinds pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConnectorChecks;

impl DocumentCheck for ConnectorChecks {
    fn check(&self, document: &Document) -> Vec<Finding> {
        let found = match document.kind {
            DocumentKind::Source => SourceSpec::parse(&document.name, &document.text).map(drop),
            DocumentKind::Destination => DestinationSpec::parse(&document.name, &document.text).map(drop),
            DocumentKind::Metadata => metadata(document),
            _ => Ok(()),
        };
        found.err().map(Finding::error).into_iter().collect()
    }
}

fn metadata(document: &Document) -> Result<(), Problem> {
    let read = Metadata::parse(&document.text).map(drop);
    read.map_err(|error| {
        let place = format!("{} line {} column {}", document.path(), error.line, error.column);
        Problem::new(Code::ConfigurationSyntax, error.what).at(place)
    })
}
