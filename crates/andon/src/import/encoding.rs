//! The text of a file: UTF-8, or UTF-16 as spreadsheets save "Unicode text".

use std::borrow::Cow;

use super::report::Note;

/// The text without a byte order mark. The note: it is neither, and where that shows.
pub(super) fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>, Note> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(file, rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(file, rest, u16::from_be_bytes),
        // Without a mark: the first character of a header or of JSON is ASCII.
        [1..=0x7f, 0, ..] => utf16(file, bytes, u16::from_le_bytes),
        [0, 1..=0x7f, ..] => utf16(file, bytes, u16::from_be_bytes),
        _ => utf8(file, bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)),
    }
}

fn utf8<'a>(file: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>, Note> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|b| *b == b'\n').count();
        Note::at(format!("{file} line {line}"), "the file is not UTF-8; save it as CSV UTF-8")
    })
}

fn utf16<'a>(file: &str, bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'a, str>, Note> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match text {
        Ok(text) if bytes.len().is_multiple_of(2) => Ok(Cow::Owned(text)),
        _ => Err(Note::at(file, "the file begins as UTF-16 and does not go on so; save it as CSV UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_save_a_text_is_read() {
        let check = |bytes: &[u8], expect: &str| {
            let found = text("x.csv", bytes).map_or_else(|note| note.to_string(), Cow::into_owned);
            assert_eq!(found, expect, "{bytes:?}");
        };
        check("aä".as_bytes(), "aä");
        check(b"\xef\xbb\xbfa", "a");
        check(b"\xff\xfea\0\xe4\0", "aä");
        check(b"\xfe\xff\0a\0\xe4", "aä");
        check(b"a\0b\0", "ab");
        check(b"\0a\0b", "ab");
        check(b"", "");
        check(b"a\n\xe4", "x.csv line 2: the file is not UTF-8; save it as CSV UTF-8");
        let broken = "x.csv: the file begins as UTF-16 and does not go on so; save it as CSV UTF-8";
        check(b"\xff\xfea", broken);
        check(b"\xff\xfe\0\xd8", broken);
    }
}
