//! The types check: whether an action fits the service that it is sent to, known from the service's `$metadata`.
//!
//! **Purpose.** A property that does not exist, a text that is too long, a number in quotes, a mandatory field that is
//! missing: SAP says so when an event has come and somebody waits. Here it is said when the configuration is saved,
//! with file, line, field and rule, and without a connection.
//!
//! **Constraints.** Pure: no I/O, no clock. What is unknown is not reported: a value of an event has any length. An
//! error is only what cannot work; what works for some events and not for others is a warning. A document is at most
//! 16 MiB; whatever it holds, reading it does not panic.
//!
//! **Life of a check.** `metadata/<service>.xml` is read into a tree (`tree`), then into the model (`build`,
//! `annotations`), and kept in [`Services`] by destination and service. An action is read as it is written, with the
//! place of every text (`written`). For each step [`check_types`] resolves the path (`check::path`), compares the
//! method with the set, walks the body member by member (`check::body`) and the texts that its templates give for
//! every row of the decision tables and lookups (`check::texts`).

mod annotations;
mod build;
mod check;
mod edm;
mod model;
mod services;
mod suggest;
mod tree;
mod written;

pub use check::{check_types, services_without_metadata};
pub use edm::Kind;
pub use model::{EntitySet, Format, Metadata, Navigation, Operation, Parameter, Property, Structure, Version};
pub use services::{Services, document_name};

/// Why a text is not the metadata of a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} column {column}: {what}")]
pub struct MetadataError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

impl MetadataError {
    /// At a byte offset of the document.
    fn at(document: &str, at: usize, what: impl Into<String>) -> Self {
        let before = &document[..document.floor_char_boundary(at.min(document.len()))];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Self { line, column, what: what.into() }
    }
}

impl Metadata {
    /// Reads an EDMX document, V2 or V4.
    ///
    /// # Errors
    /// When it is not well-formed XML, has no schema, or contradicts itself (a set of an unknown type, a key that is
    /// no property). Elements, attributes and annotations that are not known are passed over.
    pub fn parse(document: &str) -> Result<Self, MetadataError> {
        build::metadata(document, &tree::read(document)?)
    }
}
