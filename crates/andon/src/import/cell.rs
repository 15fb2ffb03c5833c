//! Cells of SAP's decision tables as expressions of Andon's.
//!
//! Two languages are found. The present one writes an operator and a literal: `= 'AWS'`, `>= 5`, `IN ['a', 'b']`,
//! `[5..10]`; with an operator fixed for the column a cell holds the literal alone. The older one writes words:
//! `is equal to 'A'`, `is between 5 and 10`, `exists in ('A';'B')`. An empty cell, and `is like '%'`, takes everything.

use std::fmt;

/// Why a cell cannot be said in Andon's language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CellFault {
    cell: String,
    why: &'static str,
}

impl fmt::Display for CellFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.cell, self.why)
    }
}

/// Operators of both languages, longer ones first, and what Andon writes before the literal.
const OPERATORS: [(&str, &str); 14] = [
    ("is equal or less than", "<= "),
    ("is equal or greater than", ">= "),
    ("is not equal to", "!= "),
    ("is equal to", ""),
    ("is less than", "< "),
    ("is greater than", "> "),
    ("!=", "!= "),
    ("<>", "!= "),
    ("<=", "<= "),
    (">=", ">= "),
    ("==", ""),
    ("=", ""),
    ("<", "< "),
    (">", "> "),
];

/// Words that begin a test which is not known here.
const OTHER_TESTS: [&str; 6] = ["is", "exists", "not", "contains", "matches", "in"];

/// Whether a cell says by itself that it is a condition.
pub(super) fn is_condition(cell: &str) -> bool {
    let cell = cell.trim();
    OPERATORS.iter().any(|(operator, _)| after(cell, operator).is_some())
        || range(cell).is_some()
        || list(cell).is_some()
}

/// A condition cell as a test of the column's value; empty when it takes everything.
pub(super) fn condition(cell: &str) -> Result<String, CellFault> {
    let cell = cell.trim();
    let fault = |why| CellFault { cell: cell.to_owned(), why };
    if cell.is_empty() || after(cell, "is like").is_some_and(|rest| matches!(rest.trim(), "'%'" | "\"%\"")) {
        return Ok(String::new());
    }
    if let Some(test) = range(cell) {
        return Ok(test);
    }
    if let Some(items) = list(cell) {
        return one_of(items).ok_or_else(|| fault("is a list with something else than texts and numbers"));
    }
    let found = OPERATORS.iter().find_map(|(operator, test)| Some((after(cell, operator)?, *test)));
    let Some((rest, test)) = found else {
        let first = cell.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
        let is_other = OTHER_TESTS.contains(&first.as_str()) && first.len() < cell.len();
        return if is_other { Err(fault("is a test that has no counterpart")) } else { equals(cell) };
    };
    let value = literal(rest.trim()).ok_or_else(|| fault("compares with something else than a text or a number"))?;
    if test.starts_with(['<', '>']) && !is_number(&value) {
        return Err(fault("orders texts or dates, which Andon compares as numbers only"));
    }
    Ok(format!("{test}{value}"))
}

/// A result cell as a value; empty when it says nothing.
pub(super) fn result(cell: &str) -> Result<String, CellFault> {
    if cell.trim().is_empty() { Ok(String::new()) } else { equals(after(cell.trim(), "=").unwrap_or(cell).trim()) }
}

/// The text of a result cell, without its quotes.
pub(super) fn result_text(cell: &str) -> String {
    let cell = cell.trim();
    let cell = after(cell, "=").unwrap_or(cell).trim();
    match quoted(cell) {
        Some((text, "")) => text,
        _ => cell.to_owned(),
    }
}

/// A text as an expression; `None` when it holds both kinds of quotes.
pub(super) fn text(value: &str) -> Option<String> {
    let has_control = value.chars().any(|c| c.is_control() || c == '\\');
    match (value.contains('"'), value.contains('\'')) {
        _ if has_control => None,
        (false, _) => Some(format!("\"{value}\"")),
        (true, false) => Some(format!("'{value}'")),
        (true, true) => None,
    }
}

/// A literal, or a text that nobody put into quotes.
fn equals(cell: &str) -> Result<String, CellFault> {
    let fault = |why| CellFault { cell: cell.to_owned(), why };
    if let Some(value) = literal(cell) {
        return Ok(value);
    }
    if cell.contains(['(', ')', '\'', '"', '<', '>', '=']) {
        return Err(fault("is an expression; only texts, numbers, true and false are carried over"));
    }
    text(cell).ok_or_else(|| fault("holds characters that a cell cannot"))
}

/// What follows an operator; words stand alone.
fn after<'a>(cell: &'a str, operator: &str) -> Option<&'a str> {
    let head = cell.get(..operator.len())?;
    let rest = &cell[operator.len()..];
    let is_word = operator.ends_with(char::is_alphabetic);
    (head.eq_ignore_ascii_case(operator) && !(is_word && rest.starts_with(char::is_alphanumeric))).then_some(rest)
}

/// `[5..10]`, `(5..10]`, `is between 5 and 10`
fn range(cell: &str) -> Option<String> {
    if let Some(rest) = after(cell, "is between") {
        let (low, high) = rest.split_once(" and ")?;
        return number_range("[", low, high, "]");
    }
    let cell = after(cell, "in").map_or(cell, str::trim);
    let open = cell.get(..1).filter(|open| matches!(*open, "[" | "("))?;
    let close = cell.get(cell.len().checked_sub(1)?..).filter(|close| matches!(*close, "]" | ")"))?;
    let (low, high) = cell.get(1..cell.len() - 1)?.split_once("..")?;
    number_range(open, low, high, close)
}

fn number_range(open: &str, low: &str, high: &str, close: &str) -> Option<String> {
    let (low, high) = (low.trim(), high.trim());
    (is_number(low) && is_number(high)).then(|| format!("{open}{low}..{high}{close}"))
}

/// What stands between the brackets of `IN [...]` and `exists in (...)`.
fn list(cell: &str) -> Option<&str> {
    let rest = after(cell, "exists in").or_else(|| after(cell, "in"))?.trim();
    let inner = |open, close| rest.strip_prefix(open).and_then(|rest: &str| rest.strip_suffix(close));
    inner('[', ']').or_else(|| inner('(', ')'))
}

/// `"a", "b"`, of literals parted by commas or semicolons.
fn one_of(items: &str) -> Option<String> {
    let (mut rest, mut found) = (items.trim(), Vec::new());
    while !rest.is_empty() {
        let (item, after) = if let Some((value, after)) = quoted(rest) {
            (text(&value)?, after)
        } else {
            let end = rest.find([',', ';']).unwrap_or(rest.len());
            (literal(rest[..end].trim())?, &rest[end..])
        };
        found.push(item);
        rest = after.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix([',', ';'])?.trim_start();
        }
    }
    (!found.is_empty()).then(|| found.join(", "))
}

fn literal(cell: &str) -> Option<String> {
    match quoted(cell) {
        Some((value, "")) => text(&value),
        Some(_) => None,
        None if is_number(cell) => Some(cell.to_owned()),
        None => ["true", "false"].iter().find(|word| word.eq_ignore_ascii_case(cell)).map(|word| (*word).to_owned()),
    }
}

/// A quoted text at the beginning, its doubled quotes undone, and what follows.
fn quoted(cell: &str) -> Option<(String, &str)> {
    let quote = cell.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (mut value, mut rest) = (String::new(), &cell[1..]);
    loop {
        let (part, after) = rest.split_once(quote)?;
        value.push_str(part);
        match after.strip_prefix(quote) {
            Some(more) => {
                value.push(quote);
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}

fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.len() <= 20 && part.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn conditions_of_both_languages_are_read() {
        let check = |cell: &str, expect: &str| {
            assert_eq!(condition(cell).unwrap_or_else(|fault| format!("! {fault}")), expect, "{cell}");
        };
        check("", "");
        check("is like '%'", "");
        check("= 'AWS'", "\"AWS\"");
        check("='it''s'", "\"it's\"");
        check("'Plant A'", "\"Plant A\"");
        check("Plant A", "\"Plant A\"");
        check("1017", "1017");
        check("0017", "\"0017\"");
        check("= true", "true");
        check("!= 'x'", "!= \"x\"");
        check("> 10", "> 10");
        check(">= -2.5", ">= -2.5");
        check("[5..10]", "[5..10]");
        check("IN ['a','b']", "\"a\", \"b\"");
        check("exists in (1;2)", "1, 2");
        check("exists in ('A, B';'C')", "\"A, B\", \"C\"");
        check("is equal to 1", "1");
        check("is not equal to 'M'", "!= \"M\"");
        check("is equal or less than 2", "<= 2");
        check("is between 5000 and 10000", "[5000..10000]");
        check("= 'say \"x\"'", "'say \"x\"'");
        check("Isle of Wight", "\"Isle of Wight\"");
        check("Pump", "\"Pump\"");
    }

    #[test]
    fn what_has_no_counterpart_is_refused() {
        let check = |cell: &str, part: &str| {
            let fault = condition(cell).expect_err(cell).to_string();
            assert!(fault.contains(part), "{cell}: {fault}");
        };
        check("is after '2018-08-01'", "no counterpart");
        check("is in the next 4 weeks", "no counterpart");
        check("> 'x'", "as numbers only");
        check("is equal to 'X' and Price is equal to 'Y'", "something else than a text or a number");
        check("IN [a(b)]", "is a list with");
        check("concatenate('a';'b')", "is an expression");
        check("= 'a\"b''c'", "something else than");
    }

    #[test]
    fn results_are_values() {
        let check = |cell: &str, expect: &str| {
            assert_eq!(result(cell).unwrap_or_else(|fault| format!("! {fault}")), expect, "{cell}");
        };
        check("", "");
        check("'M1'", "\"M1\"");
        check("= 'M1'", "\"M1\"");
        check("2", "2");
        check(
            "concatenate('a'; b)",
            "! \"concatenate('a'; b)\" is an expression; only texts, numbers, true and false are carried over",
        );
        assert_eq!(
            (result_text(" 'a-b' "), result_text("a-b"), result_text("''")),
            ("a-b".into(), "a-b".into(), String::new())
        );
    }

    proptest! {
        #[test]
        fn any_cell_is_read_or_refused(cell in "[ -~é\n]{0,40}") {
            let _ = (is_condition(&cell), condition(&cell), result(&cell), result_text(&cell));
        }

        #[test]
        fn a_quoted_text_stays_the_text(value in "[a-zA-Z0-9 .,;=<>()_-]{1,20}") {
            prop_assert_eq!(condition(&format!("= '{value}'")).ok(), Some(format!("\"{value}\"")));
        }
    }
}
