//! `xtask/ratchet.toml`: what is still too long, with its present length. Numbers only shrink.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::Finding;

/// Where the ratchet is kept.
pub(super) const PATH: &str = "xtask/ratchet.toml";

/// One table of the ratchet: what → lines.
pub(super) type Known = BTreeMap<String, usize>;

/// Reads table `name` of the ratchet's text.
pub(super) fn parse(text: &str, name: &str) -> Result<Known> {
    let table: toml::Table = text.parse().context(PATH)?;
    let Some(section) = table.get(name) else { return Ok(Known::new()) };
    section.clone().try_into().with_context(|| format!("{PATH}: [{name}] holds numbers of lines"))
}

/// Compares measured lengths with `limit` and with what is known.
pub(super) fn compare(limit: usize, known: &Known, measured: &[(String, usize)]) -> Vec<Finding> {
    let long: Known = measured.iter().filter(|(_, lines)| *lines > limit).cloned().collect();
    let grown = long.iter().filter_map(|(what, lines)| grown(limit, what, *lines, known.get(what).copied()));
    let gone = known.iter().filter(|(what, _)| !long.contains_key(*what));
    let gone =
        gone.map(|(what, _)| Finding::new(PATH, format!("{what} is within {limit} lines now: remove its entry")));
    grown.chain(gone).collect()
}

fn grown(limit: usize, what: &str, lines: usize, known: Option<usize>) -> Option<Finding> {
    match known {
        None => Some(Finding::new(what, format!("{lines} lines, the limit is {limit}: split it"))),
        Some(before) if lines > before => Some(Finding::new(what, format!("grew from {before} to {lines} lines"))),
        Some(before) if lines < before => Some(Finding::new(PATH, format!("{what} shrank: write {lines}"))),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(known: &str, measured: usize, expect: &[&str]) {
        let known = parse(known, "files").expect("valid");
        let found = compare(10, &known, &[("a.rs".into(), measured)]);
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn numbers_only_shrink() {
        check("", 10, &[]);
        check("", 11, &["a.rs: 11 lines, the limit is 10: split it"]);
        check("[files]\n'a.rs' = 12", 12, &[]);
        check("[files]\n'a.rs' = 12", 13, &["a.rs: grew from 12 to 13 lines"]);
        check("[files]\n'a.rs' = 12", 11, &["xtask/ratchet.toml: a.rs shrank: write 11"]);
        check("[files]\n'a.rs' = 12", 9, &["xtask/ratchet.toml: a.rs is within 10 lines now: remove its entry"]);
    }
}
