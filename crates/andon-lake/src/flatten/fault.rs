//! Why a reading gives no rows.

/// The reading goes to quarantine with its bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlattenFault {
    /// The payload is not JSON.
    #[error("the payload is not JSON: {0}")]
    NotJson(String),
    /// Too many columns.
    #[error("table {table} would get more than {limit} columns, the first of them {path}")]
    Columns {
        /// Name of the table.
        table: String,
        /// The limit.
        limit: usize,
        /// The path that is one too many.
        path: String,
    },
    /// Too many child tables.
    #[error("there would be more than {limit} tables, the first of them for the array {path}")]
    Tables {
        /// The limit.
        limit: usize,
        /// The array that is one too many.
        path: String,
    },
    /// Too many elements of arrays.
    #[error("the reading gives more than {limit} rows")]
    Rows {
        /// The limit.
        limit: usize,
    },
    /// A path is too long for a column's name.
    #[error("the column for {path}… would have a name of {bytes} bytes, at most {limit} are allowed")]
    Name {
        /// The beginning of the path.
        path: String,
        /// Bytes that its name would have.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}
