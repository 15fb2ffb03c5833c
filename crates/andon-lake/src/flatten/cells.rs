//! Columns while they grow: the values that there are, each with its row.
//!
//! **Constraints.** Nothing is written for what is null, so that a wide table costs what its devices report. Values
//! behind a row can be taken back.
//!
//! **Life of a cell.** The walk puts it at the row that is being filled; when the batch is complete the column is made
//! of it. Where every row has a value, the values are the column as they are.

use super::schema::Kind;
use super::walk::{Row, Scalar};

/// A value on its way into a column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    Boolean(bool),
    Int(i64),
    Double(f64),
    String(&'a str),
    /// A join id.
    Array(&'a str),
}

impl Cell<'_> {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Boolean(_) => Kind::Boolean,
            Self::Int(_) => Kind::Int,
            Self::Double(_) => Kind::Double,
            Self::String(_) => Kind::String,
            Self::Array(_) => Kind::Array,
        }
    }
}

impl<'a> From<&'a Scalar> for Cell<'a> {
    fn from(value: &'a Scalar) -> Self {
        match value {
            Scalar::Boolean(truth) => Self::Boolean(*truth),
            Scalar::Int(number) => Self::Int(*number),
            Scalar::Double(number) => Self::Double(*number),
            Scalar::String(text) => Self::String(text),
            Scalar::Array(id) => Self::Array(id),
        }
    }
}

/// Texts, one behind the other.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    pub(crate) bytes: String,
    /// Where each begins, and where the last ends.
    pub(crate) offsets: Vec<i32>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { bytes: String::new(), offsets: vec![0] }
    }
}

impl Texts {
    pub(crate) fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        // A batch is full long before; if it were not, Arrow would refuse the column.
        self.offsets.push(i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
    }

    fn truncate(&mut self, texts: usize) {
        self.offsets.truncate(texts + 1);
        let end = self.offsets.last().and_then(|end| usize::try_from(*end).ok());
        self.bytes.truncate(end.unwrap_or_default());
    }
}

/// The values of a column.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    Boolean(Vec<bool>),
    Int(Vec<i64>),
    Double(Vec<f64>),
    /// Of strings, and of join ids.
    Text(Texts),
}

impl Values {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Boolean => Self::Boolean(Vec::new()),
            Kind::Int => Self::Int(Vec::new()),
            Kind::Double => Self::Double(Vec::new()),
            Kind::String | Kind::Array => Self::Text(Texts::default()),
        }
    }

    fn truncate(&mut self, len: usize) {
        match self {
            Self::Boolean(values) => values.truncate(len),
            Self::Int(values) => values.truncate(len),
            Self::Double(values) => values.truncate(len),
            Self::Text(values) => values.truncate(len),
        }
    }
}

/// The values of a column with their rows.
#[derive(Debug, Clone)]
pub(crate) struct ColumnCells {
    /// Rows that have a value, ascending.
    pub(crate) rows: Vec<u32>,
    pub(crate) values: Values,
}

impl ColumnCells {
    fn of(kind: Kind) -> Self {
        Self { rows: Vec::new(), values: Values::of(kind) }
    }

    fn put(&mut self, row: u32, cell: Cell<'_>) {
        match (&mut self.values, cell) {
            (Values::Boolean(values), Cell::Boolean(truth)) => values.push(truth),
            (Values::Int(values), Cell::Int(number)) => values.push(number),
            (Values::Double(values), Cell::Double(number)) => values.push(number),
            (Values::Text(values), Cell::String(text) | Cell::Array(text)) => values.push(text),
            // A value goes to a column of its type, always.
            _ => return,
        }
        self.rows.push(row);
    }

    fn back_to(&mut self, rows: u32) {
        let left = self.rows.partition_point(|row| *row < rows);
        self.rows.truncate(left);
        self.values.truncate(left);
    }
}

/// The rows of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableCells {
    /// For each row the reading that it came from, as its position in the batch; ascending.
    pub(crate) readings: Vec<u32>,
    /// Join id and index of each row, in child tables.
    pub(crate) ids: Texts,
    pub(crate) indexes: Vec<i64>,
    pub(crate) columns: Vec<ColumnCells>,
}

impl TableCells {
    /// Columns for those of the schema that are new.
    pub(super) fn grow(&mut self, kinds: impl Iterator<Item = Kind>) {
        let known = self.columns.len();
        self.columns.extend(kinds.skip(known).map(ColumnCells::of));
    }

    /// Begins a row and returns its position.
    pub(super) fn begin(&mut self, reading: u32, element: Option<(&str, i64)>) -> u32 {
        if let Some((id, index)) = element {
            self.ids.push(id);
            self.indexes.push(index);
        }
        self.readings.push(reading);
        u32::try_from(self.readings.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn put(&mut self, row: u32, column: usize, cell: Cell<'_>) {
        self.columns[column].put(row, cell);
    }

    /// Adds a row that was made before.
    pub(super) fn add(&mut self, reading: u32, row: &Row) {
        let at = self.begin(reading, row.element.as_ref().map(|(id, index)| (id.as_str(), *index)));
        for (column, value) in &row.values {
            self.put(at, *column, value.into());
        }
    }

    /// Takes back the rows of readings from `reading` on.
    pub(super) fn back_to(&mut self, reading: u32) {
        let left = self.readings.partition_point(|of| *of < reading);
        if left == self.readings.len() {
            return;
        }
        self.readings.truncate(left);
        self.indexes.truncate(left);
        self.ids.truncate(left);
        let rows = u32::try_from(left).unwrap_or(u32::MAX);
        self.columns.iter_mut().for_each(|column| column.back_to(rows));
    }
}
