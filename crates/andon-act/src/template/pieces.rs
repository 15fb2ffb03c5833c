//! Cuts a template into literal text and `${{…}}` insertions.
//!
//! Nothing else has a meaning: `{%`, `{#` and `{{` are plain text, and so is everything that an
//! insertion puts out.

/// Opens an insertion.
const OPEN: &str = "${{";

/// Most bytes of one expression.
const MAX_EXPRESSION_BYTES: usize = 2_048;

/// A part of a template's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'s> {
    /// Stands in the result as it is.
    Literal(&'s str),
    /// To be evaluated.
    Insertion(Insertion<'s>),
}

/// `${{ expression }}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Insertion<'s> {
    /// Byte offset of `${{`.
    pub(super) at: usize,
    /// The text between the braces.
    pub(super) expression: &'s str,
    /// Byte offset of that text.
    pub(super) inner: usize,
    /// Bytes from `${{` to the end of `}}`.
    pub(super) length: usize,
}

/// Something wrong in a source, at a byte offset.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Byte offset.
    pub(super) at: usize,
    /// What, and what to do.
    pub(super) what: String,
}

impl Fault {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }
}

/// Cuts `source` into pieces.
pub(super) fn cut(source: &str) -> Result<Vec<Piece<'_>>, Fault> {
    let (mut pieces, mut from) = (Vec::new(), 0);
    while let Some(found) = source[from..].find(OPEN) {
        let at = from + found;
        if found > 0 {
            pieces.push(Piece::Literal(&source[from..at]));
        }
        let inner = at + OPEN.len();
        let size = closing(&source[inner..])
            .ok_or_else(|| Fault::new(at, "${{ has no }} that closes it; is a quote left open inside?"))?;
        if size > MAX_EXPRESSION_BYTES {
            return Err(Fault::new(at, format!("an expression has at most {MAX_EXPRESSION_BYTES} bytes")));
        }
        let length = OPEN.len() + size + 2;
        pieces.push(Piece::Insertion(Insertion { at, expression: &source[inner..inner + size], inner, length }));
        from = at + length;
    }
    if from < source.len() {
        pieces.push(Piece::Literal(&source[from..]));
    }
    Ok(pieces)
}

/// Where the expression at the beginning of `text` ends: the first `}}` outside quotes and braces.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) => quote = (byte != open).then_some(open),
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
    }
    None
}

/// Line and column (in characters) of a byte offset, both counted from 1.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expect: &[&str]) {
        let pieces = cut(source).expect("well-formed");
        let shown: Vec<String> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => format!("={text}"),
                Piece::Insertion(i) => {
                    assert_eq!(&source[i.at..i.at + i.length], format!("${{{{{}}}}}", i.expression));
                    format!("?{}", i.expression)
                }
            })
            .collect();
        assert_eq!(shown, expect, "for {source:?}");
    }

    #[test]
    fn insertions_end_at_their_own_braces() {
        check("", &[]);
        check("plain {{ x }} {% if %} {# c #} $ {", &["=plain {{ x }} {% if %} {# c #} $ {"]);
        check(r#"{"a":${{x}}}"#, &[r#"={"a":"#, "?x", "=}"]);
        check("${{a}}${{ b }}", &["?a", "? b "]);
        check("${{ '}}' ~ \"\\\"}}\" }}!", &["? '}}' ~ \"\\\"}}\" ", "=!"]);
        check("${{ {'a': {'b': 1}} }}", &["? {'a': {'b': 1}} "]);
    }

    #[test]
    fn open_and_long_expressions_are_refused() {
        assert_eq!(cut("abc ${{ x").expect_err("open").at, 4);
        assert_eq!(cut("${{ 'x }}").expect_err("quote").at, 0);
        let long = format!("${{{{{}}}}}", "x".repeat(MAX_EXPRESSION_BYTES + 1));
        assert_eq!(cut(&long).expect_err("long").what, "an expression has at most 2048 bytes");
    }

    #[test]
    fn positions_count_characters() {
        assert_eq!(position("aü\nbc", 5), (2, 2));
        assert_eq!(position("", 0), (1, 1));
    }
}
