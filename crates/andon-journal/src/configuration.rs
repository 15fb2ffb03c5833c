//! Configuration as versioned documents: the texts of a scenario folder, exactly as written.

use andon_model::{Name, Problem, Severity, Timestamp};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::JournalError;

/// What a document configures; also its folder in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// `sources/<name>.toml`
    Source,
    /// `lookups/<name>.csv`
    Lookup,
    /// `decisions/<name>.toml`: which events, which table, lookups, test cases.
    Decision,
    /// `tables/<name>.json`: the JDM document.
    Table,
    /// `actions/<name>.toml`
    Action,
    /// `destinations/<name>.toml`
    Destination,
    /// `metadata/<name>.xml`: the `$metadata` of a service, named `<service>` or `<destination>.<service>`.
    Metadata,
    /// `models/<name>.toml`: an asset model, in the words of AWS IoT SiteWise.
    Model,
    /// `assets/<name>.toml`: assets that are there before any reading.
    Asset,
    /// `queries/<name>.toml`: a saved query with how its rows are drawn.
    Query,
}

impl DocumentKind {
    /// All kinds, in the order in which they are checked.
    pub const ALL: [Self; 10] = [
        Self::Destination,
        Self::Metadata,
        Self::Lookup,
        Self::Table,
        Self::Decision,
        Self::Action,
        Self::Model,
        Self::Asset,
        Self::Query,
        Self::Source,
    ];

    /// Folder in a scenario.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Source => "sources",
            Self::Lookup => "lookups",
            Self::Decision => "decisions",
            Self::Table => "tables",
            Self::Action => "actions",
            Self::Destination => "destinations",
            Self::Metadata => "metadata",
            Self::Model => "models",
            Self::Asset => "assets",
            Self::Query => "queries",
        }
    }

    /// File extension, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Lookup => "csv",
            Self::Table => "json",
            Self::Metadata => "xml",
            _ => "toml",
        }
    }

    /// The kind whose folder this is.
    pub fn from_folder(folder: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.folder() == folder)
    }
}

/// One configuration text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it configures.
    pub kind: DocumentKind,
    /// Its name: the file's stem.
    pub name: Name,
    /// The file's text, byte for byte.
    pub text: String,
}

impl Document {
    /// Path in a scenario folder.
    pub fn path(&self) -> String {
        format!("{}/{}.{}", self.kind.folder(), self.name, self.kind.extension())
    }
}

/// A document as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentVersion {
    /// The document.
    #[serde(flatten)]
    pub document: Document,
    /// Version of this document, counted from 1.
    pub version: i64,
    /// Revision in which this version came.
    pub revision: i64,
    /// Who brought it.
    pub author: String,
    /// When.
    pub at: Timestamp,
}

/// A change to one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Create or replace.
    Put(Document),
    /// Remove.
    Delete(DocumentKind, Name),
}

/// A revision of the whole configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionInfo {
    /// Its number, counted from 1.
    pub revision: i64,
    /// Who.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// How many documents it changed.
    pub documents: i64,
}

/// What an apply did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The revision now in force; unchanged when nothing differed.
    pub revision: i64,
    /// The documents that were created, replaced or removed.
    pub changed: Vec<String>,
}

/// What a check found in a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Refuse, or only warn.
    pub severity: Severity,
    /// What, where, and what to do. `place` starts with the document's path.
    #[serde(flatten)]
    pub problem: Problem,
}

impl Finding {
    /// A finding that refuses the document.
    pub fn error(problem: Problem) -> Self {
        Self { severity: Severity::Error, problem }
    }

    /// A finding that only warns.
    pub fn warning(problem: Problem) -> Self {
        Self { severity: Severity::Warning, problem }
    }
}

/// Checks documents of kinds that the engine does not know itself (sources, destinations).
pub trait DocumentCheck: Send + Sync {
    /// Checks one document on its own; empty when nothing was found.
    fn check(&self, document: &Document) -> Vec<Finding>;
}

/// Storage of configuration.
#[async_trait]
pub trait Configurations: Send + Sync {
    /// Stores changed documents as a new revision; documents with an unchanged text are left alone.
    async fn put(&self, changes: Vec<Change>, author: &str, at: Timestamp) -> Result<Applied, JournalError>;

    /// The newest revision; 0 when there is none.
    async fn newest_revision(&self) -> Result<i64, JournalError>;

    /// Every document as it was in `revision`, in order of kind and name.
    async fn documents_at(&self, revision: i64) -> Result<Vec<DocumentVersion>, JournalError>;

    /// All versions of one document, newest first.
    async fn history(&self, kind: DocumentKind, name: &Name) -> Result<Vec<DocumentVersion>, JournalError>;

    /// Revisions, newest first, at most `limit`.
    async fn revisions(&self, limit: usize) -> Result<Vec<RevisionInfo>, JournalError>;
}
