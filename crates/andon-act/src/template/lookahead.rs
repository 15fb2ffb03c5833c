//! Looks ahead in an expression where one token does not tell what it is.

use super::path::{is_word, leading};

/// Bytes of the number that `text` begins with: `12`, `0x1f`, `1.5`, `2e-3`.
pub(super) fn number_length(text: &str) -> usize {
    let digit_at = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let mut length = leading(text, is_word).len();
    if text[length..].starts_with('.') && digit_at(length + 1) {
        length += 1 + leading(&text[length + 1..], is_word).len();
    }
    if text[..length].ends_with(['e', 'E']) && text[length..].starts_with(['+', '-']) && digit_at(length + 1) {
        length += 1 + leading(&text[length + 1..], is_word).len();
    }
    length
}

/// Whether what follows a path says what happens when it is missing.
pub(super) fn is_provided_for(after: &str) -> bool {
    let after = after.trim_start();
    if let Some(filter) = after.strip_prefix('|') {
        return matches!(leading(filter.trim_start(), is_word), "default" | "d");
    }
    let mut words = after.split(|c| !is_word(c)).filter(|word| !word.is_empty());
    if !after.starts_with("is") || words.next() != Some("is") {
        return false;
    }
    let test = words.next();
    matches!(if test == Some("not") { words.next() } else { test }, Some("defined" | "undefined"))
}

/// Whether what follows a word makes it the name of an argument: `name=value`.
pub(super) fn names_argument(after: &str) -> bool {
    after.trim_start().strip_prefix('=').is_some_and(|rest| !rest.starts_with('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_measured() {
        for (text, length) in [("12 + 1", 2), ("1.5|round", 3), ("1.x", 1), ("2e-3-1", 4), ("2e-x", 2), ("0x1f", 4)] {
            assert_eq!(number_length(text), length, "for {text:?}");
        }
    }

    #[test]
    fn provisions_stand_directly_after_a_path() {
        for (after, expect) in [
            (" | default('x')", true),
            ("|d", true),
            ("|defaults", false),
            ("|upper|default('x')", false),
            (" is not  defined", true),
            (" is undefined else", true),
            (" is number", false),
            (" + is defined", false),
            (") is defined", false),
        ] {
            assert_eq!(is_provided_for(after), expect, "for {after:?}");
        }
    }

    #[test]
    fn one_equals_sign_names_an_argument() {
        assert!(names_argument(" = 2") && !names_argument("== 2") && !names_argument(", 2"));
    }
}
