//! `$filter`: a small recursive-descent parser and its evaluation.
//!
//! ```text
//! or      = and ("or" and)*
//! and     = not ("and" not)*
//! not     = "not" not | "(" or ")" | match | comparison
//! match   = ("startswith" | "endswith") "(" field "," text ")" [("eq" | "ne") flag]
//!         | "substringof" "(" text "," field ")" [("eq" | "ne") flag]      in V2
//!         | "contains" "(" field "," text ")"                               in V4
//! comparison = field ("eq" | "ne" | "gt" | "ge" | "lt" | "le") literal
//! ```

use super::cell::{Cell, Literal};
use super::dialect::Dialect;
use super::failure::Failure;
use super::fields::{EntityType, Field};
use super::row::Row;
use super::token::{Token, tokens};

/// Deepest nesting.
const MAX_DEPTH: usize = 32;

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

/// Where a text must occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Start,
    End,
    Anywhere,
}

/// A parsed `$filter`, bound to the fields of an entity type.
#[derive(Debug)]
pub(crate) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare(u8, Comparison, Option<Cell>),
    Match(u8, Place, String),
}

impl Filter {
    /// Parses the text of a `$filter`, percent-decoded.
    pub(crate) fn parse(dialect: Dialect, kind: &'static EntityType, text: &str) -> Result<Self, Failure> {
        let tokens = tokens(text).map_err(|what| malformed(&what))?;
        let mut parser = Parser { dialect, kind, tokens: &tokens, depth: 0 };
        let filter = parser.or()?;
        match parser.tokens.first() {
            None => Ok(filter),
            Some(token) => Err(malformed(&format!("{token} is not expected here"))),
        }
    }

    /// Whether a row passes.
    pub(crate) fn passes(&self, row: &Row) -> bool {
        match self {
            Self::And(a, b) => a.passes(row) && b.passes(row),
            Self::Or(a, b) => a.passes(row) || b.passes(row),
            Self::Not(inner) => !inner.passes(row),
            Self::Compare(at, comparison, literal) => compare(row, *at, *comparison, literal.as_ref()),
            Self::Match(at, place, needle) => matches_text(row, *at, *place, needle),
        }
    }

    /// The text that a field must equal for any row to pass, when the filter says so.
    pub(crate) fn pinned(&self, position: u8) -> Option<&str> {
        match self {
            Self::And(a, b) => a.pinned(position).or_else(|| b.pinned(position)),
            Self::Compare(at, Comparison::Eq, Some(Cell::Text(text))) if *at == position => Some(text),
            _ => None,
        }
    }
}

/// The value of a field as filters and orders see it: initial values take part.
pub(crate) fn value_of<'a>(row: &'a Row, at: u8, initial: Option<&'a Cell>) -> Option<&'a Cell> {
    row.at(at).or(initial)
}

fn compare(row: &Row, at: u8, comparison: Comparison, literal: Option<&Cell>) -> bool {
    let initial = Cell::initial(row.kind.field(at).edm);
    let value = value_of(row, at, initial.as_ref());
    match comparison {
        Comparison::Eq => value == literal,
        Comparison::Ne => value != literal,
        _ => match (value, literal) {
            (Some(value), Some(literal)) => ordered(value, comparison, literal),
            _ => false,
        },
    }
}

fn ordered(value: &Cell, comparison: Comparison, literal: &Cell) -> bool {
    match comparison {
        Comparison::Gt => value > literal,
        Comparison::Ge => value >= literal,
        Comparison::Lt => value < literal,
        Comparison::Le => value <= literal,
        Comparison::Eq => value == literal,
        Comparison::Ne => value != literal,
    }
}

fn matches_text(row: &Row, at: u8, place: Place, needle: &str) -> bool {
    let text = match row.at(at) {
        Some(Cell::Text(text)) => text,
        _ => "",
    };
    match place {
        Place::Start => text.starts_with(needle),
        Place::End => text.ends_with(needle),
        Place::Anywhere => text.contains(needle),
    }
}

fn malformed(what: &str) -> Failure {
    Failure::malformed(format!("Invalid $filter: {what}"))
}

struct Parser<'a> {
    dialect: Dialect,
    kind: &'static EntityType,
    tokens: &'a [Token],
    depth: usize,
}

impl<'a> Parser<'a> {
    fn or(&mut self) -> Result<Filter, Failure> {
        let mut left = self.and()?;
        while self.skip_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, Failure> {
        let mut left = self.not()?;
        while self.skip_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Filter, Failure> {
        if self.depth == MAX_DEPTH {
            return Err(malformed(&format!("it is nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let filter = self.primary();
        self.depth -= 1;
        filter
    }

    fn primary(&mut self) -> Result<Filter, Failure> {
        match self.next()? {
            Token::Open => {
                let inner = self.or()?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Token::Word(word) if word == "not" => Ok(Filter::Not(Box::new(self.not()?))),
            Token::Word(word) => match (word.as_str(), self.tokens.first()) {
                ("startswith", Some(Token::Open)) => self.field_first(Place::Start),
                ("endswith", Some(Token::Open)) => self.field_first(Place::End),
                ("substringof", Some(Token::Open)) if self.dialect == Dialect::V2 => self.needle_first(),
                ("contains", Some(Token::Open)) if self.dialect == Dialect::V4 => self.field_first(Place::Anywhere),
                (name, Some(Token::Open)) => Err(malformed(&format!("function {name} is not supported"))),
                (name, _) => self.comparison(name),
            },
            other => Err(malformed(&format!("{other} is not expected here"))),
        }
    }

    fn comparison(&mut self, name: &str) -> Result<Filter, Failure> {
        let (at, field) = self.field(name)?;
        let comparison = match self.next()? {
            Token::Word(word) => comparison_of(word)?,
            other => return Err(malformed(&format!("{other} stands where a comparison belongs"))),
        };
        let literal = match self.next()? {
            Token::Word(word) => self.dialect.literal(field, Literal::Bare(word)),
            Token::Quoted(prefix, text) => self.dialect.literal(field, Literal::Quoted(prefix, text)),
            other => return Err(malformed(&format!("{other} stands where a literal belongs"))),
        };
        let misfit = |what| malformed(&format!("the literal for {} {what}", field.name));
        Ok(Filter::Compare(at, comparison, literal.map_err(misfit)?))
    }

    fn field_first(&mut self, place: Place) -> Result<Filter, Failure> {
        self.expect(&Token::Open)?;
        let (at, field) = self.named_field()?;
        self.expect(&Token::Comma)?;
        let needle = self.needle(field)?;
        self.expect(&Token::Close)?;
        self.verdict(Filter::Match(at, place, needle))
    }

    fn needle_first(&mut self) -> Result<Filter, Failure> {
        self.expect(&Token::Open)?;
        let Token::Quoted(_, needle) = self.next()? else { return Err(malformed("substringof takes the text first")) };
        self.expect(&Token::Comma)?;
        let (at, field) = self.named_field()?;
        self.expect(&Token::Close)?;
        self.verdict(Filter::Match(at, Place::Anywhere, folded(field, needle)))
    }

    /// A match may be compared with a flag: `startswith(…) eq true`.
    fn verdict(&mut self, filter: Filter) -> Result<Filter, Failure> {
        let same = match self.tokens.first() {
            Some(Token::Word(word)) if word == "eq" => true,
            Some(Token::Word(word)) if word == "ne" => false,
            _ => return Ok(filter),
        };
        self.next()?;
        match self.next()? {
            Token::Word(word) if word == "true" || word == "false" => {
                let wanted = (word == "true") == same;
                Ok(if wanted { filter } else { Filter::Not(Box::new(filter)) })
            }
            other => Err(malformed(&format!("{other} stands where true or false belongs"))),
        }
    }

    fn named_field(&mut self) -> Result<(u8, &'static Field), Failure> {
        match self.next()? {
            Token::Word(name) => self.field(name),
            other => Err(malformed(&format!("{other} stands where a property belongs"))),
        }
    }

    fn field(&self, name: &str) -> Result<(u8, &'static Field), Failure> {
        let at = self.kind.position(name).ok_or_else(|| malformed(&format!("property {name} does not exist")))?;
        let field = self.kind.field(at);
        if field.filterable { Ok((at, field)) } else { Err(malformed(&format!("property {name} is not filterable"))) }
    }

    fn needle(&mut self, field: &Field) -> Result<String, Failure> {
        match self.next()? {
            Token::Quoted(prefix, text) if prefix.is_empty() => Ok(folded(field, text)),
            other => Err(malformed(&format!("{other} stands where a text belongs"))),
        }
    }

    fn next(&mut self) -> Result<&'a Token, Failure> {
        let (first, rest) = self.tokens.split_first().ok_or_else(|| malformed("it ends too early"))?;
        self.tokens = rest;
        Ok(first)
    }

    fn expect(&mut self, token: &Token) -> Result<(), Failure> {
        let found = self.next()?;
        if found == token { Ok(()) } else { Err(malformed(&format!("{found} stands where {token} belongs"))) }
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.first(), Some(Token::Word(next)) if next == word);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }
}

fn folded(field: &Field, text: &str) -> String {
    if field.upper { text.to_uppercase() } else { text.to_owned() }
}

fn comparison_of(word: &str) -> Result<Comparison, Failure> {
    match word {
        "eq" => Ok(Comparison::Eq),
        "ne" => Ok(Comparison::Ne),
        "gt" => Ok(Comparison::Gt),
        "ge" => Ok(Comparison::Ge),
        "lt" => Ok(Comparison::Lt),
        "le" => Ok(Comparison::Le),
        other => Err(malformed(&format!("{other:?} is not a comparison"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tables::SERVICES;
    use super::*;

    fn row() -> Row {
        let mut row = Row::new(SERVICES[0].root);
        row.set("NotificationText", Cell::text("O'Neil pump"));
        row.set("MaintPriority", Cell::text("2"));
        row.set("MaintNotifExtReferenceNumber", Cell::text("KEY1"));
        row.set("CreationDate", Cell::Millis(1_687_824_000_000));
        row
    }

    fn check(text: &str, expect: &str) {
        let found = Filter::parse(Dialect::V2, SERVICES[0].root, text);
        let shown = found.map_or_else(|failure| failure.to_string(), |filter| filter.passes(&row()).to_string());
        assert!(shown.ends_with(expect), "{text} gave {shown}, expected {expect}");
    }

    #[test]
    fn filters_pass_what_they_say() {
        check("MaintNotifExtReferenceNumber eq 'key1'", "true");
        check("NotificationText eq 'O''Neil pump'", "true");
        check("NotificationText eq 'o''neil pump'", "false");
        check("MaintPriority ne '2' or MaintPriority eq '2' and MaintPriority gt '1'", "true");
        check("(MaintPriority ne '2' or MaintPriority eq '2') and MaintPriority gt '2'", "false");
        check("not (MaintPriority le '2')", "false");
        check("startswith(NotificationText,'O''N') and endswith(NotificationText,'pump')", "true");
        check("substringof('Neil',NotificationText) eq true", "true");
        check("substringof('Neil',NotificationText) eq false", "false");
        check("startswith(MaintNotifExtReferenceNumber,'ke') ne true", "false");
        check("CreationDate ge datetime'2023-06-27T00:00:00'", "true");
        check("CreationDate lt datetime'2023-06-27T00:00:00'", "false");
        check("RequiredEndDate eq null", "true");
        check("MaintenanceObjectIsDown eq false", "true");
        check("ReportedByUser eq ''", "true");
    }

    #[test]
    fn malformed_filters_name_the_place() {
        check("", "it ends too early");
        check("MaintPriority", "it ends too early");
        check("MaintPriority eq", "it ends too early");
        check("MaintPriority is '2'", "\"is\" is not a comparison");
        check("MaintPriority eq 2", "the literal for MaintPriority is not a text");
        check("MaintPriority eq '2' '3'", "'3' is not expected here");
        check("Colour eq 'red'", "property Colour does not exist");
        check("ConcatenatedActiveSystStsName eq 'x'", "is not filterable");
        check("tolower(MaintPriority) eq 'x'", "function tolower is not supported");
        check("substringof(NotificationText,'x')", "substringof takes the text first");
        check("MaintPriority eq '2", "a text is not closed");
        check(&"(".repeat(100), "it is nested deeper than 32");
    }

    #[test]
    fn a_reference_is_pinned_through_and_only() {
        let root = SERVICES[0].root;
        let at = root.position("MaintNotifExtReferenceNumber").unwrap();
        let pinned = |text: &str| Filter::parse(Dialect::V2, root, text).unwrap().pinned(at).map(str::to_owned);
        let eq = "MaintNotifExtReferenceNumber eq 'k'";
        assert_eq!(pinned(&format!("MaintPriority eq '1' and {eq}")), Some("K".to_owned()));
        assert_eq!(pinned(&format!("MaintPriority eq '1' or {eq}")), None);
        assert_eq!(pinned(&format!("not {eq}")), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-zA-Z'(), ]{0,60}|(not |\\(|MaintPriority eq '1'| and | or |\\)){0,20}") {
            let _ = Filter::parse(Dialect::V2, SERVICES[0].root, &text);
        }

        #[test]
        fn not_negates(text in "[A-Z' ]{0,8}") {
            let eq = format!("NotificationText eq '{}'", text.replace('\'', "''"));
            let plain = Filter::parse(Dialect::V2, SERVICES[0].root, &eq).unwrap().passes(&row());
            let negated = Filter::parse(Dialect::V2, SERVICES[0].root, &format!("not {eq}")).unwrap().passes(&row());
            prop_assert_ne!(plain, negated);
        }
    }
}
