//! Reading a text through the encodings that answers wrap their texts in.

/// One encoding of single characters. Its escapes are read, everything else stands for itself, so that it
/// does not matter which characters an encoder chose to escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// `\"`, `\n`, `\u00e9`.
    Json,
    /// `%C3%A9`, and `+` for a blank.
    Percent,
    /// `&quot;`, `&#233;`, `&#xE9;`.
    Markup,
}

use Encoding::{Json, Markup, Percent};

/// How a text may be encoded, outermost first: not at all, once, or twice, as JSON inside JSON is.
const VIEWS: [&[Encoding]; 13] = [
    &[],
    &[Json],
    &[Percent],
    &[Markup],
    &[Json, Json],
    &[Json, Percent],
    &[Json, Markup],
    &[Percent, Json],
    &[Percent, Percent],
    &[Percent, Markup],
    &[Markup, Json],
    &[Markup, Percent],
    &[Markup, Markup],
];

/// Longest name or number of a character reference.
const MAX_REFERENCE: usize = 10;

/// The views that differ for this text: those whose escapes occur in it.
pub(super) fn views(text: &str) -> Vec<&'static [Encoding]> {
    let occurs = |encoding: &Encoding| match encoding {
        Json => text.contains('\\'),
        Percent => text.contains(['%', '+']),
        Markup => text.contains('&'),
    };
    // An escape of the inner encoding may be hidden by the outer one, as the backslash of `%5C`.
    VIEWS.into_iter().filter(|view| view.first().is_none_or(occurs)).collect()
}

/// Whether a character that was read is the one of the secret. A byte that is not UTF-8, as in an answer in
/// Latin-1, was read as U+FFFD and may be any character beyond ASCII.
pub(super) fn same(found: char, wanted: char, view: &[Encoding]) -> bool {
    let blank = wanted == ' ' && found == '+' && view.contains(&Percent);
    found == wanted || blank || (found == char::REPLACEMENT_CHARACTER && !wanted.is_ascii())
}

/// The character at `at` and where the next one begins; `None` at the end.
pub(super) fn read(text: &str, at: usize, view: &[Encoding]) -> Option<(char, usize)> {
    let Some((inner, outer)) = view.split_last() else {
        let found = text.get(at..)?.chars().next()?;
        return Some((found, at + found.len_utf8()));
    };
    let (first, next) = read(text, at, outer)?;
    let escape = match (inner, first) {
        (Json, '\\') => json(text, next, outer),
        (Percent, '%') => percent(text, next, outer),
        (Markup, '&') => markup(text, next, outer),
        _ => None,
    };
    Some(escape.unwrap_or((first, next)))
}

/// What follows a backslash.
fn json(text: &str, at: usize, outer: &[Encoding]) -> Option<(char, usize)> {
    let (kind, next) = read(text, at, outer)?;
    let plain = match kind {
        '"' | '\\' | '/' | '\'' => kind,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return utf16(text, next, outer),
        _ => return None,
    };
    Some((plain, next))
}

/// Four hexadecimal digits, and four more for the second half of a pair.
fn utf16(text: &str, at: usize, outer: &[Encoding]) -> Option<(char, usize)> {
    let (high, next) = hex(text, at, outer, 4)?;
    if let Some(found) = char::from_u32(high) {
        return Some((found, next));
    }
    let low = expect(text, next, outer, "\\u").and_then(|at| hex(text, at, outer, 4));
    let (low, end) = low?;
    let units = [u16::try_from(high).ok()?, u16::try_from(low).ok()?];
    let found = char::decode_utf16(units).next()?.ok()?;
    Some((found, end))
}

/// The UTF-8 bytes of one character, each as two hexadecimal digits; a byte that is none, as Latin-1.
fn percent(text: &str, at: usize, outer: &[Encoding]) -> Option<(char, usize)> {
    let (first, after_first) = hex(text, at, outer, 2)?;
    let (mut bytes, mut end) = (vec![u8::try_from(first).ok()?], after_first);
    let more = match first {
        0xC2..=0xDF => 1,
        0xE0..=0xEF => 2,
        0xF0..=0xF4 => 3,
        _ => 0,
    };
    for _ in 0..more {
        let Some((byte, next)) = expect(text, end, outer, "%").and_then(|at| hex(text, at, outer, 2)) else { break };
        bytes.push(u8::try_from(byte).ok()?);
        end = next;
    }
    match std::str::from_utf8(&bytes).ok().and_then(|found| found.chars().next()) {
        Some(found) => Some((found, end)),
        None => Some((char::from_u32(first)?, after_first)),
    }
}

/// What follows an ampersand, to its semicolon.
fn markup(text: &str, at: usize, outer: &[Encoding]) -> Option<(char, usize)> {
    let (mut name, mut at) = (String::new(), at);
    loop {
        let (found, next) = read(text, at, outer)?;
        at = next;
        match found {
            ';' => break,
            _ if name.len() >= MAX_REFERENCE => return None,
            _ => name.push(found),
        }
    }
    let found = match name.as_str() {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        other => numbered(other)?,
    };
    Some((found, at))
}

/// `#233` or `#xE9`.
fn numbered(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let number = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(number)
}

/// A number of hexadecimal digits.
fn hex(text: &str, at: usize, outer: &[Encoding], digits: usize) -> Option<(u32, usize)> {
    (0..digits).try_fold((0, at), |(number, at), _| {
        let (digit, next) = read(text, at, outer)?;
        Some((number * 16 + digit.to_digit(16)?, next))
    })
}

/// The place behind `wanted`.
fn expect(text: &str, at: usize, outer: &[Encoding], wanted: &str) -> Option<usize> {
    wanted.chars().try_fold(at, |at, wanted| {
        let (found, next) = read(text, at, outer)?;
        (found == wanted).then_some(next)
    })
}
