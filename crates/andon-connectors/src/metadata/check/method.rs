//! Whether a method fits what the path leads to.

use super::path::{Place, Target};
use super::{Check, Text};
use crate::metadata::Version;

/// What a request does with the body that it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A new entity.
    Create,
    /// An entity is changed.
    Change,
    /// Parameters of an action.
    Call,
}

impl Check<'_> {
    /// What the request does; reports a method that does not fit. `None` when there is no body to look at.
    pub(super) fn purpose(&mut self, method: &Text, target: &Target<'_>) -> Option<Purpose> {
        let name = method.get_ref().as_str();
        match misfit(name, target) {
            Some(what) => {
                self.error(method, 0, what);
                None
            }
            None => match (name, target.place) {
                ("POST", Place::Set) => Some(Purpose::Create),
                ("POST", Place::Operation) => Some(Purpose::Call),
                ("PATCH" | "MERGE" | "PUT", Place::Entity) => Some(Purpose::Change),
                _ => None,
            },
        }
    }
}

/// Why a method cannot be used there.
fn misfit(method: &str, target: &Target<'_>) -> Option<String> {
    let name = &target.name;
    let set = target.set;
    let denied = |is_allowed: Option<bool>, what: &str| {
        (is_allowed == Some(false)).then(|| format!("the service does not offer to {what} {name}"))
    };
    match (method, target.place) {
        (_, Place::Elsewhere) => None,
        ("MERGE", _) if target.version == Version::V4 => Some("OData V4 knows no MERGE: use PATCH".to_owned()),
        (_, Place::Operation) => operation_misfit(method, target),
        ("POST", Place::Set) => denied(set.map(|set| set.is_creatable), "create entities of"),
        ("POST", Place::Entity) => Some(format!("POST makes a new entity in a set: leave out the key of {name}")),
        ("PATCH" | "MERGE" | "PUT", Place::Entity) => denied(set.map(|set| set.is_updatable), "change entities of"),
        ("DELETE", Place::Entity) => denied(set.map(|set| set.is_deletable), "delete entities of"),
        ("PATCH" | "MERGE" | "PUT" | "DELETE", Place::Set) => {
            Some(format!("{method} is for one entity: give the key, as in {}", example(target)))
        }
        ("GET", Place::Set) => denied(set.map(|set| set.is_addressable), "list"),
        _ => None,
    }
}

fn operation_misfit(method: &str, target: &Target<'_>) -> Option<String> {
    let expected = target.operation.map(|operation| operation.method.as_str())?;
    (method != expected).then(|| format!("{} is called with {expected}, not with {method}", target.name))
}

/// The path of one entity.
fn example(target: &Target<'_>) -> String {
    let keys = target.structure.map_or(&[][..], |structure| &structure.keys);
    match keys {
        [_] | [] => format!("{}('…')", target.name),
        keys => format!("{}({}=…)", target.name, keys.join("=…,")),
    }
}
