//! Small texts of documents: TOML values and comments.

use std::fmt::Write as _;

/// Widest line of a comment.
const COMMENT_WIDTH: usize = 110;

/// What stands before the first `end`.
pub(super) fn before(text: &str, end: char) -> &str {
    text.split(end).next().unwrap_or_default()
}

/// A text as a TOML value on one line.
pub(super) fn toml_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => drop(write!(out, "\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text as a TOML value on one line, as it is where that is possible.
pub(super) fn toml_literal(text: &str) -> String {
    let plain = !text.contains('\'') && !text.chars().any(char::is_control);
    if plain { format!("'{text}'") } else { toml_text(text) }
}

/// A text as a TOML value on lines of its own, as it is where that is possible.
pub(super) fn toml_block(text: &str) -> String {
    let plain = !text.contains("'''")
        && !text.ends_with('\'')
        && !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
    if plain { format!("'''\n{text}\n'''") } else { toml_text(text) }
}

/// A comment, folded into lines.
pub(super) fn comment(text: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in text.split_whitespace() {
        let is_full = lines.last().is_some_and(|line| line.len() > 1 && line.len() + word.len() >= COMMENT_WIDTH);
        if is_full {
            lines.push(String::from("#"));
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Read {
        x: String,
    }

    fn read(value: &str) -> String {
        toml::from_str::<Read>(&format!("x = {value}\n")).unwrap().x
    }

    #[test]
    fn comments_are_folded() {
        assert_eq!(comment("a\nb  c"), "# a b c\n");
        let long = comment(&"word ".repeat(60));
        assert!(long.lines().count() > 2 && long.lines().all(|line| line.len() <= 120 && line.starts_with("# ")));
    }

    proptest! {
        #[test]
        fn texts_are_read_back(text in "\\PC{0,40}[\n\t'\"\\\\]{0,4}\\PC{0,10}") {
            prop_assert_eq!(read(&toml_text(&text)), text.clone());
            prop_assert_eq!(read(&toml_literal(&text)), text.clone());
            let block = read(&toml_block(text.trim()));
            prop_assert_eq!(block.trim(), text.trim());
        }
    }
}
