//! Which secrets sources and destinations name, and which of them are not there.
//!
//! A secret may be stored after the configuration that names it, so a missing one is a warning. What is looked for:
//! tables `{ secret = "…" }`, `{ env = "…" }` and `{ file = "…" }`, wherever they stand, and `hmac_secret` of sources.
//! Only the names are read, never the texts (invariant K1).

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use andon_journal::{Document, DocumentKind, Finding};
use andon_model::{Code, Name, Problem};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Members that may stand beside the place of a secret.
const BESIDE: [&str; 3] = ["key", "region", "endpoint"];
/// Tables of texts that are sent as they are.
const TEXTS: [&str; 2] = ["query", "headers"];
/// Deepest nesting that is looked into.
const MAX_DEPTH: usize = 16;

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kept {
    /// With Andon, encrypted.
    Stored(String),
    /// In an environment variable of the server.
    Env(String),
    /// In a file of the server's machine.
    File(PathBuf),
}

/// A place in a document that names a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need {
    /// Where the secret is kept.
    pub(crate) kept: Kept,
    /// File, line and column.
    pub(crate) place: String,
}

/// Every secret that sources and destinations name, in their order. Documents that are no TOML name none: they have
/// another fault, which is told elsewhere.
pub(crate) fn named(documents: &[Document]) -> Vec<Need> {
    let kinds = [DocumentKind::Source, DocumentKind::Destination];
    documents.iter().filter(|document| kinds.contains(&document.kind)).flat_map(named_in).collect()
}

/// A warning for every secret that is not there; `stored` are the names of those that Andon keeps.
pub(super) fn missing(documents: &[Document], stored: &BTreeSet<Name>) -> Vec<Finding> {
    let gone = named(documents).into_iter().filter(|need| !need.kept.is_there(stored));
    gone.map(|need| Finding::warning(Problem::new(Code::MissingSecret, need.kept.remedy()).at(need.place))).collect()
}

fn named_in(document: &Document) -> Vec<Need> {
    let Ok(table) = DeTable::parse(&document.text) else { return Vec::new() };
    let mut found = Vec::new();
    search(table.get_ref(), 0, &mut |kept, span| {
        found.push(Need { kept, place: place(document, &span) });
    });
    found
}

fn search(table: &DeTable<'_>, depth: usize, found: &mut dyn FnMut(Kept, Range<usize>)) {
    if depth > MAX_DEPTH {
        return;
    }
    if let Some((kept, span)) = reference(table) {
        return found(kept, span);
    }
    for (key, value) in table {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("hmac_secret", DeValue::String(name)) => found(Kept::Stored(name.to_string()), value.span()),
            (key, DeValue::Table(inner)) if !TEXTS.contains(&key) => search(inner, depth + 1, found),
            (_, DeValue::Array(entries)) => {
                let tables = entries.iter().filter_map(|entry| entry.get_ref().as_table());
                tables.for_each(|inner| search(inner, depth + 1, found));
            }
            _ => {}
        }
    }
}

/// The table as the place of a secret, if it is one.
fn reference(table: &DeTable<'_>) -> Option<(Kept, Range<usize>)> {
    let is_beside = |key: &Spanned<_>| -> bool { BESIDE.contains(&AsRef::<str>::as_ref(Spanned::<_>::get_ref(key))) };
    let mut others = table.iter().filter(|(key, _)| !is_beside(key));
    let (Some((key, value)), None) = (others.next(), others.next()) else { return None };
    let text = value.get_ref().as_str()?;
    let kept = match key.get_ref().as_ref() {
        "secret" => Kept::Stored(text.to_owned()),
        "env" => Kept::Env(text.to_owned()),
        "file" => Kept::File(text.into()),
        _ => return None,
    };
    Some((kept, value.span()))
}

fn place(document: &Document, span: &Range<usize>) -> String {
    let before = &document.text[..document.text.floor_char_boundary(span.start)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!("{} line {line} column {column}", document.path())
}

impl Kept {
    fn is_there(&self, stored: &BTreeSet<Name>) -> bool {
        match self {
            Self::Stored(name) => stored.iter().any(|known| known.as_str() == name),
            Self::Env(variable) => std::env::var_os(variable).is_some(),
            Self::File(file) => file.is_file(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Stored(name) => format!("{self} is not stored yet: `andon secret set {name}`"),
            Self::Env(_) => format!("{self} is not set for the server: set it and start the server again"),
            Self::File(_) => format!("{self} is not there on the server's machine"),
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored(name) => write!(f, "the secret {name}"),
            Self::Env(variable) => write!(f, "the environment variable {variable}"),
            Self::File(file) => write!(f, "the file {}", file.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(kind: DocumentKind, text: &str) -> Document {
        Document { kind, name: Name::new("x").unwrap(), text: text.into() }
    }

    fn check(kind: DocumentKind, text: &str, expect: &[(&str, &str)]) {
        let found = named(&[document(kind, text)]);
        let found: Vec<_> = found.iter().map(|need| (need.kept.to_string(), need.place.as_str())).collect();
        let expect: Vec<_> = expect.iter().map(|(kept, place)| ((*kept).to_owned(), *place)).collect();
        assert_eq!(found, expect, "for {text}");
    }

    #[test]
    fn secrets_are_found_wherever_they_stand() {
        check(
            DocumentKind::Destination,
            "url = \"https://x\"\n[auth]\nkind = \"basic\"\npassword = { secret = \"s4\" }\n[auth.token]\nclient_secret = { env = \"A\" }\n",
            &[
                ("the secret s4", "destinations/x.toml line 4 column 23"),
                ("the environment variable A", "destinations/x.toml line 6 column 25"),
            ],
        );
        check(
            DocumentKind::Destination,
            "list = [{ file = \"/nowhere\", key = \"a\" }]\nquery = { secret = \"a word\" }",
            &[("the file /nowhere", "destinations/x.toml line 1 column 18")],
        );
        check(
            DocumentKind::Source,
            "[auth]\nhmac_secret = \"hook\"",
            &[("the secret hook", "sources/x.toml line 2 column 15")],
        );
        check(DocumentKind::Source, "[bucket]\nfolder = \"f\"\nfile = \"a\"", &[]);
        check(DocumentKind::Source, "not toml", &[]);
        check(DocumentKind::Action, "a = { secret = \"b\" }", &[]);
    }

    #[test]
    fn only_what_is_not_there_is_warned_of() {
        let text = "a = { secret = \"here\" }\nb = { secret = \"gone\" }\nc = { file = \"/no/such/file\" }";
        let stored = BTreeSet::from([Name::new("here").unwrap()]);
        let found = missing(&[document(DocumentKind::Destination, text)], &stored);
        let found: Vec<String> = found.iter().map(|finding| finding.problem.to_string()).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("line 2 column 16") && found[0].contains("`andon secret set gone`"), "{found:?}");
        assert!(found[1].contains("/no/such/file is not there"), "{found:?}");
    }
}
