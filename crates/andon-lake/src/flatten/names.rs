//! Names of columns and tables.

use std::collections::HashSet;

/// Longest name, in bytes: what catalogs and warehouses take.
pub(super) const MAX_NAME_BYTES: usize = 255;

/// Refused in column names by Delta Lake without column mapping
/// (<https://github.com/delta-io/delta/blob/master/PROTOCOL.md#column-mapping>), and by Parquet's tools.
const REFUSED: &[char] = &[' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '='];

/// The name for a path, before it is made unique.
pub(super) fn of_path<'a>(path: impl Iterator<Item = &'a str>) -> String {
    let parts: Vec<String> = path.map(of_member).collect();
    parts.join(".")
}

fn of_member(member: &str) -> String {
    if member.is_empty() {
        return "_".to_owned();
    }
    let legal = |c: char| if REFUSED.contains(&c) || c.is_control() { '_' } else { c };
    member.to_lowercase().chars().map(legal).collect()
}

/// `name`, or the first of `name__2`, `name__3`, … that nobody has.
pub(super) fn unique(name: String, taken: &HashSet<String>) -> String {
    if !taken.contains(&name) {
        return name;
    }
    let mut number = 2_u32;
    loop {
        let candidate = format!("{name}__{number}");
        if !taken.contains(&candidate) {
            return candidate;
        }
        number += 1;
    }
}
