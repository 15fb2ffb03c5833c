//! What surrounds an insertion within a text of a JSON template: whether the text is a member's name, and whether it
//! is itself written in a language of members.
//!
//! **Purpose.** A value that nobody vouches for may stand in a text of a body, since there it cannot become anything
//! else. In a name it could choose what is set; in JSON or XML that stands in a text it could add members, because
//! it is escaped for the text around it and not for the language within.

/// Stands for an insertion.
const INSERTED: char = '\u{fffc}';

/// Follows the literal text of a JSON template.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// The content of the text so far, as written; an insertion is [`INSERTED`].
    content: String,
    is_quoted: bool,
    is_escaped: bool,
}

impl Surroundings {
    /// Moves over literal text.
    pub(super) fn pass(&mut self, literal: &str) {
        for c in literal.chars() {
            if !self.is_escaped && c == '"' {
                self.is_quoted = !self.is_quoted;
                self.content.clear();
                continue;
            }
            self.is_escaped = self.is_quoted && !self.is_escaped && c == '\\';
            if self.is_quoted {
                self.content.push(c);
            }
        }
    }

    /// Moves over an insertion.
    pub(super) fn insert(&mut self) {
        if self.is_quoted {
            self.content.push(INSERTED);
        }
    }

    /// Whether the text so far is JSON or XML of its own: it begins like that, or holds a member's name.
    pub(super) fn is_structured(&self) -> bool {
        let decoded: String = serde_json::from_str(&format!("\"{}\"", self.content)).unwrap_or_default();
        let squeezed: String = decoded.split_whitespace().collect();
        let is_list = |rest: &str| rest.is_empty() || rest.starts_with(['"', '{', '[', INSERTED]);
        squeezed.starts_with(['{', '<']) || squeezed.strip_prefix('[').is_some_and(is_list) || squeezed.contains("\":")
    }
}

/// Whether the text that goes on with these literals is the name of a member.
pub(super) fn is_name<'t>(literals: impl Iterator<Item = &'t str>) -> bool {
    let (mut is_closed, mut is_escaped) = (false, false);
    for c in literals.flat_map(str::chars) {
        match c {
            ':' if is_closed => return true,
            c if is_closed && c.is_ascii_whitespace() => {}
            _ if is_closed => return false,
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c => is_closed = c == '"',
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_a_language_of_members_is_seen() {
        let check = |before: &str, expect| {
            let mut surroundings = Surroundings::default();
            surroundings.pass(before);
            assert_eq!(surroundings.is_structured(), expect, "{before}");
        };
        check(r#"{"Text": ""#, false);
        check(r#"{"Text": "Seen by the camera: "#, false);
        check(r#"{"Text": "a < b, \"c\" and \\ {"#, false);
        check(r#"{"a": "{", "Text": ""#, false);
        check(r#"{"Text": "[Andon] "#, false);
        check(r#"{"Text": "["#, true);
        check(r#"{"Text": "{\"text\": \""#, true);
        check(r#"{"Text": " \u007b\"text\": "#, true);
        check(r#"{"Text": "\n[\""#, true);
        check(r#"{"Text": "<note>"#, true);
        check(r#"{"Text": "payload={\"text\" : \""#, true);
    }

    #[test]
    fn a_text_that_ends_before_a_colon_is_a_name() {
        let check = |after: &[&str], expect| assert_eq!(is_name(after.iter().copied()), expect, "{after:?}");
        check(&["\": 1}"], true);
        check(&[" of \\\" it", "\"\n : 1"], true);
        check(&["\"}"], false);
        check(&["\", \"b\": 1}"], false);
        check(&[": \"", "}"], false);
        check(&["\\\\\":"], true);
        check(&[], false);
    }
}
