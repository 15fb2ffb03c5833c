//! Paths as a template writes them: `event.data.asset["bucket name"].readings[0]`.
//!
//! A path is read once, when the template is compiled, and walked over JSON for every event. The
//! template engine never sees it: step names with hyphens, identifiers that begin with a digit and
//! case-insensitive first words would mean something else there.

use std::fmt::{self, Write as _};

use crate::Stage;

/// The first words of a path, for people.
pub(super) const ROOTS: &str =
    "event, decision, default, lookups, pre, main, post, open-check, update, episode, run, key";

/// What a path starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    Event,
    Decision,
    Lookups,
    Run,
    /// The episode that the run belongs to.
    Episode,
    /// The answers of a stage's steps; the first segment is the step's name.
    Answer(Stage),
}

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// A member of an object; also an entry of a list when it is a number.
    Key(Box<str>),
    /// An entry of a list; from the end when negative.
    Index(i64),
}

/// A static path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) root: Root,
    pub(super) segments: Vec<Segment>,
}

impl Path {
    /// Reads the path that `text` begins with, and how many bytes it takes; `None` when the first
    /// word is not the beginning of a path.
    pub(super) fn read(text: &str) -> Result<Option<(Self, usize)>, String> {
        let word = first_word(text);
        let root = match word.to_ascii_lowercase().as_str() {
            "event" => Root::Event,
            "decision" | "default" => Root::Decision,
            "lookups" | "lookup" => Root::Lookups,
            "run" | "key" => Root::Run,
            "episode" => Root::Episode,
            "open-check" => Root::Answer(Stage::OpenCheck),
            "update" => Root::Answer(Stage::Update),
            "pre" => Root::Answer(Stage::Pre),
            "main" => Root::Answer(Stage::Main),
            "post" => Root::Answer(Stage::Post),
            _ => return Ok(None),
        };
        let is_default = word.eq_ignore_ascii_case("default");
        let named = is_default || matches!(root, Root::Answer(_));
        let (mut segments, length) = read_segments(&text[word.len()..], named);
        if named && !matches!(segments.first(), Some(Segment::Key(_))) {
            return Err(format!("{word} needs a name: {word}.<name>.<path>"));
        }
        if is_default {
            segments.remove(0);
        }
        if word.eq_ignore_ascii_case("key") {
            segments.insert(0, Segment::Key("key".into()));
        }
        Ok(Some((Self { root, segments }, word.len() + length)))
    }

    /// The first `count` segments as text.
    pub(super) fn prefix(&self, count: usize) -> String {
        let mut text = self.root.as_str().to_owned();
        for (i, segment) in self.segments.iter().take(count).enumerate() {
            match segment {
                Segment::Key(key) if is_plain(key, i == 0 && matches!(self.root, Root::Answer(_))) => {
                    text.push('.');
                    text.push_str(key);
                }
                other => {
                    let _ = write!(text, "[{other}]");
                }
            }
        }
        text
    }
}

impl Root {
    fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Decision => "decision",
            Self::Lookups => "lookups",
            Self::Run => "run",
            Self::Episode => "episode",
            Self::Answer(stage) => stage.as_str(),
        }
    }
}

impl Segment {
    /// Whether it is the member `name`.
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self, Self::Key(key) if **key == *name)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix(self.segments.len()))
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "{key:?}"),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

/// Whether `c` may stand in a name without quotes.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Step names and relation identifiers also carry hyphens.
fn is_step_name(c: char) -> bool {
    is_word(c) || c == '-'
}

fn is_plain(key: &str, is_step: bool) -> bool {
    !key.is_empty() && key.chars().all(if is_step { is_step_name } else { is_word })
}

/// The word before the first dot or bracket: of the stages one has a hyphen.
fn first_word(text: &str) -> &str {
    const HYPHENATED: &str = "open-check";
    match text.get(..HYPHENATED.len()) {
        Some(start) if start.eq_ignore_ascii_case(HYPHENATED) && text[start.len()..].starts_with(['.', '[']) => start,
        _ => leading(text, is_word),
    }
}

/// The longest beginning of `text` of which every character is accepted.
pub(super) fn leading(text: &str, accept: fn(char) -> bool) -> &str {
    let end = text.find(|c| !accept(c)).unwrap_or(text.len());
    &text[..end]
}

/// `named`: the first segment is a step name or a relation identifier.
fn read_segments(text: &str, named: bool) -> (Vec<Segment>, usize) {
    let (mut segments, mut at) = (Vec::new(), 0);
    loop {
        let rest = &text[at..];
        let accept = if named && segments.is_empty() { is_step_name } else { is_word };
        let found = match rest.as_bytes().first() {
            Some(b'.') => member(rest, accept),
            Some(b'[') => subscript(rest),
            _ => None,
        };
        let Some((segment, length)) = found else { return (segments, at) };
        segments.push(segment);
        at += length;
    }
}

/// `.name`
fn member(text: &str, accept: fn(char) -> bool) -> Option<(Segment, usize)> {
    let name = leading(&text[1..], accept);
    (!name.is_empty()).then(|| (Segment::Key(name.into()), 1 + name.len()))
}

/// `[3]`, `[-1]`, `['name']`, `["name"]`; `None` for a subscript that must be computed.
fn subscript(text: &str) -> Option<(Segment, usize)> {
    let inner = text[1..].trim_start();
    let (segment, rest) = if let quote @ ('"' | '\'') = inner.chars().next()? {
        let (key, length) = unquote(inner, quote)?;
        (Segment::Key(key.into()), &inner[length..])
    } else {
        let number = leading(inner, |c| c.is_ascii_digit() || c == '-');
        (Segment::Index(number.parse().ok()?), &inner[number.len()..])
    };
    let rest = rest.trim_start().strip_prefix(']')?;
    Some((segment, text.len() - rest.len()))
}

/// The content of a quoted text and its length with quotes. Of the escapes only `\\`, `\'` and `\"`.
fn unquote(text: &str, quote: char) -> Option<(String, usize)> {
    let mut content = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => content.push(chars.next().map(|(_, c)| c).filter(|c| matches!(c, '\\' | '\'' | '"'))?),
            c if c == quote => return Some((content, at + 1)),
            c => content.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, canonical: &str, rest: &str) {
        let (path, length) = Path::read(text).expect("well-formed").expect("a path");
        assert_eq!((path.to_string().as_str(), &text[length..]), (canonical, rest), "for {text:?}");
    }

    #[test]
    fn paths_are_read_to_their_end() {
        check("Event.data.a.b[0].c | upper", "event.data.a.b[0].c", " | upper");
        check("event.data['bucket-name'].x", "event.data[\"bucket-name\"].x", "");
        check(r#"event.data[ "x y" ]"#, "event.data[\"x y\"]", "");
        check(r#"event.data["q\"q"]"#, r#"event.data["q\"q"]"#, "");
        check("event.data.list[-1]", "event.data.list[-1]", "");
        check("event.data.list[run.event_offset]", "event.data.list", "[run.event_offset]");
        check("event.data.a-event.data.b", "event.data.a", "-event.data.b");
        check("pre.6f1c0e1e-3b0e.x-1", "pre.6f1c0e1e-3b0e.x", "-1");
        check("POST.close-order['Result']", "post.close-order.Result", "");
        check("default.77aa-01.Result[0].ActionId", "decision.Result[0].ActionId", "");
        check("lookup.plant.name", "lookups.plant.name", "");
        check("key", "run.key", "");
        check("episode.document | upper", "episode.document", " | upper");
        check("Open-Check.status.d.Phase", "open-check.status.d.Phase", "");
        check("update.text.d.x - 1", "update.text.d.x", " - 1");
        check("event.", "event", ".");
    }

    #[test]
    fn other_words_are_no_paths() {
        assert_eq!(Path::read("events.data"), Ok(None));
        assert_eq!(Path::read(""), Ok(None));
        assert_eq!(Path::read("open-checked.x"), Ok(None));
        assert_eq!(Path::read("pre"), Err("pre needs a name: pre.<name>.<path>".into()));
        assert_eq!(Path::read("Default[0]"), Err("Default needs a name: Default.<name>.<path>".into()));
    }
}
