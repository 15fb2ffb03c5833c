//! Readings as rows: nested JSON becomes flat columns and child tables, always the same ones for the same log.
//!
//! **Constraints.** Pure. What comes out depends on the readings and their order, and on nothing else: the same log
//! gives the same tables, however it is cut into batches. Columns and tables are only ever added. A reading that cannot
//! be flattened leaves the schema as it was.
//!
//! **Names.** As AWS Glue's `relationalize` has them:
//! * A member of an object is a column named by its path: `measurements.temperature`, in lower case. Characters that
//!   Delta Lake refuses in names, and empty members, become `_`.
//! * An array is a column with a join id, and a child table `<root>_<path>` with `id`, `index` (from 0) and
//!   `<path>.val`, or `<path>.val.<member>` for objects. An empty array has an id and no rows; `null` has neither.
//! * The type that a path has first owns the plain name for ever. Values of other types go to columns with their type
//!   behind it: `measurements.temperature.double`, `.int`, `.string`, `.boolean`, `.array`. At most one of them has a
//!   value in a row. So a column has one type, and a table that is written never changes.
//! * What would have the name of another column, because paths differ in case only or a member has a dot in its name,
//!   gets `__2`, `__3`, … in order of first appearance, as a payload's `ts` does beside the column of that name.
//!
//! **Life of a reading.** [`Flattener::flatten`] parses the payload, walks it beside the known paths, adds columns that
//! are new, and gives the row of the root table followed by those of child tables. [`BatchFlattener`] does the same for
//! many readings and gives columns; what it knows already goes there straight from the text. [`Schema`] is what must be
//! kept with the tables; a flattener that begins with it goes on with the same names.

mod batch;
mod cells;
mod event_time;
mod fault;
mod names;
mod node;
mod quick;
mod schema;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use batch::Origin;
pub use batch::{Batch, BatchFlattener};
pub(crate) use cells::{ColumnCells, TableCells, Texts, Values};
pub use event_time::event_time;
pub use fault::FlattenFault;
pub use schema::{Column, Kind, Schema, Table};
pub use walk::{Flat, Flattener, Row, Scalar};

/// Limits of flattening, with defaults that fit a wide machine.
#[derive(Debug, Clone, Copy)]
pub struct FlattenLimits {
    /// Columns of a table.
    pub columns: usize,
    /// Tables, the root table included.
    pub tables: usize,
    /// Rows that one reading may give.
    pub rows: usize,
}

impl Default for FlattenLimits {
    fn default() -> Self {
        Self { columns: 4_096, tables: 256, rows: 65_536 }
    }
}
