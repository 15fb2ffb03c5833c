//! Which page of a list.

use crate::error::ApiError;

/// Rows of a page unless the caller says otherwise.
const DEFAULT_ROWS: usize = 100;
/// Most rows of a page.
const MAX_ROWS: usize = 1_000;

/// The number of rows that a caller asked for.
pub(super) fn rows(limit: Option<usize>) -> Result<usize, ApiError> {
    match limit {
        None => Ok(DEFAULT_ROWS),
        Some(rows) if (1..=MAX_ROWS).contains(&rows) => Ok(rows),
        Some(rows) => Err(ApiError::bad_request(format!("limit is {rows}, it must be from 1 to {MAX_ROWS}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_a_size_within_bounds() {
        let check = |limit, expected: Option<usize>| assert_eq!(rows(limit).ok(), expected, "{limit:?}");
        check(None, Some(100));
        check(Some(1), Some(1));
        check(Some(1_000), Some(1_000));
        check(Some(0), None);
        check(Some(1_001), None);
    }
}
