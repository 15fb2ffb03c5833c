//! Unified diffs on a terminal: added, removed and places in their usual colours.

/// Ends a colour.
const PLAIN: &str = "\u{1b}[0m";

/// The diff with a colour per line, or as it is.
pub(crate) fn painted(diff: &str, colours: bool) -> String {
    if !colours {
        return diff.to_owned();
    }
    diff.split_inclusive('\n').map(paint).collect()
}

fn paint(line: &str) -> String {
    let text = line.trim_end_matches('\n');
    let end = &line[text.len()..];
    match colour(text) {
        Some(colour) => format!("{colour}{text}{PLAIN}{end}"),
        None => line.to_owned(),
    }
}

/// The escape sequence of a line's colour (ECMA-48, "select graphic rendition").
fn colour(line: &str) -> Option<&'static str> {
    match line.as_bytes() {
        [b'-', b'-', b'-', b' ', ..] | [b'+', b'+', b'+', b' ', ..] => Some("\u{1b}[1m"),
        [b'+', ..] => Some("\u{1b}[32m"),
        [b'-', ..] => Some("\u{1b}[31m"),
        [b'@', ..] => Some("\u{1b}[36m"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_colours_on_a_terminal_only() {
        let diff = "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n z";
        assert_eq!(painted(diff, false), diff);
        let expected = "\u{1b}[1m--- a\u{1b}[0m\n\u{1b}[1m+++ b\u{1b}[0m\n\u{1b}[36m@@ -1 +1 @@\u{1b}[0m\n\
            \u{1b}[31m-x\u{1b}[0m\n\u{1b}[32m+y\u{1b}[0m\n z";
        assert_eq!(painted(diff, true), expected);
    }
}
