//! A table as sets of values: one column per thing looked at.

use zen_engine::model::DecisionTableContent;
use zen_expression::intellisense::IntelliSense;
use zen_expression::intellisense::values::cell::{CellConstraint, FieldPath};
use zen_expression::intellisense::values::value_set::{StringSet, ValueSet};

use crate::table;

/// What one cell, or all cells of a row on the same field, accept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Accepts {
    /// Exactly these values.
    Only(ValueSet),
    /// It cannot be told.
    Unknown,
}

/// One thing that a table looks at.
pub(crate) struct Dimension {
    /// The field as written; for a column without one, its name.
    pub(crate) label: String,
    /// The field's members, when it is a plain path.
    pub(crate) path: Option<Vec<String>>,
}

impl Dimension {
    /// Whether it is a lookup's result or looks into it.
    pub(crate) fn is_of(&self, alias: &str) -> bool {
        self.path.as_ref().is_some_and(|path| path[0] == alias)
    }

    /// Whether it looks into what the other one is.
    pub(crate) fn is_inside(&self, other: &Self) -> bool {
        let (Some(mine), Some(theirs)) = (&self.path, &other.path) else { return false };
        mine.len() > theirs.len() && mine.starts_with(theirs)
    }

    /// What it can be when the lookup that it belongs to is listed, or is not.
    fn of_lookup(&self, listed: bool) -> ValueSet {
        match self.path.as_deref() {
            Some([_]) if listed => ValueSet { other: true, ..ValueSet::empty() },
            Some([_, _]) if listed => ValueSet { strings: StringSet::all(), ..ValueSet::empty() },
            _ => ValueSet::null(),
        }
    }
}

/// For every thing looked at, a set of values.
pub(crate) type Region = Vec<ValueSet>;

/// A table's conditions.
pub(crate) struct Grid {
    /// What is looked at.
    pub(crate) dimensions: Vec<Dimension>,
    /// By row, then by dimension.
    pub(crate) rows: Vec<Vec<Accepts>>,
}

impl Grid {
    /// Reads the cells of a table.
    pub(crate) fn new(content: &DecisionTableContent) -> Self {
        let mut intellisense = IntelliSense::new();
        let mut dimensions: Vec<Dimension> = Vec::new();
        let mut at = Vec::with_capacity(content.inputs.len());
        for input in content.inputs.iter() {
            let field = input.field.as_deref().unwrap_or("").trim();
            let path = FieldPath::of(&mut intellisense, field)
                .filter(|_| !field.is_empty())
                .map(|path| path.iter().map(ToString::to_string).collect::<Vec<_>>());
            let same = dimensions.iter().position(|known| path.is_some() && known.path == path);
            at.push(same.unwrap_or(dimensions.len()));
            if same.is_none() {
                let label = if field.is_empty() { input.name.as_ref() } else { field };
                dimensions.push(Dimension { label: label.to_owned(), path });
            }
        }
        let mut rows = vec![vec![Accepts::Only(ValueSet::all()); dimensions.len()]; content.rules.len()];
        for (row, rule) in rows.iter_mut().zip(content.rules.iter()) {
            for (input, dimension) in content.inputs.iter().zip(&at) {
                let text = table::cell(rule, &input.id);
                let cell = CellConstraint::parse(&mut intellisense, text, true, input.field.is_some(), false);
                row[*dimension].narrow(&cell);
            }
        }
        Self { dimensions, rows }
    }

    /// What some row asks about.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &Dimension> {
        let asks = |at: usize| self.rows.iter().any(|row| row[at].known().is_none_or(|set| !set.is_all()));
        self.dimensions.iter().enumerate().filter(move |(at, _)| asks(*at)).map(|(_, dimension)| dimension)
    }

    /// The part of a region in which a lookup is listed, and the part in which it is not; parts that are empty are left out.
    pub(crate) fn with_lookup(&self, region: &Region, alias: &str) -> Vec<Region> {
        let part = |listed: bool| -> Region {
            let sets = region.iter().zip(&self.dimensions);
            sets.map(|(set, d)| if d.is_of(alias) { set.intersect(&d.of_lookup(listed)) } else { set.clone() })
                .collect()
        };
        [part(true), part(false)].into_iter().filter(|region| region.iter().all(|set| !set.is_empty())).collect()
    }

    /// The part of a region that an event can be in, `None` when there is no such part: a lookup is listed as a whole
    /// or not at all, and what is not an object has `null` inside.
    pub(crate) fn feasible(&self, region: &Region, aliases: &[&str]) -> Option<Region> {
        let mut region = region.clone();
        let lookups = aliases.iter().filter(|alias| self.asked().any(|dimension| dimension.is_of(alias)));
        for alias in lookups {
            region = self.with_lookup(&region, alias).into_iter().next()?;
        }
        for (outer, inner) in self.nested() {
            if !region[outer].other {
                region[inner] = region[inner].intersect(&ValueSet::null());
            }
        }
        region.iter().all(|set| !set.is_empty()).then_some(region)
    }

    /// Pairs of positions of which the second looks into the first.
    fn nested(&self) -> impl Iterator<Item = (usize, usize)> {
        let pairs = (0..self.dimensions.len()).flat_map(|a| (0..self.dimensions.len()).map(move |b| (a, b)));
        pairs.filter(|(outer, inner)| self.dimensions[*inner].is_inside(&self.dimensions[*outer]))
    }
}

impl Accepts {
    fn narrow(&mut self, cell: &CellConstraint) {
        match (&*self, cell) {
            (_, CellConstraint::Any) => {}
            (Self::Only(mine), CellConstraint::Known(set)) => *self = Self::Only(mine.intersect(set)),
            _ => *self = Self::Unknown,
        }
    }

    /// The set, when it is known.
    pub(crate) fn known(&self) -> Option<&ValueSet> {
        match self {
            Self::Only(set) => Some(set),
            Self::Unknown => None,
        }
    }
}
