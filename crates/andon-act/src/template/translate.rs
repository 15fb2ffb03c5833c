//! Turns an expression of a template into one that the template engine reads.
//!
//! Paths become numbered variables: `v0`, or `u0` where the template itself provides for a missing
//! value (`| default(…)`, `is defined`). Everything else stays as it is, save three things that are
//! settled here so that no event can make an expression misbehave:
//!
//! * names, filters and tests that do not exist are refused now instead of at the first event;
//! * both sides of `*` must be numbers (the engine would repeat texts and lists), both sides of `~`
//!   are turned into text the way an insertion is (the engine would write `none`);
//! * slices are refused: a filter cuts by characters.

use std::fmt::Write as _;

use super::environment::{FILTERS, TESTS};
use super::lookahead::{is_provided_for, names_argument, number_length};
use super::path::{Path, ROOTS, is_word, leading};
use super::pieces::Fault;

/// Applied to both sides of `*`.
const AS_NUMBER: &str = "|_number";

/// Applied to both sides of `~`.
const AS_TEXT: &str = "|_text";

/// Most operators, filters and brackets of one expression. The engine recurses for each, so that this
/// and [`MAX_NESTING`] bound its stack.
const MAX_OPERATIONS: usize = 200;

/// Most brackets within one another.
const MAX_NESTING: usize = 16;

/// Words of the expression language itself.
const OPERATORS: [&str; 6] = ["and", "or", "not", "in", "if", "else"];
const CONSTANTS: [&str; 6] = ["true", "false", "none", "True", "False", "None"];

/// An expression for the engine.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translation {
    /// The expression with variables in place of paths.
    pub(super) text: String,
    /// The path of each variable, in order.
    pub(super) paths: Vec<Path>,
}

/// What stands before the present place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The beginning, an operator or an opening bracket: an operand follows.
    Operator,
    /// A complete operand.
    Operand,
    /// `.`, so that a member's name follows.
    Dot,
    /// `|`, so that a filter's name follows.
    Pipe,
    /// `is`, so that a test's name follows.
    Is,
}

/// Translates `source`.
pub(super) fn translate(source: &str) -> Result<Translation, Fault> {
    let mut translator = Translator {
        source,
        at: 0,
        before: Before::Operator,
        operations: 0,
        levels: vec![Level { bracket: None, due: None }],
        result: Translation { text: String::with_capacity(source.len()), paths: Vec::new() },
    };
    while let Some(c) = translator.rest().chars().next() {
        translator.token(c)?;
        if translator.operations > MAX_OPERATIONS {
            return Err(
                translator.fault(format!("an expression has at most {MAX_OPERATIONS} operators, filters and brackets"))
            );
        }
    }
    translator.settle();
    Ok(translator.result)
}

/// What is open at one depth of brackets.
#[derive(Debug)]
struct Level {
    bracket: Option<char>,
    /// To be applied to the operand that is being read.
    due: Option<&'static str>,
}

struct Translator<'s> {
    source: &'s str,
    at: usize,
    before: Before,
    operations: usize,
    levels: Vec<Level>,
    result: Translation,
}

impl<'s> Translator<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn fault(&self, what: impl Into<String>) -> Fault {
        Fault::new(self.at, what)
    }

    /// Whether the innermost open bracket is this one.
    fn level_is(&self, bracket: char) -> bool {
        self.levels.last().is_some_and(|level| level.bracket == Some(bracket))
    }

    /// Copies `length` bytes and remembers what they were.
    fn copy(&mut self, length: usize, before: Before) {
        self.result.text.push_str(&self.rest()[..length]);
        self.advance(length, before);
    }

    fn advance(&mut self, length: usize, before: Before) {
        self.at += length;
        self.before = before;
        self.operations += usize::from(before != Before::Operand);
    }

    /// Applies what is due to the operand that ends here.
    fn settle(&mut self) {
        if self.before != Before::Operand {
            return;
        }
        if let Some(filter) = self.levels.last_mut().and_then(|level| level.due.take()) {
            let end = self.result.text.trim_end().len();
            self.result.text.insert_str(end, filter);
        }
    }

    fn token(&mut self, c: char) -> Result<(), Fault> {
        match c {
            c if c.is_whitespace() => {
                self.result.text.push(c);
                self.at += c.len_utf8();
            }
            '"' | '\'' => self.quoted(c)?,
            c if is_word(c) => self.word()?,
            '(' | '[' | '{' => self.open(c)?,
            ')' | ']' | '}' => self.close(c)?,
            '*' | '~' => self.convert(c)?,
            '.' => self.copy(1, Before::Dot),
            '|' => self.copy(1, Before::Pipe),
            ':' if self.level_is('[') => {
                return Err(self.fault("slices are not part of the language: use left(n), first or last"));
            }
            c => {
                self.settle();
                self.copy(c.len_utf8(), Before::Operator);
            }
        }
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), Fault> {
        let mut escaped = false;
        let end = self.rest()[1..].find(|c| {
            let is_end = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            is_end
        });
        let length = end.ok_or_else(|| self.fault("the quote is not closed"))? + 2;
        self.copy(length, Before::Operand);
        Ok(())
    }

    fn open(&mut self, bracket: char) -> Result<(), Fault> {
        if self.levels.len() > MAX_NESTING {
            return Err(self.fault(format!("brackets stand within one another at most {MAX_NESTING} deep")));
        }
        self.copy(1, Before::Operator);
        self.levels.push(Level { bracket: Some(bracket), due: None });
        Ok(())
    }

    fn close(&mut self, bracket: char) -> Result<(), Fault> {
        self.settle();
        let expected = match self.levels.last().and_then(|level| level.bracket) {
            Some('(') => ')',
            Some('[') => ']',
            Some('{') => '}',
            _ => return Err(self.fault(format!("{bracket} closes nothing"))),
        };
        if bracket != expected {
            return Err(self.fault(format!("{bracket} stands where {expected} is expected")));
        }
        self.levels.pop();
        self.copy(1, Before::Operand);
        Ok(())
    }

    /// `*`, `**` and `~`: makes both sides numbers or text. `*` binds closer than `~`, so its side wins.
    fn convert(&mut self, c: char) -> Result<(), Fault> {
        if self.before != Before::Operand {
            return Err(self.fault(format!("{c} stands between two values")));
        }
        let filter = if c == '~' { AS_TEXT } else { AS_NUMBER };
        if let Some(level) = self.levels.last_mut() {
            let is_factor = level.due == Some(AS_NUMBER);
            level.due = Some(if is_factor { AS_NUMBER } else { filter });
        }
        self.settle();
        let length = if self.rest().starts_with("**") { 2 } else { 1 };
        self.copy(length, Before::Operator);
        if let Some(level) = self.levels.last_mut() {
            level.due = Some(filter);
        }
        Ok(())
    }

    fn word(&mut self) -> Result<(), Fault> {
        let word = leading(self.rest(), is_word);
        match self.before {
            Before::Dot => self.copy(word.len(), Before::Operand),
            Before::Pipe => self.known(word, FILTERS, "filter")?,
            Before::Is if word == "not" => self.copy(word.len(), Before::Is),
            Before::Is => self.known(word, TESTS, "test")?,
            _ if word == "is" => self.word_operator(word, Before::Is),
            _ if OPERATORS.contains(&word) => self.word_operator(word, Before::Operator),
            _ if word.starts_with(|c: char| c.is_ascii_digit()) => {
                self.copy(number_length(self.rest()), Before::Operand);
            }
            _ if CONSTANTS.contains(&word) => self.copy(word.len(), Before::Operand),
            _ if self.level_is('(') && names_argument(&self.rest()[word.len()..]) => {
                self.copy(word.len(), Before::Operator);
            }
            _ if word.eq_ignore_ascii_case("stringify") => {
                self.result.text.push_str("stringify");
                self.advance(word.len(), Before::Operand);
            }
            _ => self.path(word)?,
        }
        Ok(())
    }

    fn word_operator(&mut self, word: &str, before: Before) {
        self.settle();
        self.copy(word.len(), before);
    }

    fn known(&mut self, word: &str, names: &[&str], what: &str) -> Result<(), Fault> {
        if !names.contains(&word) {
            return Err(self.fault(format!("there is no {what} {word:?}; there are: {}", names.join(", "))));
        }
        self.copy(word.len(), Before::Operand);
        Ok(())
    }

    fn path(&mut self, word: &str) -> Result<(), Fault> {
        let read = Path::read(self.rest()).map_err(|what| self.fault(what))?;
        let Some((path, length)) = read else {
            let hint = "a name with other characters than letters, digits and _ is written ['…']";
            return Err(self.fault(format!("nothing is called {word:?}; a path begins with {ROOTS}; {hint}")));
        };
        let after = &self.rest()[length..];
        if after.starts_with('(') {
            return Err(self.fault(format!("{path} is a path, it cannot be called")));
        }
        let kind = if is_provided_for(after) { 'u' } else { 'v' };
        let _ = write!(self.result.text, "{kind}{}", self.result.paths.len());
        self.result.paths.push(path);
        self.advance(length, Before::Operand);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expect: &str) {
        let shown = match translate(source) {
            Ok(translation) => translation.text,
            Err(fault) => format!("{}: {}", fault.at, fault.what),
        };
        assert_eq!(shown, expect, "for {source:?}");
    }

    #[test]
    fn paths_become_variables() {
        check(" Event.data.x ", " v0 ");
        check("pre.fetch-plant.Result[0].X|upper", "v0|upper");
        check("event.a - event.b", "v0 - v1");
        check("'event.data' ~ \"it's\"", "'event.data'|_text ~ \"it's\"|_text");
        check("event.list[run.n].x", "v0[v1].x");
        check("Stringify( event.data )", "stringify( v0 )");
        check("event.a|default(event.b)", "u0|default(v1)");
        check("1 if event.a is not  defined else event.a", "1 if u0 is not  defined else v1");
        check("event.a is number", "v0 is number");
        check("event.a|round(precision = 2)", "v0|round(precision = 2)");
        check("{'event': event.a, 'b': [true, none]}", "{'event': v0, 'b': [true, none]}");
    }

    #[test]
    fn both_sides_of_an_operator_are_converted() {
        check("event.a * 3", "v0|_number * 3|_number");
        check("2 * -event.a + 1", "2|_number * -v0|_number + 1");
        check("event.a * event.b|int * 2", "v0|_number * v1|int|_number * 2|_number");
        check("(event.a * [1]) ~ 'x'", "(v0|_number * [1]|_number)|_text ~ 'x'|_text");
        check("event.a ~ event.b * 2 ~ 'x'", "v0|_text ~ v1|_number * 2|_number ~ 'x'|_text");
        check("event.a ~ 'x' if event.b else 'y'", "v0|_text ~ 'x'|_text if v1 else 'y'");
        check("event.a * event.b is number", "v0|_number * v1|_number is number");
        check("event.a / 2 ~ 'x'", "v0 / 2|_text ~ 'x'|_text");
        check("event.a ** 2", "v0|_number ** 2|_number");
        check("event.a * 1.5e-3 - 2", "v0|_number * 1.5e-3|_number - 2");
    }

    #[test]
    fn mistakes_are_named_where_they_are() {
        let roots = "a path begins with event, decision, default, lookups, pre, main, post, open-check, update, episode, run, key";
        let hint = "a name with other characters than letters, digits and _ is written ['…']";
        check("event.bucket-name", &format!("13: nothing is called \"name\"; {roots}; {hint}"));
        check("event.x[1:2]", "9: slices are not part of the language: use left(n), first or last");
        check("event.items()", "0: event.items is a path, it cannot be called");
        check("(event.x]", "8: ] stands where ) is expected");
        check("event.x)", "7: ) closes nothing");
        check("event.x ~ 'y", "10: the quote is not closed");
        check("f(*event.x)", &format!("0: nothing is called \"f\"; {roots}; {hint}"));
        check("stringify(*event.x)", "10: * stands between two values");
        check("pre", "0: pre needs a name: pre.<name>.<path>");
        let filters = FILTERS.join(", ");
        check("event.x|shout", &format!("8: there is no filter \"shout\"; there are: {filters}"));
    }
}
