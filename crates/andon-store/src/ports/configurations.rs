//! The port `Configurations`: every document of every revision.

use andon_journal::{
    Applied, Change, Configurations, Document, DocumentKind, DocumentVersion, JournalError, RevisionInfo,
};
use andon_model::{Name, Timestamp};
use async_trait::async_trait;
use sqlx::{FromRow, query, query_as, query_scalar};

use super::{name, rows_to_fetch};
use crate::SqlStore;
use crate::database::Write;
use crate::error::{Fault, corrupt, reading};
use crate::head::count;
use crate::text::{escape, unescape};

const WRITING: &str = "storing configuration";
const READING: &str = "reading configuration";
const NEWEST: &str = "SELECT COALESCE(MAX(revision), 0) FROM revisions";

#[async_trait]
impl Configurations for SqlStore {
    async fn put(&self, changes: Vec<Change>, author: &str, at: Timestamp) -> Result<Applied, JournalError> {
        let mut write = self.db.begin().await.map_err(reading(WRITING))?;
        let result = put(&mut write, changes, author, at).await;
        write.end(result, WRITING).await
    }

    async fn newest_revision(&self) -> Result<i64, JournalError> {
        query_scalar(NEWEST).fetch_one(self.db.readers()).await.map_err(reading(READING))
    }

    async fn documents_at(&self, revision: i64) -> Result<Vec<DocumentVersion>, JournalError> {
        let sql = "SELECT d.kind, d.name, d.body, d.version, d.revision, r.author, r.at FROM documents d \
             JOIN revisions r ON r.revision = d.revision WHERE d.removed = 0 AND d.revision = \
             (SELECT MAX(x.revision) FROM documents x WHERE x.kind = d.kind AND x.name = d.name AND x.revision <= $1)";
        let rows = query_as(sql).bind(revision).fetch_all(self.db.readers()).await;
        let mut documents = into_versions(rows.map_err(reading(READING))?)?;
        documents
            .sort_unstable_by(|a, b| (a.document.kind, &a.document.name).cmp(&(b.document.kind, &b.document.name)));
        Ok(documents)
    }

    async fn history(&self, kind: DocumentKind, name: &Name) -> Result<Vec<DocumentVersion>, JournalError> {
        let sql = "SELECT d.kind, d.name, d.body, d.version, d.revision, r.author, r.at FROM documents d \
             JOIN revisions r ON r.revision = d.revision WHERE d.removed = 0 AND d.kind = $1 AND d.name = $2 \
             ORDER BY d.revision DESC";
        let rows = query_as(sql).bind(kind.folder()).bind(name.as_str()).fetch_all(self.db.readers()).await;
        into_versions(rows.map_err(reading(READING))?)
    }

    async fn revisions(&self, limit: usize) -> Result<Vec<RevisionInfo>, JournalError> {
        let sql = "SELECT revision, author, at, documents FROM revisions ORDER BY revision DESC LIMIT $1";
        let query = query_as(sql).bind(rows_to_fetch(limit) - 1);
        let rows: Vec<(i64, String, i64, i64)> = query.fetch_all(self.db.readers()).await.map_err(reading(READING))?;
        let info = |(revision, author, at, documents)| RevisionInfo {
            revision,
            author: unescape(author),
            at: Timestamp::from_micros(at),
            documents,
        };
        Ok(rows.into_iter().map(info).collect())
    }
}

/// The newest row of a document, inside a transaction.
#[derive(FromRow)]
struct Newest {
    revision: i64,
    version: i64,
    removed: i64,
    body: String,
}

/// Writes what differs under the next revision, if anything does.
async fn put(write: &mut Write<'_>, changes: Vec<Change>, author: &str, at: Timestamp) -> Result<Applied, Fault> {
    let newest: i64 = query_scalar(NEWEST).fetch_one(&mut write.connection).await?;
    let revision = newest + 1;
    let mut paths: Vec<String> = Vec::new();
    for change in changes {
        if let Some(path) = put_one(write, change, revision).await?
            && !paths.contains(&path)
        {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Ok(Applied { revision: newest, changed: paths });
    }
    let insert = query("INSERT INTO revisions (revision, author, at, documents) VALUES ($1, $2, $3, $4)");
    let insert = insert.bind(revision).bind(escape(author).into_owned()).bind(at.as_micros());
    let documents = count(paths.len());
    insert.bind(documents).execute(&mut write.connection).await?;
    Ok(Applied { revision, changed: paths })
}

/// The document's path if it changed.
async fn put_one(write: &mut Write<'_>, change: Change, revision: i64) -> Result<Option<String>, Fault> {
    let (document, removed) = match change {
        Change::Put(document) => (document, 0),
        Change::Delete(kind, name) => (Document { kind, name, text: String::new() }, 1),
    };
    let body = escape(&document.text).into_owned();
    let before = newest(write, &document).await?;
    let unchanged = match &before {
        None => removed == 1,
        Some(before) => before.removed == removed && before.body == body,
    };
    if unchanged {
        return Ok(None);
    }
    // A removal keeps the version, and so does a second change within the same revision.
    let keeps = removed == 1 || before.as_ref().is_some_and(|b| b.revision == revision && b.removed == 0);
    let version = before.map_or(0, |before| before.version) + i64::from(!keeps);
    let sql = "INSERT INTO documents (kind, name, revision, version, removed, body) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (kind, name, revision) DO UPDATE SET version = excluded.version, removed = excluded.removed, \
         body = excluded.body";
    let upsert = query(sql).bind(document.kind.folder()).bind(document.name.as_str()).bind(revision);
    upsert.bind(version).bind(removed).bind(body).execute(&mut write.connection).await?;
    Ok(Some(document.path()))
}

async fn newest(write: &mut Write<'_>, document: &Document) -> Result<Option<Newest>, sqlx::Error> {
    let sql = "SELECT revision, version, removed, body FROM documents WHERE kind = $1 AND name = $2 \
         ORDER BY revision DESC LIMIT 1";
    let query = query_as(sql).bind(document.kind.folder()).bind(document.name.as_str());
    query.fetch_optional(&mut write.connection).await
}

#[derive(FromRow)]
struct DocumentRecord {
    kind: String,
    name: String,
    body: String,
    version: i64,
    revision: i64,
    author: String,
    at: i64,
}

fn into_versions(records: Vec<DocumentRecord>) -> Result<Vec<DocumentVersion>, JournalError> {
    records.into_iter().map(DocumentRecord::into_version).collect()
}

impl DocumentRecord {
    fn into_version(self) -> Result<DocumentVersion, JournalError> {
        let kind = DocumentKind::from_folder(&self.kind);
        let kind = kind.ok_or_else(|| corrupt(format!("document {}", self.name), &"its kind is not known"))?;
        Ok(DocumentVersion {
            document: Document { kind, name: name(&self.name)?, text: unescape(self.body) },
            version: self.version,
            revision: self.revision,
            author: unescape(self.author),
            at: Timestamp::from_micros(self.at),
        })
    }
}
