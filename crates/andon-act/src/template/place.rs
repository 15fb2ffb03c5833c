//! Where a template is written: for people, who look for its faults in a file.
//!
//! A place within a template is a byte offset in its text. The text itself may be any of TOML's strings, so that line
//! and column in the file are found by reading the string again beside it, which happens only when there is a fault.

use std::sync::Arc;

use super::pieces::position;

/// Where a template is written.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file, or whatever else holds it.
    file: Box<str>,
    /// Step and option, as in `step create body`; may be empty.
    part: Box<str>,
    written: Option<Written>,
}

/// A string of a TOML file.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// The whole file.
    pub(crate) text: Arc<str>,
    /// Byte offset of the string, at its opening quote.
    pub(crate) at: usize,
}

impl Place {
    /// A template in a string of a file.
    pub(crate) fn in_file(file: &str, part: &str, written: Option<Written>) -> Self {
        Self { file: file.into(), part: part.into(), written }
    }

    /// The template as a whole.
    pub(super) fn whole(&self) -> String {
        match &self.written {
            Some(written) => self.in_text(&written.text, written.at),
            None => self.name(),
        }
    }

    /// A byte offset of the template, whose text is `source`.
    pub(super) fn within(&self, source: &str, at: usize) -> String {
        if let Some(written) = &self.written
            && let Some(at) = written.offset(source, at)
        {
            return self.in_text(&written.text, at);
        }
        let (line, column) = position(source, at);
        format!("{}, line {line} column {column}", self.name())
    }

    fn name(&self) -> String {
        if self.part.is_empty() { self.file.to_string() } else { format!("{} {}", self.file, self.part) }
    }

    fn in_text(&self, text: &str, at: usize) -> String {
        let (line, column) = position(text, at);
        format!("{} line {line} column {column}, {}", self.file, self.part)
    }
}

impl From<&str> for Place {
    /// A template that stands nowhere else: places are lines and columns of itself.
    fn from(name: &str) -> Self {
        Self { file: name.into(), part: "".into(), written: None }
    }
}

impl Written {
    /// The byte offset in the file of a byte offset in the string's value; `None` when the value is another.
    fn offset(&self, value: &str, at: usize) -> Option<usize> {
        let raw = self.text.get(self.at..)?;
        let (mut raw_at, escapes) = opening(raw)?;
        let mut value_at = 0;
        while value_at < at {
            let expected = value.get(value_at..)?.chars().next()?;
            let (found, length) = character(raw.get(raw_at..)?, escapes)?;
            raw_at += length;
            match found {
                Some(found) if found == expected => value_at += expected.len_utf8(),
                // Line ends may be written in two characters and read as one; some escapes stand for nothing.
                Some('\r') | None => {}
                Some(_) => return None,
            }
        }
        Some(self.at + raw_at)
    }
}

/// Where the value of a string begins, and whether it has escapes.
fn opening(raw: &str) -> Option<(usize, bool)> {
    let escapes = raw.starts_with('"');
    let length = if raw.starts_with("\"\"\"") || raw.starts_with("'''") {
        // A line end directly after the opening quotes does not belong to the value.
        3 + if raw[3..].starts_with("\r\n") { 2 } else { usize::from(raw[3..].starts_with('\n')) }
    } else {
        1
    };
    (escapes || raw.starts_with('\'')).then_some((length, escapes))
}

/// The next character of a string's value and how many bytes it takes; `None` for an escape that stands for nothing.
fn character(raw: &str, escapes: bool) -> Option<(Option<char>, usize)> {
    let first = raw.chars().next()?;
    if first != '\\' || !escapes {
        return Some((Some(first), first.len_utf8()));
    }
    let letter = raw[1..].chars().next()?;
    let simple = |c| Some((Some(c), 2));
    match letter {
        'b' => simple('\u{8}'),
        't' => simple('\t'),
        'n' => simple('\n'),
        'f' => simple('\u{c}'),
        'r' => simple('\r'),
        'e' => simple('\u{1b}'),
        '"' | '\\' => simple(letter),
        'x' => by_number(raw, 2),
        'u' => by_number(raw, 4),
        'U' => by_number(raw, 8),
        // A backslash at the end of a line takes away all white space up to the next character.
        _ => Some((None, 1 + (raw[1..].len() - raw[1..].trim_start_matches([' ', '\t', '\r', '\n']).len()))),
    }
}

fn by_number(raw: &str, digits: usize) -> Option<(Option<char>, usize)> {
    let number = u32::from_str_radix(raw.get(2..2 + digits)?, 16).ok()?;
    Some((Some(char::from_u32(number)?), 2 + digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expects the `!` of the string's value at its place in the file.
    fn check(text: &str, value: &str) {
        let written = Written { text: text.into(), at: text.find(['"', '\'']).expect("a string") };
        let at = value.find('!').expect("a mark");
        assert_eq!(written.offset(value, at), text.find('!'), "for {text:?}");
    }

    #[test]
    fn marks_are_found_in_every_kind_of_string() {
        check("a = 'b!'", "b!");
        check("a = \"b!\"", "b!");
        check("a = '!'", "!");
        check("x = 1\na = '''\n{\n  \"ä\": !\n}'''", "{\n  \"ä\": !\n}");
        check("a = \"\"\"\r\nb\r\nc!\"\"\"", "b\nc!");
        check("a = \"\"\"\r\nb\r\nc!\"\"\"", "b\r\nc!");
        check(r#"a = "q\"\\\t\u00e4\U0001F600\x41!""#, "q\"\\\tä\u{1f600}A!");
        check("a = \"\"\"b \\\n   c!\"\"\"", "b c!");
        check("a = '''''!'''", "''!");
    }

    #[test]
    fn another_value_has_no_place() {
        let written = Written { text: "a = 'b'".into(), at: 4 };
        assert_eq!((written.offset("bc", 2), written.offset("c", 1)), (None, None));
        let place = Place::in_file("actions/x.toml", "step s body", Some(written));
        assert_eq!(place.within("b", 1), "actions/x.toml line 1 column 7, step s body");
        assert_eq!(place.whole(), "actions/x.toml line 1 column 5, step s body");
        assert_eq!(place.within("c\nd", 2), "actions/x.toml step s body, line 2 column 1");
        assert_eq!(Place::from("t").within("ab", 1), "t, line 1 column 2");
    }
}
