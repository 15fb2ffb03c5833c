//! An action as it is written: its texts with their places. Whether it can be executed is not looked at here.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A text of the file, with the bytes that it takes there.
pub(super) type Text = Spanned<String>;

/// The parts of an action that are compared with metadata, or hold templates.
#[derive(Debug, Default, Deserialize)]
pub(super) struct WrittenAction {
    #[serde(default)]
    pub(super) episode: Option<WrittenEpisode>,
    #[serde(default, rename = "step")]
    pub(super) steps: Vec<WrittenStep>,
}

/// `[episode]`
#[derive(Debug, Deserialize)]
pub(super) struct WrittenEpisode {
    #[serde(default)]
    pub(super) once_per: Option<Text>,
}

/// A step.
#[derive(Debug, Deserialize)]
pub(super) struct WrittenStep {
    pub(super) name: Text,
    #[serde(default)]
    pub(super) stage: String,
    pub(super) kind: String,
    #[serde(default)]
    pub(super) destination: String,
    #[serde(default)]
    pub(super) service: Option<Text>,
    #[serde(default)]
    pub(super) method: Option<Text>,
    #[serde(default)]
    pub(super) path: Option<Text>,
    #[serde(default)]
    pub(super) query: BTreeMap<String, Text>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Text>,
    #[serde(default)]
    pub(super) content_type: Option<Text>,
    #[serde(default)]
    pub(super) body: Option<Text>,
    #[serde(default)]
    pub(super) document: Option<Text>,
    #[serde(default)]
    pub(super) guard: Option<WrittenGuard>,
    #[serde(default)]
    pub(super) changeset: Vec<WrittenPart>,
    #[serde(default)]
    pub(super) attachment: Option<Text>,
    #[serde(default)]
    pub(super) file_name: Option<Text>,
    #[serde(default)]
    pub(super) if_match: Option<Text>,
    #[serde(default)]
    pub(super) open_while: Option<WrittenOpenWhile>,
    #[serde(default)]
    pub(super) table: Option<String>,
    #[serde(default)]
    pub(super) max_chars: Option<usize>,
    #[serde(default)]
    pub(super) lookup: Option<String>,
    #[serde(default)]
    pub(super) key: BTreeMap<String, Text>,
    #[serde(default)]
    pub(super) input: Option<Text>,
    #[serde(default)]
    pub(super) prompt: Option<Text>,
    #[serde(default)]
    pub(super) fallback: Option<Text>,
}

/// A guard.
#[derive(Debug, Deserialize)]
pub(super) struct WrittenGuard {
    #[serde(default)]
    pub(super) set: Option<Text>,
    #[serde(default)]
    pub(super) list: Option<Text>,
    #[serde(default)]
    pub(super) field: Option<Text>,
    #[serde(default)]
    pub(super) value: Option<Text>,
    #[serde(default)]
    pub(super) query: BTreeMap<String, Text>,
}

/// What an open-check step looks at.
#[derive(Debug, Deserialize)]
pub(super) struct WrittenOpenWhile {
    pub(super) path: Text,
    #[serde(default)]
    pub(super) values: Vec<Text>,
}

/// One request of a change set.
#[derive(Debug, Deserialize)]
pub(super) struct WrittenPart {
    pub(super) method: Text,
    pub(super) path: Text,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Text>,
    #[serde(default)]
    pub(super) body: Option<Text>,
}

/// One request of a step: its own, or a part of its change set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'w> {
    pub(super) method: &'w Text,
    pub(super) path: &'w Text,
    pub(super) headers: &'w BTreeMap<String, Text>,
    pub(super) body: Option<&'w Text>,
}

impl WrittenStep {
    /// Whether it speaks `OData`.
    pub(super) fn is_odata(&self) -> bool {
        matches!(self.kind.as_str(), "odata" | "odata-v4" | "attachment")
    }

    /// Whether it sends bytes that are kept.
    pub(super) fn is_attachment(&self) -> bool {
        self.kind == "attachment"
    }

    /// The step's own request, when it is complete.
    pub(super) fn request(&self) -> Option<Request<'_>> {
        let (method, path) = (self.method.as_ref()?, self.path.as_ref()?);
        Some(Request { method, path, headers: &self.headers, body: self.body.as_ref() })
    }

    /// Whether its body is JSON.
    pub(super) fn sends_json(&self) -> bool {
        self.content_type.as_ref().is_none_or(|kind| kind.get_ref().contains("json"))
    }

    /// Texts that hold JSON.
    pub(super) fn json_texts(&self) -> impl Iterator<Item = &Text> {
        let own = self.body.iter().filter(|_| self.sends_json());
        own.chain(self.changeset.iter().filter_map(|part| part.body.as_ref())).chain(&self.input)
    }

    /// Texts that may hold insertions and are not JSON.
    pub(super) fn plain_texts(&self) -> impl Iterator<Item = &Text> {
        let guard = self.guard.iter().flat_map(WrittenGuard::texts);
        let parts = self.changeset.iter().flat_map(|part| std::iter::once(&part.path).chain(part.headers.values()));
        let body = self.body.iter().filter(|_| !self.sends_json());
        let sent = [&self.path, &self.content_type, &self.if_match, &self.attachment, &self.file_name];
        let own = sent.into_iter().chain([&self.prompt, &self.fallback]);
        let maps = [&self.query, &self.headers, &self.key];
        let own = own.flatten().chain(maps.into_iter().flat_map(BTreeMap::values));
        own.chain(guard).chain(parts).chain(body)
    }
}

impl WrittenGuard {
    /// Texts that may hold insertions.
    fn texts(&self) -> impl Iterator<Item = &Text> {
        self.set.iter().chain(&self.list).chain(&self.value).chain(self.query.values())
    }
}

impl<'w> From<&'w WrittenPart> for Request<'w> {
    fn from(part: &'w WrittenPart) -> Self {
        Self { method: &part.method, path: &part.path, headers: &part.headers, body: part.body.as_ref() }
    }
}

/// A file, and how places in it are named.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'f> {
    pub(super) path: &'f str,
    pub(super) text: &'f str,
}

impl File<'_> {
    /// The place of a byte of a text: `actions/notify.toml line 21`. Where escapes shift the bytes, the place where
    /// the text begins.
    pub(super) fn place(&self, text: &Text, offset: usize) -> String {
        let span = text.span();
        let written = self.text.get(span.clone()).unwrap_or_default();
        let value = text.get_ref().get(..offset).unwrap_or_default();
        let begin = content_begin(written);
        let is_verbatim = written.get(begin..).is_some_and(|content| content.starts_with(value));
        let at = span.start + if is_verbatim { begin + offset } else { 0 };
        let before = self.text.get(..at).unwrap_or_default();
        format!("{} line {}", self.path, before.matches('\n').count() + 1)
    }
}

/// Bytes of the quotes that a TOML text begins with, and of the line break that belongs to them.
fn content_begin(written: &str) -> usize {
    let quotes = if written.starts_with("\"\"\"") || written.starts_with("'''") { 3 } else { 1 };
    let rest = written.get(quotes..).unwrap_or_default();
    let line_break = if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    quotes + if quotes == 3 { line_break } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_of_the_file() {
        let text = "# x\n[[step]]\nname = 'a'\nkind = 'http'\npath = \"/x\"\nbody = \"\"\"\n{\n \"A\": 1\n}\"\"\"\n";
        let action: WrittenAction = toml::from_str(text).expect("valid");
        let file = File { path: "actions/a.toml", text };
        let step = &action.steps[0];
        let body = step.body.as_ref().expect("there");
        assert_eq!(file.place(body, body.get_ref().find('A').expect("there")), "actions/a.toml line 8");
        assert_eq!(file.place(step.path.as_ref().expect("there"), 1), "actions/a.toml line 5");
    }
}
