//! Multi-row statements in a few fixed sizes, so that each is prepared once per connection.
//!
//! A list of any length is cut into the largest sizes that fit: 100 rows are 64 + 16 + 16 + 4. With at
//! most 15 columns a statement binds at most 960 values, far below the limits of SQLite (32,766) and
//! PostgreSQL (65,535). PostgreSQL numbers them; SQLite counts on its own, because it keeps the names of numbered
//! ones in a list that it searches from the start for each.

use std::sync::Arc;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::error::BoxDynError;
use sqlx::{AnyConnection, AssertSqlSafe, FromRow};

use crate::error::Fault;

/// Rows per statement, largest first.
const SIZES: [usize; 4] = [64, 16, 4, 1];

/// What sqlx calls it.
const SQLITE: &str = "SQLite";

/// One statement over many rows.
pub(crate) struct Bulk {
    numbered: [Arc<str>; SIZES.len()],
    in_order: [Arc<str>; SIZES.len()],
}

impl Bulk {
    /// The statement `before (…),(…) after` with `width` values per row and no others.
    ///
    /// With width 1 the rows also serve as the list of an `IN (…)`.
    pub(crate) fn new(before: &str, width: usize, after: &str) -> Self {
        let statements = |placeholder: fn(usize) -> String| {
            SIZES.map(|rows| format!("{before} {} {after}", placeholders(rows, width, placeholder)).into())
        };
        Self { numbered: statements(|number| format!("${number}")), in_order: statements(|_| "?".to_owned()) }
    }

    /// Executes it for all `rows`; returns how many rows it changed.
    pub(crate) async fn execute<T: Sync>(
        &self,
        connection: &mut AnyConnection,
        rows: &[T],
        bind: impl Fn(&T, &mut AnyArguments) -> Result<(), BoxDynError> + Send + Sync,
    ) -> Result<usize, Fault> {
        let mut changed = 0;
        for (sql, chunk) in self.chunks(connection, rows) {
            let query = sqlx::query_with(AssertSqlSafe(sql), bound(chunk, &bind)?);
            let done = query.execute(&mut *connection).await?;
            changed += usize::try_from(done.rows_affected()).unwrap_or_default();
        }
        Ok(changed)
    }

    /// Executes it for all `rows` and returns what it finds, chunk by chunk.
    pub(crate) async fn fetch<T: Sync, R: for<'r> FromRow<'r, AnyRow> + Send + Unpin>(
        &self,
        connection: &mut AnyConnection,
        rows: &[T],
        bind: impl Fn(&T, &mut AnyArguments) -> Result<(), BoxDynError> + Send + Sync,
    ) -> Result<Vec<R>, Fault> {
        let mut found = Vec::new();
        for (sql, chunk) in self.chunks(connection, rows) {
            let query = sqlx::query_as_with(AssertSqlSafe(sql), bound(chunk, &bind)?);
            found.extend(query.fetch_all(&mut *connection).await?);
        }
        Ok(found)
    }

    fn chunks<'a, T>(
        &'a self,
        connection: &AnyConnection,
        rows: &'a [T],
    ) -> impl Iterator<Item = (Arc<str>, &'a [T])> + Send + use<'a, T>
    where
        T: Sync,
    {
        let statements = if connection.backend_name() == SQLITE { &self.in_order } else { &self.numbered };
        cut(rows).map(move |(size, chunk)| (Arc::clone(&statements[size]), chunk))
    }
}

/// The rows in chunks, each with the place of its size.
fn cut<T>(mut rows: &[T]) -> impl Iterator<Item = (usize, &[T])> {
    std::iter::from_fn(move || {
        let size = SIZES.iter().position(|&size| size <= rows.len())?;
        let (chunk, rest) = rows.split_at(SIZES[size]);
        rows = rest;
        Some((size, chunk))
    })
}

fn bound<T>(
    rows: &[T],
    bind: impl Fn(&T, &mut AnyArguments) -> Result<(), BoxDynError>,
) -> Result<AnyArguments, BoxDynError> {
    let mut arguments = AnyArguments::default();
    rows.iter().try_for_each(|row| bind(row, &mut arguments))?;
    Ok(arguments)
}

/// `($1,$2),($3,$4)` for two rows of two.
fn placeholders(rows: usize, width: usize, placeholder: fn(usize) -> String) -> String {
    let row = |r: usize| {
        let cells: Vec<_> = (1..=width).map(|c| placeholder(r * width + c)).collect();
        format!("({})", cells.join(","))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_count_on_through_rows() {
        let bulk = Bulk::new("VALUES", 3, ";");
        assert_eq!(&*bulk.numbered[2], "VALUES ($1,$2,$3),($4,$5,$6),($7,$8,$9),($10,$11,$12) ;");
        assert_eq!((&*bulk.numbered[3], &*bulk.in_order[3]), ("VALUES ($1,$2,$3) ;", "VALUES (?,?,?) ;"));
    }

    #[test]
    fn lists_are_cut_into_the_largest_sizes() {
        let rows: Vec<usize> = (0..102).collect();
        let sizes: Vec<_> = cut(&rows).map(|(size, chunk)| (SIZES[size], chunk.len())).collect();
        assert_eq!(sizes, [(64, 64), (16, 16), (16, 16), (4, 4), (1, 1), (1, 1)]);
        assert_eq!(cut(&rows).flat_map(|(_, chunk)| chunk.to_vec()).collect::<Vec<_>>(), rows);
        assert_eq!(cut(&rows[..0]).count(), 0);
    }
}
