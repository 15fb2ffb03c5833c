//! The tokens of URL expressions.

use std::fmt;

/// Most tokens in one expression.
const MAX_TOKENS: usize = 2_000;

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name, number or keyword.
    Word(String),
    /// `prefix'text'`, with doubled quotes undoubled.
    Quoted(String, String),
    Open,
    Close,
    Comma,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Quoted(prefix, text) => write!(f, "{prefix}'{text}'"),
            Self::Open => f.write_str("("),
            Self::Close => f.write_str(")"),
            Self::Comma => f.write_str(","),
        }
    }
}

/// Cuts an expression into tokens; the error says what is wrong.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if found.len() == MAX_TOKENS {
            return Err(format!("it has more than {MAX_TOKENS} parts"));
        }
        let (token, after) = match first {
            '(' => (Token::Open, &rest[1..]),
            ')' => (Token::Close, &rest[1..]),
            ',' => (Token::Comma, &rest[1..]),
            _ => word_or_quoted(rest)?,
        };
        found.push(token);
        rest = after.trim_start();
    }
    Ok(found)
}

fn word_or_quoted(text: &str) -> Result<(Token, &str), String> {
    let end = text.find(|c: char| c.is_whitespace() || "(),'".contains(c)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    match rest.strip_prefix('\'') {
        None => Ok((Token::Word(word.to_owned()), rest)),
        Some(inner) => {
            let (content, rest) = quoted(inner)?;
            Ok((Token::Quoted(word.to_owned(), content), rest))
        }
    }
}

/// Reads up to the closing quote; a doubled quote is one in the text.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut content = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('\'').ok_or("a text is not closed")?;
        content.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                content.push('\'');
                rest = more;
            }
            None => return Ok((content, after)),
        }
    }
}
