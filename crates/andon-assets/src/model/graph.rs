//! What follows from what: ranks, dependents, and circles, which are refused.

use super::{Dependent, Models, Reference, Source};
use crate::error::DefinitionError;

/// Gives every property its rank and its dependents.
pub(super) fn connect(models: &mut Models) -> Result<(), DefinitionError> {
    let nodes = Nodes::of(models);
    let inputs: Vec<Vec<usize>> = nodes.ids.iter().map(|id| nodes.inputs(models, *id)).collect();
    let order = ordered(inputs.len(), |node| inputs[node].clone()).map_err(|circle| nodes.refuse(models, &circle))?;
    let mut ranks = vec![0_u32; order.len()];
    for node in order {
        ranks[node] = inputs[node].iter().map(|input| ranks[*input] + 1).max().unwrap_or(0);
        let (model, property) = nodes.ids[node];
        wait_for_inputs(models, model, property);
        models.all[model].properties[property].rank = ranks[node];
        for (reference, dependent) in references(models, model, property) {
            models.all[reference.model].properties[reference.property].dependents.push(dependent);
        }
    }
    Ok(())
}

/// A metric over metrics stays open at least as long as they do.
fn wait_for_inputs(models: &mut Models, model: usize, property: usize) {
    let Source::Metric { inputs, .. } = &models.all[model].properties[property].source else { return };
    let lateness = |input: &Reference| match &models.all[input.model].properties[input.property].source {
        Source::Metric { cut, .. } => cut.lateness,
        _ => 0,
    };
    let longest = inputs.iter().map(lateness).max().unwrap_or(0);
    if let Source::Metric { cut, .. } = &mut models.all[model].properties[property].source {
        cut.lateness = cut.lateness.max(longest);
    }
}

/// What a property reads, each with what it is to that.
fn references(models: &Models, model: usize, property: usize) -> Vec<(Reference, Dependent)> {
    match &models.all[model].properties[property].source {
        Source::Attribute { .. } | Source::Measurement { .. } => Vec::new(),
        Source::Transform { inputs, .. } => {
            let own = |input: &usize| Reference { model, property: *input, hierarchy: None };
            inputs.iter().map(|input| (own(input), Dependent::Transform(property))).collect()
        }
        Source::Metric { inputs, .. } => {
            let of = |(input, reference): (usize, &Reference)| {
                let dependent = match reference.hierarchy {
                    Some(hierarchy) => Dependent::OfParent { model, hierarchy, property, input },
                    None => Dependent::Metric { property, input },
                };
                (*reference, dependent)
            };
            inputs.iter().enumerate().map(of).collect()
        }
    }
}

/// All properties of all models.
struct Nodes {
    ids: Vec<(usize, usize)>,
    first: Vec<usize>,
}

impl Nodes {
    fn of(models: &Models) -> Self {
        let (mut ids, mut first) = (Vec::new(), Vec::new());
        for (model, compiled) in models.all.iter().enumerate() {
            first.push(ids.len());
            ids.extend((0..compiled.properties.len()).map(|property| (model, property)));
        }
        Self { ids, first }
    }

    fn inputs(&self, models: &Models, (model, property): (usize, usize)) -> Vec<usize> {
        let references = references(models, model, property);
        references.iter().map(|(reference, _)| self.first[reference.model] + reference.property).collect()
    }

    fn refuse(&self, models: &Models, circle: &[usize]) -> DefinitionError {
        let names: Vec<_> = circle
            .iter()
            .map(|node| {
                let (model, property) = self.ids[*node];
                format!("{}.{}", models.all[model].name, models.all[model].properties[property].name)
            })
            .collect();
        let (model, property) = self.ids[circle[0]];
        let path = format!("models[{model}].properties[{property}].type");
        DefinitionError::reference(path, format!("follows from itself: {}", names.join(" from ")))
    }
}

/// A circle among `count` things of which each needs `needs`, if there is one.
pub(super) fn circle(count: usize, needs: impl Fn(usize) -> Vec<usize>) -> Option<Vec<usize>> {
    ordered(count, needs).err()
}

/// The things in an order in which each comes after what it needs; the error is a circle.
fn ordered(count: usize, needs: impl Fn(usize) -> Vec<usize>) -> Result<Vec<usize>, Vec<usize>> {
    let mut waiting: Vec<usize> = (0..count).map(|thing| needs(thing).len()).collect();
    let mut needed_by = vec![Vec::new(); count];
    for thing in 0..count {
        for need in needs(thing) {
            needed_by[need].push(thing);
        }
    }
    let mut order: Vec<usize> = (0..count).filter(|thing| waiting[*thing] == 0).collect();
    let mut next = 0;
    while let Some(done) = order.get(next).copied() {
        next += 1;
        for thing in &needed_by[done] {
            waiting[*thing] -= 1;
            order.extend((waiting[*thing] == 0).then_some(*thing));
        }
    }
    match waiting.iter().position(|left| *left > 0) {
        Some(stuck) => Err(walk_round(stuck, |thing| needs(thing).into_iter().find(|need| waiting[*need] > 0))),
        None => Ok(order),
    }
}

/// Whoever goes from one that waits to one that it waits for comes round at last.
fn walk_round(from: usize, next: impl Fn(usize) -> Option<usize>) -> Vec<usize> {
    let mut walked = vec![from];
    while let Some(thing) = walked.last().and_then(|last| next(*last)) {
        if let Some(begin) = walked.iter().position(|known| *known == thing) {
            walked.push(thing);
            return walked.split_off(begin);
        }
        walked.push(thing);
    }
    walked
}
