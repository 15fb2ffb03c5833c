//! The field facts of the simulated services, as far as creating, probing and changing needs them.
//!
//! One file per subject. Names, types, lengths and flags are those that SAP publishes for the services;
//! where a description is missing or a fact is assumed, the file says so. Everything else (checks, filters,
//! answers, `$metadata`) is derived from these tables.

mod attachment;
mod defect;
mod incident;
mod maintenance;
mod master;
mod quality;
mod requisition;

use andon_model::Timestamp;

pub(crate) use attachment::{ATTACHMENTS, MIME_TYPE};
pub(crate) use master::{EQUIPMENT, FUNCTIONAL_LOCATION};

use super::cell::Cell;
use super::dialect::Dialect;
use super::fields::{Allowed, EntityType, Service};
use super::row::Row;

/// All services.
pub(crate) static SERVICES: [&Service; 11] = [
    &maintenance::MAINTENANCE,
    &maintenance::Z_NOTIFICATION,
    &defect::DEFECT,
    &defect::DEFECT_V4,
    &attachment::ATTACHMENTS,
    &incident::INCIDENT,
    &requisition::REQUISITION,
    &requisition::REQUISITION_V4,
    &quality::QUALITY,
    &master::EQUIPMENT,
    &master::FUNCTIONAL_LOCATION,
];

/// What is known when a document is created.
pub(crate) struct Birth<'a> {
    pub(crate) number: u64,
    pub(crate) now: Timestamp,
    pub(crate) user: &'a str,
}

/// What most services have in common.
const PLAIN: Service = Service {
    name: "",
    path: "",
    dialect: Dialect::V2,
    namespace: "",
    component: "",
    root: &NOTHING,
    parts: &[],
    functions: &[],
    reference: None,
    allowed: Allowed::ALL,
    media: false,
    stock: false,
    summary: &[],
    complete: leave_at_birth,
    settle: leave,
    number_of: number_of_first,
};

static NOTHING: EntityType =
    EntityType { name: "", set: "", keys: &[], counter: None, stamp: None, fields: &[], navigations: &[] };

fn leave_at_birth(_: &mut Row, _: &Birth<'_>) {}

fn leave(_: &mut Row) {}

/// The number is the first key.
fn number_of_first(key: &[Cell]) -> Option<u64> {
    match key.first() {
        Some(Cell::Text(text)) => text.parse().ok(),
        _ => None,
    }
}

/// The keys of a document go on to its children; those without a number of their own are numbered.
pub(super) fn number_children(row: &mut Row) {
    let (kind, keys) = (row.kind, row.kind.keys);
    let inherited: Vec<_> = keys.iter().filter_map(|name| Some((*name, row.get(name)?.clone()))).collect();
    for children in row.children.iter_mut().take(kind.navigations.len()) {
        for (index, child) in children.iter_mut().enumerate() {
            let own = child.kind.keys;
            inherited
                .iter()
                .filter(|(name, _)| own.contains(name))
                .for_each(|(name, cell)| child.set(name, cell.clone()));
            number_child(child, index + 1);
            number_children(child);
        }
    }
}

fn number_child(child: &mut Row, ordinal: usize) {
    let Some((counter, step)) = child.kind.counter.filter(|(counter, _)| child.text(counter).is_empty()) else {
        return;
    };
    let width = child.kind.position(counter).map_or(0, |at| child.kind.field(at).edm.length());
    child.set(counter, Cell::text(format!("{:0>width$}", ordinal * step)));
}

/// A GUID that tells the number of its document and of a part of it.
fn guid(number: u64, part: usize) -> Cell {
    Cell::text(format!("fa163e4d-ca0a-1edd-{part:04x}-{number:012x}"))
}

/// Sets a property that was not given.
fn default(row: &mut Row, name: &str, cell: Cell) {
    if row.get(name).is_none() {
        row.set(name, cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_used_elsewhere_are_fields() {
        for service in SERVICES {
            let root = service.root;
            for name in service.summary.iter().chain(root.keys) {
                assert!(root.position(name).is_some(), "{name} in {}", service.name);
            }
            let holds = |name: &&str| service.types().any(|kind| kind.position(name).is_some());
            assert!(service.reference.iter().all(holds), "{}", service.name);
            for kind in service.types() {
                assert!(kind.fields.len() <= 128, "a selection is a mask of 128 bits");
                let counter = kind.counter.map(|(name, _)| name);
                let named = kind.keys.iter().chain(&counter).chain(&kind.stamp);
                assert!(named.into_iter().all(|key| kind.position(key).is_some()), "{}", kind.name);
                let declared = |target| service.types().any(|other| std::ptr::eq(other, target));
                assert!(kind.navigations.iter().all(|navigation| declared(navigation.target)), "{}", kind.name);
            }
        }
    }

    #[test]
    fn paths_are_unambiguous() {
        for service in SERVICES {
            let same = SERVICES.iter().filter(|other| other.path == service.path || other.name == service.name);
            assert_eq!(same.count(), 1, "{}", service.path);
        }
    }
}
