//! Inputs that no row covers.
//!
//! All inputs are cut into regions – for every thing looked at, a set of values – and the rows are taken away one by one.
//! What remains is not covered. A field of the event ranges over the kinds of values that the column's cells speak of;
//! a missing field (`null`) only where some cell asks for it. A lookup is either listed, with texts in its columns, or
//! `null`, with `null` in them.

use serde_json::Value;
use zen_expression::intellisense::values::value_set::{NumberSet, StringSet, ValueSet};

use super::grid::{Dimension, Grid, Region};
use crate::context::LookupPlan;
use crate::findings::{File, Findings};
use crate::jdm::TablePlace;

/// Most regions kept at a time, before giving up.
const MAX_REGIONS: usize = 2_000;
/// Most cuts, before giving up.
const MAX_CUTS: usize = 200_000;
/// Most lookups that a table can look at, before giving up: each doubles the regions.
const MAX_LOOKUPS: usize = 6;
/// Most gaps that are told one by one.
const MAX_TOLD: usize = 3;

/// The gaps of a table.
pub(super) fn find(grid: &Grid, lookups: &[LookupPlan], file: &File<'_>, place: &TablePlace) -> Findings {
    let aliases: Vec<&str> = lookups.iter().map(|plan| plan.alias.as_str()).collect();
    let Some(remaining) = inputs(grid, &aliases).and_then(|regions| uncovered(regions, grid)) else {
        let what = "the table is too complex to tell whether every input has a row";
        return vec![file.warning_in(place.whole(), what)];
    };
    let remaining: Vec<Region> = remaining.iter().filter_map(|region| grid.feasible(region, &aliases)).collect();
    let mut findings: Findings = remaining
        .iter()
        .take(MAX_TOLD)
        .map(|gap| format!("no row covers {}", example(&grid.dimensions, gap, &aliases)))
        .map(|what| file.warning_in(place.whole(), what))
        .collect();
    if remaining.len() > MAX_TOLD {
        let what = format!("{} more kinds of input have no row", remaining.len() - MAX_TOLD);
        findings.push(file.warning_in(place.whole(), what));
    }
    findings
}

/// All inputs, as regions.
fn inputs(grid: &Grid, aliases: &[&str]) -> Option<Vec<Region>> {
    let asked = |alias: &&&str| grid.asked().any(|dimension| dimension.is_of(alias));
    let used: Vec<&&str> = aliases.iter().filter(asked).collect();
    if used.len() > MAX_LOOKUPS {
        return None;
    }
    let mut regions = vec![(0..grid.dimensions.len()).map(|at| event_domain(grid, at)).collect()];
    for alias in used {
        regions = regions.iter().flat_map(|region| grid.with_lookup(region, alias)).collect();
    }
    Some(regions)
}

/// What a field of the event ranges over, judged by the column's cells; everything when that tells nothing, or when
/// another column looks into the same field.
fn event_domain(grid: &Grid, at: usize) -> ValueSet {
    let dimension = &grid.dimensions[at];
    if dimension.path.is_none() || grid.dimensions.iter().any(|other| other.is_inside(dimension)) {
        return ValueSet::all();
    }
    let mut domain = ValueSet::empty();
    for set in grid.rows.iter().filter_map(|row| row[at].known()) {
        if *set == ValueSet::null() || set.complement() == ValueSet::null() {
            domain = domain.union(&ValueSet { null: true, other: true, ..ValueSet::empty() });
        } else {
            domain = domain.union(&kinds_of(set));
        }
    }
    if domain.is_empty() { ValueSet::all() } else { domain }
}

/// Every value of the kinds that a set speaks of: `!= "a"` speaks of texts, although it accepts numbers.
fn kinds_of(set: &ValueSet) -> ValueSet {
    let numbers = !set.numbers.is_empty() && (!set.numbers.is_all() || set.strings.is_empty());
    let strings = !set.strings.is_empty() && (!set.strings.is_all() || set.numbers.is_empty());
    let bools = set.bools != 0 && (set.bools != (ValueSet::TRUE | ValueSet::FALSE) || set.numbers.is_empty());
    let mut kinds = ValueSet::empty();
    if numbers {
        kinds.numbers = NumberSet::all();
    }
    if strings {
        kinds.strings = StringSet::all();
    }
    if bools {
        kinds.bools = ValueSet::TRUE | ValueSet::FALSE;
    }
    kinds
}

/// What remains of the regions when every row is taken away; `None` when that takes too long.
fn uncovered(mut regions: Vec<Region>, grid: &Grid) -> Option<Vec<Region>> {
    let all = ValueSet::all();
    let mut cuts = 0;
    // The last row is often the one that takes the rest: beginning there keeps the regions few.
    for row in grid.rows.iter().rev() {
        let row: Vec<&ValueSet> = row.iter().map(|cell| cell.known().unwrap_or(&all)).collect();
        cuts += regions.len();
        regions = regions.into_iter().flat_map(|region| subtract(region, &row)).collect();
        if regions.len() > MAX_REGIONS || cuts > MAX_CUTS {
            return None;
        }
    }
    Some(regions)
}

/// The parts of a region outside of a row.
fn subtract(region: Region, row: &[&ValueSet]) -> Vec<Region> {
    if region.iter().zip(row).any(|(set, accepted)| !set.intersects(accepted)) {
        return vec![region];
    }
    let mut parts = Vec::new();
    let mut rest = region;
    for (at, accepted) in row.iter().enumerate() {
        let outside = rest[at].difference(accepted);
        rest[at] = rest[at].intersect(accepted);
        if !outside.is_empty() {
            let mut part = rest.clone();
            part[at] = outside;
            parts.push(part);
        }
    }
    parts
}

/// A value for every thing whose value matters, such as `event.data.score = 0.2, asset not listed`.
pub(super) fn example(dimensions: &[Dimension], region: &Region, aliases: &[&str]) -> String {
    let told: Vec<String> = dimensions
        .iter()
        .zip(region)
        .filter(|(_, set)| !set.is_all())
        .filter_map(|(dimension, set)| {
            let label = &dimension.label;
            let is_lookup = dimension.path.as_ref().is_some_and(|path| path.len() == 1 && aliases.contains(&&*path[0]));
            match (is_lookup, set.null) {
                (true, true) => Some(format!("{label} not listed")),
                (true, false) => Some(format!("{label} listed")),
                (false, _) => set.example(None).map(|value| format!("{label} = {}", short(&value))),
            }
        })
        .collect();
    if told.is_empty() { "any input".to_owned() } else { told.join(", ") }
}

fn short(value: &Value) -> String {
    match value {
        Value::Array(_) => "something else".to_owned(),
        other => other.to_string(),
    }
}
