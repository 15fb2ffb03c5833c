//! The port `Configurations`.

use std::collections::BTreeMap;

use andon_journal::{
    Applied, Change, Configurations, Document, DocumentKind, DocumentVersion, JournalError, RevisionInfo,
};
use andon_model::{Name, Timestamp};
use async_trait::async_trait;

use super::MemoryJournal;
use super::state::State;

const READING: &str = "reading configuration";

#[async_trait]
impl Configurations for MemoryJournal {
    async fn put(&self, changes: Vec<Change>, author: &str, at: Timestamp) -> Result<Applied, JournalError> {
        self.write("storing configuration", |state| Ok(put(state, changes, author, at)))
    }

    async fn newest_revision(&self) -> Result<i64, JournalError> {
        Ok(newest_revision(&*self.read(READING)?))
    }

    async fn documents_at(&self, revision: i64) -> Result<Vec<DocumentVersion>, JournalError> {
        let state = self.read(READING)?;
        let until = state.documents.iter().filter(|(version, _)| version.revision <= revision);
        let newest: BTreeMap<(DocumentKind, &Name), &(DocumentVersion, bool)> =
            until.map(|entry| ((entry.0.document.kind, &entry.0.document.name), entry)).collect();
        Ok(newest.into_values().filter(|(_, removed)| !removed).map(|(version, _)| version.clone()).collect())
    }

    async fn history(&self, kind: DocumentKind, name: &Name) -> Result<Vec<DocumentVersion>, JournalError> {
        let state = self.read(READING)?;
        let of_document =
            state.documents.iter().rev().filter(|(version, removed)| {
                !removed && version.document.kind == kind && version.document.name == *name
            });
        Ok(of_document.map(|(version, _)| version.clone()).collect())
    }

    async fn revisions(&self, limit: usize) -> Result<Vec<RevisionInfo>, JournalError> {
        Ok(self.read(READING)?.revisions.iter().rev().take(limit).cloned().collect())
    }
}

fn newest_revision(state: &State) -> i64 {
    state.revisions.last().map_or(0, |info| info.revision)
}

fn put(state: &mut State, changes: Vec<Change>, author: &str, at: Timestamp) -> Applied {
    let newest = newest_revision(state);
    let revision = newest + 1;
    let mut paths: Vec<String> = Vec::new();
    for change in changes {
        let (document, removed) = match change {
            Change::Put(document) => (document, false),
            Change::Delete(kind, name) => (Document { kind, name, text: String::new() }, true),
        };
        let path = document.path();
        let stamp = DocumentVersion { document, version: 0, revision, author: author.to_owned(), at };
        if put_one(state, stamp, removed) && !paths.contains(&path) {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Applied { revision: newest, changed: paths };
    }
    let documents = i64::try_from(paths.len()).unwrap_or(i64::MAX);
    state.revisions.push(RevisionInfo { revision, author: author.to_owned(), at, documents });
    Applied { revision, changed: paths }
}

/// Stores one version, replacing one of the same revision; `false` when nothing differs.
fn put_one(state: &mut State, mut new: DocumentVersion, removed: bool) -> bool {
    let same = |version: &DocumentVersion| {
        version.document.kind == new.document.kind && version.document.name == new.document.name
    };
    let before = state.documents.iter().rposition(|(version, _)| same(version));
    let Some(place) = before else {
        new.version = 1;
        if !removed {
            state.documents.push((new, false));
        }
        return !removed;
    };
    let (old, was_removed) = &state.documents[place];
    if *was_removed == removed && (removed || old.document.text == new.document.text) {
        return false;
    }
    let again = old.revision == new.revision;
    let counts = !removed && (!again || *was_removed);
    new.version = old.version + i64::from(counts);
    if again {
        state.documents.remove(place);
    }
    state.documents.push((new, removed));
    true
}
