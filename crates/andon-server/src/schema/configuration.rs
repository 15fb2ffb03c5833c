//! Configuration as versioned documents.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Finding;

/// What a document configures.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// `sources/<name>.toml`
    Source,
    /// `lookups/<name>.csv`
    Lookup,
    /// `decisions/<name>.toml`
    Decision,
    /// `tables/<name>.json`
    Table,
    /// `actions/<name>.toml`
    Action,
    /// `destinations/<name>.toml`
    Destination,
    /// `metadata/<name>.xml`
    Metadata,
    /// `models/<name>.toml`
    Model,
    /// `assets/<name>.toml`
    Asset,
    /// `queries/<name>.toml`
    Query,
}

/// One configuration text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Document {
    /// What it configures.
    pub kind: DocumentKind,
    /// Its name: the file's stem.
    pub name: String,
    /// The file's text, byte for byte.
    pub text: String,
}

/// A document as it is stored.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DocumentVersion {
    /// The document.
    #[serde(flatten)]
    pub document: Document,
    /// Version of this document, counted from 1.
    pub version: i64,
    /// Revision in which this version came.
    pub revision: i64,
    /// Who brought it: the name of a token.
    pub author: String,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
}

/// The documents of one revision.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Configuration {
    /// The revision.
    pub revision: i64,
    /// Its documents.
    pub documents: Vec<DocumentVersion>,
}

/// A revision of the whole configuration.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Revision {
    /// Its number, counted from 1.
    pub revision: i64,
    /// Who.
    pub author: String,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// How many documents it changed.
    pub documents: i64,
}

/// A change as a whole: all of it or nothing.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// Its parts.
    pub changes: Vec<Change>,
}

/// A change to one document.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Create or replace.
    Put(Document),
    /// Remove.
    Delete(DeletedDocument),
}

/// A document that goes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeletedDocument {
    /// What it configures.
    pub kind: DocumentKind,
    /// Its name.
    pub name: String,
}

/// What a check found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Checked {
    /// Errors and warnings; empty when all is well.
    pub findings: Vec<Finding>,
    /// The documents that would differ from the newest revision, and how.
    pub changes: Vec<Difference>,
}

/// What becomes of a document.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// There was none of this kind and name.
    Created,
    /// Its text is another.
    Replaced,
    /// It goes.
    Removed,
}

/// How two states of a document differ.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// The document, as its path in a scenario folder.
    #[schema(example = "actions/create-notification.toml")]
    pub path: String,
    /// What becomes of it from the first state to the second.
    pub effect: Effect,
    /// Unified diff with three lines of context; empty when there is no room for it.
    pub diff: String,
    /// Whether the diff ends before its end.
    pub cut: bool,
}

/// What an apply did.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Applied {
    /// The revision now in force; unchanged when nothing differed.
    pub revision: i64,
    /// Paths of the documents that differ from before.
    pub changed: Vec<String>,
    /// Warnings.
    pub findings: Vec<Finding>,
}
