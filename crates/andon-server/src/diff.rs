//! How two states of a document differ: unified diffs, for the history and before a change is applied.
//!
//! **Constraints.** A diff is for reading: it has at most [`MAX_DIFF_BYTES`], all of one answer together at most
//! [`MAX_DIFFS_BYTES`], and the search for the shortest one ends after [`MAX_SEARCH`]. After that the diff is still
//! right, only longer than it needs to be.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use andon_journal::{Change, Document, DocumentVersion};
use serde::Serialize;
use similar::TextDiff;

/// Most bytes of one diff.
pub(crate) const MAX_DIFF_BYTES: usize = 256 * 1024;
/// Most bytes of all diffs of one answer.
const MAX_DIFFS_BYTES: usize = 4 * 1024 * 1024;
/// Longest search for the shortest diff.
const MAX_SEARCH: Duration = Duration::from_millis(200);
/// What stands for a side that does not exist, as `diff` and `git` write it.
const NOTHING: &str = "/dev/null";

/// What becomes of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effect {
    Created,
    Replaced,
    Removed,
}

/// How two states of a document differ.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    path: String,
    effect: Effect,
    diff: String,
    cut: bool,
}

/// One state of a document.
#[derive(Debug)]
pub(crate) struct Side {
    label: String,
    text: String,
}

impl Side {
    /// A stored version.
    pub(crate) fn of_version(version: &DocumentVersion) -> Self {
        Self::stored(&version.document, version.version)
    }

    fn stored(document: &Document, version: i64) -> Self {
        Self { label: format!("{} version {version}", document.path()), text: document.text.clone() }
    }

    fn wanted(document: Document) -> Self {
        Self { label: format!("{} to be applied", document.path()), text: document.text }
    }
}

impl Difference {
    /// From `old` to `new`; a side that is `None` does not exist. The diff has at most `room` bytes.
    pub(crate) fn between(path: String, old: Option<&Side>, new: Option<&Side>, room: usize) -> Self {
        let effect = match (old, new) {
            (None, _) => Effect::Created,
            (_, None) => Effect::Removed,
            _ => Effect::Replaced,
        };
        let text = |side: Option<&Side>| side.map_or("", |side| side.text.as_str()).to_owned();
        let label = |side: Option<&Side>| side.map_or(NOTHING, |side| side.label.as_str()).to_owned();
        let (old_text, new_text) = (text(old), text(new));
        let diff = TextDiff::configure().timeout(MAX_SEARCH).diff_lines(old_text.as_str(), new_text.as_str());
        let mut room = Room { text: String::new(), left: room.min(MAX_DIFF_BYTES) };
        // The only error is that there is no more room.
        let cut = write!(room, "{}", diff.unified_diff().header(&label(old), &label(new))).is_err();
        Self { path, effect, diff: room.into_whole_lines(cut), cut }
    }
}

/// What changes would do to the documents that are there, in order of kind and name; the last change of a document
/// counts.
pub(crate) fn of_changes(present: &[DocumentVersion], changes: Vec<Change>) -> Vec<Difference> {
    let key = |document: &Document| (document.kind, document.name.clone());
    let present: BTreeMap<_, _> = present.iter().map(|version| (key(&version.document), version)).collect();
    let mut wanted = BTreeMap::new();
    for change in changes {
        match change {
            Change::Put(document) => wanted.insert(key(&document), Some(document)),
            Change::Delete(kind, name) => wanted.insert((kind, name), None),
        };
    }
    let mut left = MAX_DIFFS_BYTES;
    let mut differences = Vec::new();
    for (key, document) in wanted {
        let old = present.get(&key).copied();
        if old.map(|old| &old.document.text) == document.as_ref().map(|new| &new.text) {
            continue;
        }
        let path = old.map(|old| &old.document).or(document.as_ref()).map(Document::path).unwrap_or_default();
        let (old, new) = (old.map(Side::of_version), document.map(Side::wanted));
        let difference = Difference::between(path, old.as_ref(), new.as_ref(), left);
        left -= difference.diff.len();
        differences.push(difference);
    }
    differences
}

/// A text with a limit: what does not fit is an error.
struct Room {
    text: String,
    left: usize,
}

impl Room {
    /// The text; when it was cut, up to the last line that is whole.
    fn into_whole_lines(mut self, cut: bool) -> String {
        if cut {
            let end = self.text.rfind('\n').map_or(0, |at| at + 1);
            self.text.truncate(end);
        }
        self.text
    }
}

impl Write for Room {
    fn write_str(&mut self, part: &str) -> std::fmt::Result {
        let fits = part.floor_char_boundary(self.left);
        self.text.push_str(&part[..fits]);
        self.left -= fits;
        if fits < part.len() { Err(std::fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use andon_journal::DocumentKind;
    use andon_model::{Name, Timestamp};

    use super::*;

    fn document(name: &str, text: &str) -> Document {
        Document { kind: DocumentKind::Action, name: Name::new(name).unwrap(), text: text.into() }
    }

    fn stored(name: &str, text: &str) -> DocumentVersion {
        let (author, at) = ("x".to_owned(), Timestamp::default());
        DocumentVersion { document: document(name, text), version: 3, revision: 7, author, at }
    }

    fn check(old: Option<&str>, new: Option<&str>, effect: Effect, diff: &str) {
        let present: Vec<_> = old.map(|text| stored("a", text)).into_iter().collect();
        let change = match new {
            Some(text) => Change::Put(document("a", text)),
            None => Change::Delete(DocumentKind::Action, Name::new("a").unwrap()),
        };
        let found = of_changes(&present, vec![change]);
        let expected = Difference { path: "actions/a.toml".into(), effect, diff: diff.into(), cut: false };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn a_change_is_shown_with_its_surroundings() {
        check(
            Some("1\n2\n3\n4\n5\n6\n"),
            Some("1\n2\n3\n4\n5\nsix\n"),
            Effect::Replaced,
            "--- actions/a.toml version 3\n+++ actions/a.toml to be applied\n@@ -3,4 +3,4 @@\n 3\n 4\n 5\n-6\n+six\n",
        );
        let created = "--- /dev/null\n+++ actions/a.toml to be applied\n@@ -0,0 +1 @@\n+x\n";
        check(None, Some("x\n"), Effect::Created, created);
        let removed = "--- actions/a.toml version 3\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n";
        check(Some("x\n"), None, Effect::Removed, removed);
    }

    #[test]
    fn what_stays_is_not_mentioned() {
        let present = [stored("a", "x\n")];
        assert_eq!(of_changes(&present, vec![Change::Put(document("a", "x\n"))]), []);
        assert_eq!(of_changes(&[], vec![Change::Delete(DocumentKind::Action, Name::new("b").unwrap())]), []);
        let twice = vec![Change::Put(document("a", "y\n")), Change::Put(document("a", "x\n"))];
        assert_eq!(of_changes(&present, twice), [], "the last one counts");
    }

    #[test]
    fn diffs_end_at_their_limit() {
        let long = "ü".repeat(100) + "\n";
        let new: Vec<_> = (0..30).map(|i| Change::Put(document(&format!("d{i:02}"), &long.repeat(4_000)))).collect();
        let found = of_changes(&[], new);
        assert!(found[0].cut && found[0].diff.len() <= MAX_DIFF_BYTES && found[0].diff.ends_with("ü\n"));
        assert!(found.iter().map(|difference| difference.diff.len()).sum::<usize>() <= MAX_DIFFS_BYTES);
        assert_eq!((found.len(), found[29].diff.as_str(), found[29].cut), (30, "", true));
    }
}
