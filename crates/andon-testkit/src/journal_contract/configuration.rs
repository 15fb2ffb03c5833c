//! Promises of `Configurations`.

use andon_journal::{Applied, Change, Configurations, Document, DocumentKind};

use super::Fixture;
use super::samples::{at, name};

fn document(kind: DocumentKind, text: &str) -> Change {
    Change::Put(Document { kind, name: name("sample"), text: text.to_owned() })
}

fn action(text: &str) -> Change {
    document(DocumentKind::Action, text)
}

async fn put(store: &impl Configurations, changes: Vec<Change>) -> Applied {
    store.put(changes, "ada", at(4)).await.expect("stored")
}

/// Applying the same folder again changes nothing, and neither does removing what is not there.
pub async fn unchanged_text_makes_no_revision(fixture: &impl Fixture) {
    let store = fixture.open().await;
    assert_eq!(store.newest_revision().await.expect("read"), 0);
    let first = put(&store, vec![action("a"), document(DocumentKind::Source, "s")]).await;
    let changed = vec!["actions/sample.toml".to_owned(), "sources/sample.toml".to_owned()];
    assert_eq!(first, Applied { revision: 1, changed });
    let nothing = Applied { revision: 1, changed: vec![] };
    assert_eq!(put(&store, vec![action("a")]).await, nothing);
    assert_eq!(put(&store, vec![Change::Delete(DocumentKind::Table, name("sample"))]).await, nothing);
    let second = put(&store, vec![action("b"), document(DocumentKind::Source, "s")]).await;
    assert_eq!(second, Applied { revision: 2, changed: vec!["actions/sample.toml".to_owned()] });
    assert_eq!(store.newest_revision().await.expect("read"), 2);
}

/// A run is pinned to a revision: that revision stays readable.
pub async fn every_revision_can_be_read_again(fixture: &impl Fixture) {
    let store = fixture.open().await;
    put(&store, vec![document(DocumentKind::Table, "t1"), action("a1"), document(DocumentKind::Source, "s1")]).await;
    put(&store, vec![action("a2")]).await;
    put(&store, vec![Change::Delete(DocumentKind::Table, name("sample")), document(DocumentKind::Lookup, "l1")]).await;
    for (revision, expected) in
        [(0, vec![]), (1, vec!["s1", "t1", "a1"]), (2, vec!["s1", "t1", "a2"]), (3, vec!["s1", "l1", "a2"])]
    {
        let found = store.documents_at(revision).await.expect("read");
        let texts: Vec<_> = found.iter().map(|version| version.document.text.as_str()).collect();
        assert_eq!(texts, expected, "revision {revision}");
    }
    let revisions = store.revisions(2).await.expect("read");
    let seen: Vec<_> =
        revisions.iter().map(|info| (info.revision, info.documents, info.author.as_str(), info.at)).collect();
    assert_eq!(seen, [(3, 2, "ada", at(4)), (2, 1, "ada", at(4))]);
}

/// Versions count per document; unchanged revisions do not count.
pub async fn history_lists_versions_newest_first(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for text in ["a1", "a1", "a2", "a3"] {
        put(&store, vec![action(text)]).await;
    }
    put(&store, vec![document(DocumentKind::Source, "s1")]).await;
    let history = store.history(DocumentKind::Action, &name("sample")).await.expect("read");
    let seen: Vec<_> = history.iter().map(|v| (v.version, v.revision, v.document.text.as_str(), v.at)).collect();
    assert_eq!(seen, [(3, 3, "a3", at(4)), (2, 2, "a2", at(4)), (1, 1, "a1", at(4))]);
    assert_eq!(store.history(DocumentKind::Action, &name("other")).await.expect("read"), []);
}

/// The last word of one apply counts, and versions are never given twice.
pub async fn a_removed_document_comes_back_with_the_next_version(fixture: &impl Fixture) {
    let store = fixture.open().await;
    put(&store, vec![action("a0"), action("a1")]).await;
    let removed = put(&store, vec![Change::Delete(DocumentKind::Action, name("sample"))]).await;
    assert_eq!(removed, Applied { revision: 2, changed: vec!["actions/sample.toml".to_owned()] });
    assert_eq!(store.documents_at(2).await.expect("read"), []);
    put(&store, vec![action("a1")]).await;
    let history = store.history(DocumentKind::Action, &name("sample")).await.expect("read");
    let seen: Vec<_> = history.iter().map(|v| (v.version, v.revision, v.document.text.as_str())).collect();
    assert_eq!(seen, [(2, 3, "a1"), (1, 1, "a1")]);
}

/// A lookup may be large, and text may hold anything.
pub async fn text_is_kept_byte_for_byte(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for text in ["", "\u{feff}a = 1\r\n\t# \0 \u{1a}0\n\n", &"key,wert\n".repeat(300_000)] {
        put(&store, vec![document(DocumentKind::Lookup, "other"), document(DocumentKind::Lookup, text)]).await;
        let found = store.documents_at(i64::MAX).await.expect("read");
        assert!(found[0].document.text == text, "{:?} came back changed", text.chars().take(20).collect::<String>());
    }
}
