//! Copies of what was blanked, covered in a rendered text.
//!
//! A value may stand in an event twice: SiteWise tells a person's note in the state, and its decoder lifts it out of
//! there. So the text of a blanked value is also searched for in what is rendered, as it is and in the escapes of JSON,
//! once and twice, as it is written where JSON stands in a text. What is shorter than [`MIN_CHARS`] characters is not
//! searched for: it would be found in half of all words.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::redact::BLANK;
use super::slot::json_of;

/// Shortest text that is searched for.
const MIN_CHARS: usize = 3;

/// Most texts that are searched for; with more of them there is no prompt.
const MAX_HIDDEN: usize = 1_000;

/// The texts of what was blanked, in each way in which they may be written.
#[derive(Debug, Default)]
pub(crate) struct Hidden {
    texts: BTreeSet<String>,
}

impl Hidden {
    /// Adds every text and number of a value.
    pub(super) fn add(&mut self, value: &Value) {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

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
}
