//! A stored entity: the properties that were given or assigned, and its children.

use super::cell::Cell;
use super::dialect::Dialect;
use super::fields::{Edm, EntityType};

/// Room for the properties of a typical document.
const TYPICAL_CELLS: usize = 32;

/// One entity. Properties that are initial take no room.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) kind: &'static EntityType,
    cells: Vec<(u8, Cell)>,
    /// Children by position of the navigation.
    pub(crate) children: Vec<Vec<Row>>,
}

impl Row {
    pub(crate) fn new(kind: &'static EntityType) -> Self {
        Self {
            kind,
            cells: Vec::with_capacity(kind.fields.len().min(TYPICAL_CELLS)),
            children: vec![Vec::new(); kind.navigations.len()],
        }
    }

    /// The value at a position, `None` when initial.
    pub(crate) fn at(&self, position: u8) -> Option<&Cell> {
        let index = self.cells.binary_search_by_key(&position, |(at, _)| *at).ok()?;
        self.cells.get(index).map(|(_, cell)| cell)
    }

    /// The given values in order of their positions.
    pub(crate) fn cells(&self) -> &[(u8, Cell)] {
        &self.cells
    }

    /// Gives back room that is not needed: the row is kept for long.
    pub(crate) fn shrink(&mut self) {
        self.cells.shrink_to_fit();
        self.children.iter_mut().flatten().for_each(Self::shrink);
    }

    /// Sets a value, or makes it initial.
    pub(crate) fn put(&mut self, position: u8, cell: Option<Cell>) {
        match (self.cells.binary_search_by_key(&position, |(at, _)| *at), cell) {
            (Ok(index), Some(cell)) => self.cells[index].1 = cell,
            (Ok(index), None) => drop(self.cells.remove(index)),
            (Err(index), Some(cell)) => self.cells.insert(index, (position, cell)),
            (Err(_), None) => {}
        }
    }

    /// The value of a property, `None` when initial.
    pub(crate) fn get(&self, name: &str) -> Option<&Cell> {
        self.at(self.kind.position(name)?)
    }

    /// The text of a property, empty when initial.
    pub(crate) fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Cell::Text(text)) => text,
            _ => "",
        }
    }

    /// Sets a property that the type has.
    pub(crate) fn set(&mut self, name: &str, cell: Cell) {
        if let Some(position) = self.kind.position(name) {
            self.put(position, Some(cell));
        }
    }

    /// Takes a property's value out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Cell> {
        let position = self.kind.position(name)?;
        let index = self.cells.binary_search_by_key(&position, |(at, _)| *at).ok()?;
        Some(self.cells.remove(index).1)
    }

    /// The key predicate: `('1')` or `(A='1',B='2')`.
    pub(crate) fn key_predicate(&self, dialect: Dialect) -> String {
        let literal = |name: &str| {
            let edm = self.kind.position(name).map_or(Edm::Text(0), |at| self.kind.field(at).edm);
            dialect.write_literal(self.get(name).or(Cell::initial(edm).as_ref()), edm)
        };
        let keys: Vec<String> = match self.kind.keys {
            [only] => vec![literal(only)],
            several => several.iter().map(|name| format!("{name}={}", literal(name))).collect(),
        };
        format!("({})", keys.join(","))
    }

    /// Whether this is the entity with a key; numbers may have more or fewer leading zeros.
    pub(crate) fn has_key(&self, key: &[Cell]) -> bool {
        let same = |(name, wanted): (&&str, &Cell)| match (self.get(name), wanted) {
            (Some(Cell::Text(text)), Cell::Text(wanted)) => without_zeros(text) == without_zeros(wanted),
            (None, Cell::Text(wanted)) => wanted.is_empty(),
            (Some(cell), wanted) => cell == wanted,
            (None, _) => false,
        };
        key.len() == self.kind.keys.len() && self.kind.keys.iter().zip(key).all(same)
    }

    /// This row and everything below it.
    pub(crate) fn each<'r>(&'r self, visit: &mut dyn FnMut(&'r Row)) {
        visit(self);
        self.children.iter().flatten().for_each(|child| child.each(visit));
    }

    /// The rows of one kind, at or below this one.
    pub(crate) fn of_kind(&self, kind: &'static EntityType) -> Vec<&Row> {
        let mut found = Vec::new();
        self.each(&mut |row| {
            if std::ptr::eq(row.kind, kind) {
                found.push(row);
            }
        });
        found
    }
}

fn without_zeros(text: &str) -> &str {
    let numeric = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if numeric { text.trim_start_matches('0') } else { text }
}
