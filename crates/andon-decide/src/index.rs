//! Which rows a value can hit, column by column, without looking at the rows.
//!
//! A cell whose meaning ZEN's analysis knows as a set of values – literals, lists, comparisons, ranges, `null`, their
//! negations and combinations – is *decided* by the index. Any other cell counts as fitting every value here and is
//! evaluated afterwards, on the rows that remain. That both give the same rows as evaluating every cell is shown by
//! `tests/properties.rs`.

use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;
use zen_expression::Variable;
use zen_expression::intellisense::values::cell::CellConstraint;
use zen_expression::intellisense::values::value_set::{Bound, Interval, NumberSet, StringSet, ValueSet};

/// Most 64-bit words that the index of one table takes: 16 MiB. Columns beyond are evaluated cell by cell.
pub(crate) const MAX_WORDS: usize = 2 * 1024 * 1024;

/// A set of row indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowSet(Box<[u64]>);

impl RowSet {
    fn empty(rows: usize) -> Self {
        Self(vec![0; rows.div_ceil(64)].into())
    }

    /// All of `rows` rows.
    pub(crate) fn full(rows: usize) -> Self {
        let mut set = Self::empty(rows);
        (0..rows).for_each(|row| set.insert(row));
        set
    }

    fn insert(&mut self, row: usize) {
        self.0[row / 64] |= 1 << (row % 64);
    }

    /// Whether the row is in it.
    pub(crate) fn contains(&self, row: usize) -> bool {
        self.0.get(row / 64).is_some_and(|word| word & (1 << (row % 64)) != 0)
    }

    /// Keeps only the rows that are also in `other`.
    pub(crate) fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= theirs);
    }

    /// The rows, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(at, &word)| {
            std::iter::successors((word != 0).then_some(word), |rest| {
                let next = rest & (rest - 1);
                (next != 0).then_some(next)
            })
            .map(move |rest| at * 64 + rest.trailing_zeros() as usize)
        })
    }
}

/// The index of one column.
#[derive(Debug)]
pub(crate) struct ColumnIndex {
    /// Rows whose cell the index decides.
    pub(crate) decided: RowSet,
    strings: HashMap<Box<str>, RowSet>,
    unlisted_string: RowSet,
    /// The numbers that cells name, ascending.
    points: Vec<Decimal>,
    /// Rows by piece of the number line: below the first point, the first point, between it and the second, …
    pieces: Vec<RowSet>,
    truth: [RowSet; 2],
    null: RowSet,
    other: RowSet,
}

impl ColumnIndex {
    /// The index for a column's cells, one per row; `None` when it decides none of them or takes more than `words`,
    /// which is lowered by what it takes.
    pub(crate) fn build(cells: &[CellConstraint], words: &mut usize) -> Option<Self> {
        let known =
            || cells.iter().filter_map(|cell| if let CellConstraint::Known(set) = cell { Some(set) } else { None });
        known().next()?;
        let points = points(known());
        let strings: HashSet<Box<str>> = known().flat_map(|set| listed(&set.strings)).collect();
        let sets = strings.len() + 2 * points.len() + 7;
        *words = words.checked_sub(sets * cells.len().div_ceil(64))?;

        let always = always(cells);
        let mut index = Self {
            decided: decided(cells),
            strings: strings.into_iter().map(|text| (text, always.clone())).collect(),
            unlisted_string: always.clone(),
            pieces: vec![always.clone(); 2 * points.len() + 1],
            points,
            truth: [always.clone(), always.clone()],
            null: always.clone(),
            other: always,
        };
        for (row, cell) in cells.iter().enumerate() {
            if let CellConstraint::Known(set) = cell {
                index.add(row, set);
            }
        }
        Some(index)
    }

    /// The rows whose cell fits the value, or may; `None` when the index cannot tell (dates).
    pub(crate) fn rows(&self, value: &Variable) -> Option<&RowSet> {
        Some(match value {
            Variable::Null => &self.null,
            Variable::Bool(truth) => &self.truth[usize::from(*truth)],
            Variable::String(text) => self.strings.get(text.as_str()).unwrap_or(&self.unlisted_string),
            Variable::Number(number) => match self.points.binary_search(number) {
                Ok(at) => &self.pieces[2 * at + 1],
                Err(at) => &self.pieces[2 * at],
            },
            Variable::Array(_) | Variable::Object(_) => &self.other,
            Variable::Dynamic(_) => return None,
        })
    }

    fn add(&mut self, row: usize, set: &ValueSet) {
        self.add_strings(row, &set.strings);
        self.add_numbers(row, &set.numbers);
        let [no, yes] = &mut self.truth;
        let flags = [
            (&mut self.null, set.null),
            (&mut self.other, set.other),
            (no, set.bools & ValueSet::FALSE != 0),
            (yes, set.bools & ValueSet::TRUE != 0),
        ];
        for (rows, fits) in flags {
            if fits {
                rows.insert(row);
            }
        }
    }

    fn add_strings(&mut self, row: usize, strings: &StringSet) {
        match strings {
            StringSet::Finite(texts) => {
                for text in texts {
                    if let Some(rows) = self.strings.get_mut(text.as_ref()) {
                        rows.insert(row);
                    }
                }
            }
            StringSet::CoFinite(excluded) => {
                self.unlisted_string.insert(row);
                for (text, rows) in &mut self.strings {
                    if !excluded.contains(text.as_ref()) {
                        rows.insert(row);
                    }
                }
            }
        }
    }

    fn add_numbers(&mut self, row: usize, numbers: &NumberSet) {
        for interval in numbers.intervals() {
            let (first, last) = self.piece_range(interval);
            for piece in self.pieces.iter_mut().take(last + 1).skip(first) {
                piece.insert(row);
            }
        }
    }

    /// First and last piece that an interval covers; all its bounds are points.
    fn piece_range(&self, interval: &Interval) -> (usize, usize) {
        let at = |number: &Decimal| self.points.binary_search(number).unwrap_or_else(|at| at);
        let first = match &interval.lo {
            Bound::Unbounded => 0,
            Bound::Inclusive(number) => 2 * at(number) + 1,
            Bound::Exclusive(number) => 2 * at(number) + 2,
        };
        let last = match &interval.hi {
            Bound::Unbounded => 2 * self.points.len(),
            Bound::Inclusive(number) => 2 * at(number) + 1,
            Bound::Exclusive(number) => 2 * at(number),
        };
        (first, last)
    }
}

/// Rows whose cell fits any value as far as the index goes: empty ones and ones that it cannot decide.
fn always(cells: &[CellConstraint]) -> RowSet {
    let mut rows = RowSet::empty(cells.len());
    let fits_all = cells.iter().enumerate().filter(|(_, cell)| !matches!(cell, CellConstraint::Known(_)));
    fits_all.for_each(|(row, _)| rows.insert(row));
    rows
}

fn decided(cells: &[CellConstraint]) -> RowSet {
    let mut rows = RowSet::empty(cells.len());
    let known = cells.iter().enumerate().filter(|(_, cell)| !matches!(cell, CellConstraint::Opaque(_)));
    known.for_each(|(row, _)| rows.insert(row));
    rows
}

fn points<'a>(sets: impl Iterator<Item = &'a ValueSet>) -> Vec<Decimal> {
    let mut points: Vec<Decimal> = sets
        .flat_map(|set| set.numbers.intervals())
        .flat_map(|interval| [interval.lo, interval.hi])
        .filter_map(|bound| match bound {
            Bound::Unbounded => None,
            Bound::Inclusive(number) | Bound::Exclusive(number) => Some(number),
        })
        .collect();
    points.sort_unstable();
    points.dedup();
    points
}

fn listed(strings: &StringSet) -> impl Iterator<Item = Box<str>> + '_ {
    let (StringSet::Finite(texts) | StringSet::CoFinite(texts)) = strings;
    texts.iter().map(|text| Box::from(text.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use zen_expression::intellisense::IntelliSense;

    fn check(cells: &[&str], value: &Value, expect: &[usize]) {
        let mut intellisense = IntelliSense::new();
        let parsed: Vec<_> =
            cells.iter().map(|c| CellConstraint::parse(&mut intellisense, c, true, true, false)).collect();
        let index = ColumnIndex::build(&parsed, &mut MAX_WORDS.clone()).expect("an index");
        let rows: Vec<_> = index.rows(&Variable::from(value)).expect("decided").iter().collect();
        assert_eq!(rows, expect, "{value} in {cells:?}");
    }

    #[test]
    fn values_find_their_rows() {
        let numbers = ["< 1", "[1..2]", "(1..2)", "2", "> 2", "", "not in [1, 2]"];
        check(&numbers, &json!(0), &[0, 5, 6]);
        check(&numbers, &json!(1), &[1, 5]);
        check(&numbers, &json!(1.5), &[1, 2, 5, 6]);
        check(&numbers, &json!(2), &[1, 3, 5]);
        check(&numbers, &json!(2.1), &[4, 5, 6]);
        check(&numbers, &Value::Null, &[5, 6]);
        let texts = ["\"a\"", "\"a\", \"b\"", "!= \"a\"", "null", "true", "len($) > 1"];
        check(&texts, &json!("a"), &[0, 1, 5]);
        check(&texts, &json!("c"), &[2, 5]);
        check(&texts, &json!(true), &[2, 4, 5]);
        check(&texts, &Value::Null, &[2, 3, 5]);
        check(&texts, &json!([]), &[2, 5]);
    }

    #[test]
    fn a_column_beyond_the_budget_is_left_out() {
        let cells = vec![CellConstraint::Known(ValueSet::null()); 65];
        assert!(ColumnIndex::build(&cells, &mut 13).is_none());
        let mut words = 14;
        assert!(ColumnIndex::build(&cells, &mut words).is_some());
        assert_eq!(words, 0);
        assert!(ColumnIndex::build(&[CellConstraint::Any], &mut words).is_none());
    }

    #[test]
    fn row_sets_list_their_rows() {
        let mut set = RowSet::empty(130);
        for row in [0, 63, 64, 129] {
            set.insert(row);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        assert!(set.contains(64) && !set.contains(65) && !set.contains(1_000));
        let mut all = RowSet::full(130);
        all.keep(&set);
        assert_eq!(all, set);
    }
}
