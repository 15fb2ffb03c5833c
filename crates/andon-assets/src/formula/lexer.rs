//! Tokens of a formula.

use super::FormulaFault;

/// A token, with its text where that matters.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A number, in plain decimal form.
    Number(String),
    /// Text without its quotes.
    Text(String),
    /// A name.
    Word(String),
    /// An operator or bracket.
    Sign(&'static str),
}

/// Longer ones first.
const SIGNS: [&str; 19] =
    ["<=", ">=", "==", "!=", "??", "+", "-", "*", "/", "%", "^", "<", ">", "(", ")", ",", "?", ":", "!"];

/// The tokens of `text`, each with its byte.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, FormulaFault> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (token, bytes) = token(&text[at..]).map_err(|what| fault(text, at, what))?;
        found.push((at, token));
        at += bytes;
    }
    Ok(found)
}

/// A fault at a byte of `text`.
pub(super) fn fault(text: &str, byte: usize, what: impl Into<String>) -> FormulaFault {
    FormulaFault { position: text.get(..byte).map_or(0, |before| before.chars().count()) + 1, what: what.into() }
}

/// The first token of `rest`, and its length in bytes.
fn token(rest: &str) -> Result<(Token, usize), String> {
    let first = rest.chars().next().unwrap_or(' ');
    match first {
        '0'..='9' | '.' => number(rest),
        'a'..='z' | 'A'..='Z' | '_' => Ok(word(rest)),
        '\'' | '"' => quoted(rest, first),
        _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => Ok((Token::Sign(sign), sign.len())),
            None => Err(format!("{first:?} is not known in formulas")),
        },
    }
}

fn word(rest: &str) -> (Token, usize) {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    (Token::Word(rest[..end].to_owned()), end)
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let mut end = 0;
    let mut before = ' ';
    for c in rest.chars() {
        let exponent_sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
        if !(c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E') || exponent_sign) {
            break;
        }
        (before, end) = (c, end + 1);
    }
    let value: f64 = rest[..end].parse().map_err(|_| format!("{} is not a number", &rest[..end]))?;
    let plain = value.to_string();
    if !value.is_finite() || plain.len() > 28 {
        return Err(format!("{} is beyond the 28 digits of numbers in formulas", &rest[..end]));
    }
    Ok((Token::Number(plain), end))
}

/// A quote inside is doubled.
fn quoted(rest: &str, quote: char) -> Result<(Token, usize), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Ok((Token::Text(text), at + 1));
        }
    }
    Err("the text that begins here is not closed".into())
}
