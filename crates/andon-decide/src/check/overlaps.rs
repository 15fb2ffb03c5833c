//! Under the policy `first`: rows that can both hit an event and put out different things, so that their order decides.
//!
//! The usual order – the special row first, the general one after it – is not reported, only rows of which neither
//! covers the other.

use zen_engine::model::{DecisionTableContent, DecisionTableHitPolicy};
use zen_expression::intellisense::values::value_set::ValueSet;

use super::gaps::example;
use super::grid::{Grid, Region};
use crate::context::LookupPlan;
use crate::findings::{File, Findings};
use crate::jdm::TablePlace;
use crate::table;

/// Most pairs of rows that are compared.
const MAX_PAIRS: usize = 500_000;
/// Most overlaps that are told one by one.
const MAX_TOLD: usize = 20;

/// The pairs of rows whose order matters.
pub(super) fn find(
    content: &DecisionTableContent,
    grid: &Grid,
    lookups: &[LookupPlan],
    file: &File<'_>,
    place: &TablePlace,
) -> Findings {
    if content.hit_policy != DecisionTableHitPolicy::First {
        return Findings::new();
    }
    let aliases: Vec<&str> = lookups.iter().map(|plan| plan.alias.as_str()).collect();
    let told = |(a, b): (usize, usize), both: &Region| {
        let example = example(&grid.dimensions, both, &aliases);
        let (first, second) = (a + 1, b + 1);
        let what = format!(
            "rows {first} and {second} can both hit, for example {example}: row {first} decides because it stands first"
        );
        file.warning_in(&place.row(second), what)
    };
    pairs(content, grid)
        .filter_map(|(at, both)| grid.feasible(&both, &aliases).map(|both| told(at, &both)))
        .take(MAX_TOLD)
        .collect()
}

/// Pairs of rows that cross and differ in their outputs, with what both accept.
fn pairs<'a>(content: &'a DecisionTableContent, grid: &'a Grid) -> impl Iterator<Item = ((usize, usize), Region)> + 'a {
    let known: Vec<(usize, Vec<&ValueSet>)> = grid
        .rows
        .iter()
        .enumerate()
        .filter_map(|(at, row)| Some((at, row.iter().map(|cell| cell.known()).collect::<Option<_>>()?)))
        .collect();
    let positions = (0..known.len()).flat_map(|later| (0..later).map(move |earlier| (earlier, later)));
    positions.take(MAX_PAIRS).filter_map(move |(earlier, later)| {
        let ((a, earlier), (b, later)) = (&known[earlier], &known[later]);
        let differ = crosses(earlier, later) && !same_outputs(content, *a, *b);
        differ.then(|| ((*a, *b), earlier.iter().zip(later).map(|(x, y)| x.intersect(y)).collect()))
    })
}

/// Whether both rows can hit and neither covers the other.
fn crosses(earlier: &[&ValueSet], later: &[&ValueSet]) -> bool {
    let pairs = || earlier.iter().zip(later);
    pairs().all(|(a, b)| a.intersects(b))
        && !pairs().all(|(a, b)| a.is_subset(b))
        && !pairs().all(|(a, b)| b.is_subset(a))
}

fn same_outputs(content: &DecisionTableContent, a: usize, b: usize) -> bool {
    let text = |row: usize, id: &str| table::cell(&content.rules[row], id);
    content.outputs.iter().all(|output| text(a, &output.id) == text(b, &output.id))
}
