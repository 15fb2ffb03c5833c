//! Texts of a policy with wildcards and variables, and the patterns that they become on a connection.

use super::Connection;
use super::matcher::{Glob, Token};
use super::variable::Variable;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Fixed(Token),
    /// A variable, and how it was written.
    Variable(Variable, String),
}

/// A text with wildcards and variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

/// What a template became on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    /// The patterns, one for each value of a variable that has several.
    pub(super) globs: Vec<Glob>,
    /// Whether every variable had a value.
    pub(super) resolved: bool,
}

impl Template {
    /// Reads a text: `*` and `?` are wildcards, `${name}` is a variable, `${*}`, `${?}` and `${$}` stand for the
    /// character.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            push_wildcards(&mut pieces, &rest[..at]);
            let (name, after) = rest[at + 2..].split_once('}').ok_or("a variable is not closed by }")?;
            pieces.push(variable(name)?);
            rest = after;
        }
        push_wildcards(&mut pieces, rest);
        let template = Self(pieces);
        template.check_lists()?;
        Ok(template)
    }

    /// Whether it holds a variable.
    pub(super) fn has_variable(&self) -> bool {
        self.variables().next().is_some()
    }

    /// Whether a text that it holds outside of variables has one of `characters`.
    pub(super) fn has_text(&self, characters: &[char]) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Fixed(Token::Text(text)) if text.contains(characters)))
    }

    fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(variable, _) => Some(variable),
            Piece::Fixed(_) => None,
        })
    }

    fn check_lists(&self) -> Result<(), String> {
        let mut lists = self.variables().filter(|variable| variable.is_list());
        let first = lists.next();
        if lists.any(|other| Some(other) != first) {
            return Err("two different variables with several values stand in one text".to_owned());
        }
        Ok(())
    }

    /// Puts in the values of `connection`. A variable without a value stays as it was written.
    pub(super) fn bind(&self, connection: &Connection<'_>) -> Bound {
        let list = self.variables().find(|variable| variable.is_list()).map(|list| list.substitutes(connection));
        match list {
            Some(values) if !values.is_empty() => {
                let bound: Vec<_> = values.iter().map(|value| self.fill(connection, Some(value))).collect();
                let resolved = bound.iter().all(|(_, resolved)| *resolved);
                Bound { globs: bound.into_iter().map(|(glob, _)| glob).collect(), resolved }
            }
            _ => {
                let (glob, resolved) = self.fill(connection, None);
                Bound { globs: vec![glob], resolved }
            }
        }
    }

    fn fill(&self, connection: &Connection<'_>, element: Option<&String>) -> (Glob, bool) {
        let mut resolved = true;
        let tokens = self.0.iter().map(|piece| match piece {
            Piece::Fixed(token) => token.clone(),
            Piece::Variable(variable, written) => {
                let value = if variable.is_list() {
                    element.cloned()
                } else {
                    variable.substitutes(connection).into_iter().next()
                };
                resolved &= value.is_some();
                Token::Text(value.unwrap_or_else(|| written.clone()))
            }
        });
        let glob = Glob::new(tokens);
        (glob, resolved)
    }
}

fn push_wildcards(pieces: &mut Vec<Piece>, text: &str) {
    let mut start = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, '*' | '?')) {
        push_text(pieces, &text[start..at]);
        pieces.push(Piece::Fixed(if c == '*' { Token::Run } else { Token::One }));
        start = at + 1;
    }
    push_text(pieces, &text[start..]);
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Fixed(Token::Text(text.to_owned())));
    }
}

fn variable(name: &str) -> Result<Piece, String> {
    if matches!(name, "*" | "?" | "$") {
        return Ok(Piece::Fixed(Token::Text(name.to_owned())));
    }
    let known = Variable::parse(name).ok_or_else(|| format!("${{{name}}} is not a variable of devices"))?;
    Ok(Piece::Variable(known, format!("${{{name}}}")))
}
