//! What a model must not see: values that are blanked before anything is rendered, and their texts wherever else
//! they stand.
//!
//! **Constraints.** A value may stand in an event twice: SiteWise tells a person's note in the state, and its decoder
//! lifts it out of there. So a blanked value is also searched for in the rendered text, as it is and in the escapes
//! of JSON, once and twice, as it is written where JSON stands in a text. What is shorter than
//! [`MIN_CHARS`] characters is not searched for: it would be found in half of all words.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::Scope;
use super::path::{Path, Root, Segment};
use super::scope::descend_mut;
use super::slot::json_of;

/// What stands in the place of a value that is not shown.
const BLANK: &str = "[redacted]";

/// Shortest text that is searched for.
const MIN_CHARS: usize = 3;

/// Most texts that are searched for; with more of them there is no prompt.
const MAX_HIDDEN: usize = 1_000;

/// Stands for every entry of a list, or every member of an object.
const EVERY: &str = "[*]";

/// Paths whose values are not shown.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    paths: Vec<Redacted>,
}

/// A path, and from each entry of what it leads to the paths further down.
#[derive(Debug)]
struct Redacted {
    path: Path,
    within: Vec<Vec<Segment>>,
}

impl Redaction {
    /// Reads paths such as `event.data.reporter` and `event.data.persons[*].name`. The error is a sentence about the
    /// first that is none.
    pub(crate) fn compile(texts: &[String]) -> Result<Self, String> {
        let paths = texts.iter().map(|text| read(text)).collect::<Result<_, _>>()?;
        Ok(Self { paths })
    }

    /// The paths up to the first list, as in [`super::Template::paths`].
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> {
        self.paths.iter().map(|redacted| redacted.path.to_string())
    }

    /// Blanks them wherever a template could read them: the value itself, and whatever holds it. What was there is
    /// to be covered in what is rendered.
    pub(crate) fn apply(&self, scope: &mut Scope<'_>) -> Hidden {
        let mut hidden = Hidden::default();
        for Redacted { path, within } in &self.paths {
            if let Some(value) = scope.value_mut(path) {
                blank(value, within, &mut hidden);
            }
        }
        hidden
    }
}

fn blank(value: &mut Value, within: &[Vec<Segment>], hidden: &mut Hidden) {
    let Some((segments, further)) = within.split_first() else {
        return hidden.add(&std::mem::replace(value, Value::from(BLANK)));
    };
    let entries: Vec<&mut Value> = match value {
        Value::Array(entries) => entries.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => Vec::new(),
    };
    for entry in entries {
        if let Some(found) = segments.iter().try_fold(entry, descend_mut) {
            blank(found, further, hidden);
        }
    }
}

/// The texts of what was blanked, in each way in which they may be written.
#[derive(Debug, Default)]
pub(crate) struct Hidden {
    texts: BTreeSet<String>,
}

impl Hidden {
    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add_text(text),
            Value::Number(number) => self.add_text(&number.to_string()),
            Value::Array(entries) => entries.iter().for_each(|entry| self.add(entry)),
            Value::Object(members) => members.values().for_each(|member| self.add(member)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn add_text(&mut self, text: &str) {
        if text.chars().count() < MIN_CHARS || text == BLANK {
            return;
        }
        for once in spellings(text) {
            self.texts.extend(spellings(&once));
        }
    }

    /// The first `most_chars` characters of a text in which nothing hidden stands. `None` where that cannot be
    /// promised: too much is hidden.
    pub(crate) fn cover(&self, text: &str, most_chars: usize) -> Option<String> {
        // What is covered becomes shorter, so more than is asked for is looked at.
        let (seen, is_cut) = first_chars(text, most_chars.saturating_mul(2));
        let is_hidden = self.found_in(seen);
        // Where the text was cut, the beginning of something hidden may stand.
        let longest = self.texts.iter().map(String::len).max().unwrap_or(0);
        let end = seen.floor_char_boundary(seen.len().saturating_sub(if is_cut { longest } else { 0 }));
        if self.texts.len() > MAX_HIDDEN || (is_cut && end == 0) {
            return None;
        }
        let (mut covered, mut was_hidden) = (String::new(), false);
        for (at, c) in seen[..end].char_indices() {
            match (is_hidden.get(at).copied().unwrap_or_default(), was_hidden) {
                (true, false) => covered.push_str(BLANK),
                (true, true) => {}
                (false, _) => covered.push(c),
            }
            was_hidden = is_hidden.get(at).copied().unwrap_or_default();
        }
        Some(first_chars(&covered, most_chars).0.to_owned())
    }

    /// Which bytes belong to something hidden. All is found before anything is covered: an event that chooses its
    /// values to stand in one another's place makes nothing grow.
    fn found_in(&self, text: &str) -> Vec<bool> {
        let mut is_hidden = vec![false; text.len()];
        for hidden in self.texts.iter().take(MAX_HIDDEN) {
            for (at, found) in text.match_indices(hidden.as_str()) {
                is_hidden[at..at + found.len()].fill(true);
            }
        }
        is_hidden
    }
}

/// The first characters of a text, and whether there are more.
fn first_chars(text: &str, most: usize) -> (&str, bool) {
    match text.char_indices().nth(most) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}

/// A text as it is, and as the content of a JSON text: plain, or with what is not ASCII escaped in either letter case.
fn spellings(text: &str) -> [String; 4] {
    let quoted = json_of(&Value::from(text));
    let content = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or(text);
    let mut escaped = [String::new(), String::new()];
    for unit in content.encode_utf16() {
        let [lower, upper] = &mut escaped;
        // Writing to a String cannot fail.
        let _ = match char::from_u32(unit.into()).filter(char::is_ascii) {
            Some(c) => write!(lower, "{c}").and_then(|()| write!(upper, "{c}")),
            None => write!(lower, "\\u{unit:04x}").and_then(|()| write!(upper, "\\u{unit:04X}")),
        };
    }
    let [lower, upper] = escaped;
    [text.to_owned(), content.to_owned(), lower, upper]
}

/// A path and nothing behind it.
fn whole(text: &str) -> Result<Option<Path>, String> {
    let read = Path::read(text)?;
    Ok(read.filter(|(_, length)| *length == text.len()).map(|(path, _)| path))
}

fn read(text: &str) -> Result<Redacted, String> {
    let refused = || format!("{text:?} is not a path, as event.data.reporter or event.data.persons[*].name is one");
    let mut parts = text.split(EVERY);
    let path = whole(parts.next().unwrap_or_default())?;
    let path = path.filter(|path| path.root != Root::Run).ok_or_else(refused)?;
    let within = parts.map(|part| match whole(&format!("event{part}"))? {
        Some(path) => Ok(path.segments),
        None => Err(refused()),
    });
    Ok(Redacted { path, within: within.collect::<Result<_, String>>()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{Form, Template};
    use super::*;
    use crate::Stage;

    fn check(redact: &[&str], template: &str, expect: &str) {
        let (decision, lookups, body) = (json!({"who": "Ann"}), json!({"p": {"who": "Bob"}}), json!([{"who": "Cid"}]));
        let event = json!({"subject": "s", "data": {"who": "Dee", "list": [{"who": "Eve"}, 2]}});
        let mut scope = Scope::new(event, &decision, &lookups);
        scope.add_answer(Stage::Pre, "read", &body);
        let paths: Vec<String> = redact.iter().map(ToString::to_string).collect();
        let hidden = Redaction::compile(&paths).expect("paths").apply(&mut scope);
        let template = Template::compile(template, Form::Text, "t").expect("a template");
        let shown = template.render(&scope).ok().and_then(|text| hidden.cover(&text, 1_000));
        assert_eq!(shown.as_deref(), Some(expect), "{redact:?}");
    }

    #[test]
    fn values_are_blanked_wherever_they_are_read() {
        check(&["event.data.who"], "${{event.data.who}}", "[redacted]");
        let whole = r#"[{"who":"[redacted]"},2]"#;
        check(&["event.data.list[0].who", "event.data.none.x"], "${{stringify(event.data.list)}}", whole);
        check(&["event.data.list[-1]"], "${{event.data.list[1]}}", "[redacted]");
        check(&["event.data"], "${{event.data}} ${{event.subject}}", "[redacted] s");
        check(&["pre.read[0].who"], "${{pre.read}}", r#"[{"who":"[redacted]"}]"#);
        check(&["decision.who", "lookups.p.who"], "${{decision.who}} ${{lookups.p.who}}", "[redacted] [redacted]");
        check(&["pre.read"], "${{pre.read}} ${{event.data.who | upper}}", "[redacted] DEE");
    }

    #[test]
    fn every_entry_of_a_list_is_blanked() {
        check(&["event.data.list[*].who"], "${{event.data.list}}", r#"[{"who":"[redacted]"},2]"#);
        check(&["event.data.list[*]"], "${{event.data.list}}", r#"["[redacted]","[redacted]"]"#);
        check(&["event.data[*][0].who"], "${{event.data}}", r#"{"who":"Dee","list":[{"who":"[redacted]"},2]}"#);
        check(&["event.data.who[*].x", "event.none[*]"], "${{event.data.who}}", "Dee");
    }

    /// A copy of `Jörg "JJ" Bär` is covered, however it is written.
    #[test]
    fn copies_are_covered_in_every_spelling() {
        let name = "Jörg \"JJ\" Bär";
        let inner = json!({ "who": name }).to_string();
        let escaped = r#"{"who":"J\u00f6rg \"JJ\" B\u00E4r"}"#.replace("E4", "e4");
        let loud = escaped.replace("00f6", "00F6").replace("00e4", "00E4");
        for copy in [json!(name), json!({ "who": name }), json!(inner), json!(escaped), json!(loud), json!([4711])] {
            let event = json!({"data": {"who": name, "staff": 4711, "copy": copy, "a": "x"}});
            let mut scope = Scope::new(event, &Value::Null, &Value::Null);
            let paths = ["event.data.who".to_owned(), "event.data.staff".to_owned()];
            let hidden = Redaction::compile(&paths).expect("paths").apply(&mut scope);
            for template in ["${{stringify(event.data)}}", "${{event.data.copy}} x"] {
                let template = Template::compile(template, Form::Text, "t").expect("a template");
                let shown = hidden.cover(&template.render(&scope).expect("rendered"), 1_000).expect("covered");
                assert!(!shown.contains("JJ") && !shown.contains("4711") && shown.contains('x'), "{copy}: {shown}");
            }
        }
    }

    #[test]
    fn no_beginning_of_a_hidden_text_is_left_at_the_end() {
        let mut hidden = Hidden::default();
        hidden.add(&json!(["Annabelle", "Ann", "no"]));
        let covered = |text: &str, most| hidden.cover(text, most);
        assert_eq!(covered("Annabelle and Ann, no more", 99).as_deref(), Some("[redacted] and [redacted], no more"));
        let many = "Annabelle ".repeat(50);
        assert_eq!(covered(&many, 30).as_deref(), Some("[redacted] [redacted] [redacte"));
        assert_eq!(covered(&many, 7).as_deref(), Some("[redact"));
        assert_eq!(covered(&many, 4), None, "nothing is left that is surely clean");
        hidden.add(&json!((0..=MAX_HIDDEN).map(|n| format!("name {n}")).collect::<Vec<_>>()));
        assert_eq!(hidden.cover("short", 99), None, "too much to look for");
    }

    #[test]
    fn texts_that_stand_in_the_blank_make_nothing_grow() {
        let mut hidden = Hidden::default();
        hidden.add(&json!(["[redacted", "red", "act", "ted]", "edac"]));
        assert_eq!(hidden.cover("red ted] action", 99).as_deref(), Some("[redacted] [redacted] [redacted]ion"));
    }

    proptest! {
        /// However texts overlap, and wherever the prompt is cut: none of them is whole in what is sent.
        #[test]
        fn nothing_hidden_is_sent(
            hidden in prop::collection::vec("[xyz\"\\\\ö]{3,6}", 1..4),
            text in "[xyz\"\\\\ö]{0,80}",
            most in 1_usize..90,
        ) {
            let mut all = Hidden::default();
            all.add(&json!(hidden));
            if let Some(covered) = all.cover(&text, most) {
                prop_assert!(covered.chars().count() <= most);
                prop_assert!(hidden.iter().all(|one| !covered.contains(one.as_str())), "{covered}");
            }
        }
    }

    #[test]
    fn only_paths_are_taken() {
        for text in ["event.data.x | upper", "everything", "", "run.id", "pre", "[*]", "event.data[*]x", "event[**]"] {
            assert!(Redaction::compile(&[text.to_owned()]).is_err(), "{text}");
        }
        assert_eq!(Redaction::compile(&[]).map(|r| r.paths.len()), Ok(0));
    }
}
