//! Cleaning the text of a language model: what goes on is one line of plain text, no longer than asked.

/// The text without control and direction characters, every run of white space as one space, at most
/// `max_units` UTF-16 units long: that is how SAP counts the length of a field. Never cut within a character.
pub(super) fn clean(text: &str, max_units: usize) -> String {
    let (mut out, mut units, mut gap) = (String::new(), 0, false);
    for c in text.chars().filter(|c| c.is_whitespace() || !is_hidden(*c)) {
        if c.is_whitespace() {
            gap = !out.is_empty();
            continue;
        }
        let needed = c.len_utf16() + usize::from(gap);
        if units + needed > max_units {
            break;
        }
        if gap {
            out.push(' ');
        }
        out.push(c);
        units += needed;
        gap = false;
    }
    out
}

/// Characters that nobody sees, but which change how others are read: controls, marks and overrides of
/// direction, joiners, variation tags, private use.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_become_one_plain_line() {
        let check = |text: &str, max, expect: &str| assert_eq!(clean(text, max), expect, "{text:?}");
        check("  Bearing\r\n\thot.\u{0} ", 100, "Bearing hot.");
        check("a\u{202e}b\u{200b}c\u{1b}[31m", 100, "abc[31m");
        check("one two", 5, "one t");
        check("one two", 4, "one");
        check("a😀b", 3, "a😀");
        check("a😀b", 2, "a");
        check("\u{a0}\n", 10, "");
        check("ü\u{2028}ü", 10, "ü ü");
    }

    proptest! {
        #[test]
        fn whatever_comes_the_line_is_plain_and_short(text in any::<String>(), max in 0usize..50) {
            let cleaned = clean(&text, max);
            prop_assert!(cleaned.encode_utf16().count() <= max);
            prop_assert!(!cleaned.chars().any(is_hidden));
            prop_assert!(!cleaned.chars().any(|c| c.is_whitespace() && c != ' '));
            prop_assert!(!cleaned.contains("  ") && cleaned.trim() == cleaned);
            prop_assert_eq!(clean(&cleaned, max), cleaned.clone(), "cleaning twice changes nothing");
            prop_assert!(clean(&text, max + 1).starts_with(&cleaned), "a longer limit only adds");
        }
    }
}
