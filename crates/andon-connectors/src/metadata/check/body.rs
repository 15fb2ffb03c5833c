//! The members of a body against the properties of a type, with the entities that a deep insert brings along.

use andon_act::template::{Member, Node, Shape};

use super::method::Purpose;
use super::path::Target;
use super::value::Field;
use super::{Check, Service, Text};
use crate::metadata::edm::Kind;
use crate::metadata::suggest::instead;
use crate::metadata::{EntitySet, Format, Navigation, Operation, Property, Structure, Version};

/// Deepest nesting of entities that is looked at.
const MAX_DEPTH: usize = 16;

/// What an object of a body is.
#[derive(Clone, Copy)]
struct Frame<'a> {
    structure: &'a Structure,
    set: Option<&'a EntitySet>,
    purpose: Purpose,
    depth: usize,
}

impl<'a> Check<'a> {
    /// Checks a body.
    pub(super) fn body(
        &mut self,
        service: Service<'a>,
        target: &Target<'a>,
        purpose: Purpose,
        text: &Text,
        node: &Node<'_>,
    ) {
        let Shape::Object(members) = &unwrapped(node, service.version()).shape else { return };
        match (purpose, target.operation, target.structure) {
            (Purpose::Call, Some(operation), _) => self.parameters(service, target, operation, text, members),
            (Purpose::Create | Purpose::Change, _, Some(structure)) => {
                let frame = Frame { structure, set: target.set, purpose, depth: 0 };
                self.entity(service, frame, text, node.at, members);
            }
            _ => {}
        }
    }

    fn entity(&mut self, service: Service<'a>, frame: Frame<'a>, text: &Text, at: usize, members: &[Member<'_>]) {
        let mut given: Vec<&str> = Vec::new();
        for member in members {
            let Some(name) = member.name.as_deref() else { continue };
            if given.contains(&name) {
                self.error(text, member.at, format!("{name} is given twice"));
            }
            given.push(name);
            if !name.starts_with("__") && !name.contains('@') {
                self.member(service, frame, text, member, name);
            }
        }
        let is_complete = members.iter().all(|member| member.name.is_some());
        if frame.purpose == Purpose::Create && is_complete {
            self.mandatory(frame, text, at, &given);
        }
    }

    fn mandatory(&mut self, frame: Frame<'a>, text: &Text, at: usize, given: &[&str]) {
        let own = frame.structure.properties.iter().filter(|(_, property)| property.is_mandatory);
        let of_set = frame.set.into_iter().flat_map(|set| &set.mandatory);
        let mut needed: Vec<&str> = own.map(|(name, _)| name).chain(of_set).map(String::as_str).collect();
        needed.sort_unstable();
        needed.dedup();
        let missing = |names: Vec<&'a str>| names.into_iter().filter(|name| !given.contains(name)).collect::<Vec<_>>();
        for name in missing(needed.clone()) {
            self.error(text, at, format!("{name} is mandatory when a {} is created", frame.structure.name));
        }
        let expected = frame.structure.properties.iter().filter(|(_, property)| property.is_expected);
        let expected = expected.map(|(name, _)| name.as_str()).filter(|name| !needed.contains(name)).collect();
        for name in missing(expected) {
            let kind = &frame.structure.name;
            self.warning(
                text,
                at,
                format!("{name} takes no null, so it is probably mandatory when a {kind} is created"),
            );
        }
    }

    fn member(&mut self, service: Service<'a>, frame: Frame<'a>, text: &Text, member: &Member<'_>, name: &str) {
        let structure = frame.structure;
        if let Some(property) = structure.properties.get(name) {
            self.permission(frame, text, member.at, name, property);
            self.complex(service, frame, text, property, &member.value);
            self.value(service, Field { text, at: member.at, name, property }, &member.value);
        } else if let Some(navigation) = structure.navigations.get(name) {
            self.related(service, frame, text, member, navigation);
        } else if !structure.is_open {
            let known = structure.properties.keys().chain(structure.navigations.keys()).map(String::as_str);
            let hint = instead(name, known);
            self.error(text, member.at, format!("{} has no property {name}; {hint}", structure.name));
        }
    }

    /// A property that SAP sets itself. Services differ in what they do with one that is given: some ignore it, some
    /// refuse the request, and a few need it in spite of what their metadata says.
    fn permission(&mut self, frame: Frame<'_>, text: &Text, at: usize, name: &str, property: &Property) {
        let set = frame.set;
        let is_listed = |list: Option<&Vec<String>>| list.is_some_and(|list| list.iter().any(|known| known == name));
        let what = match frame.purpose {
            Purpose::Create if !property.is_creatable || is_listed(set.map(|set| &set.not_creatable)) => "created",
            Purpose::Change if !property.is_updatable || is_listed(set.map(|set| &set.not_updatable)) => "changed",
            _ => return,
        };
        let kind = &frame.structure.name;
        let what = format!("{name} is not to be given when a {kind} is {what}: SAP ignores it or refuses the request");
        self.warning(text, at, what);
    }

    /// The members of a complex value.
    fn complex(&mut self, service: Service<'a>, frame: Frame<'a>, text: &Text, property: &Property, node: &Node<'_>) {
        let Kind::Named(name) = &property.kind else { return };
        if let (Some(structure), Shape::Object(members)) = (service.metadata.types.get(name), &node.shape)
            && frame.depth < MAX_DEPTH
        {
            let frame = Frame { structure, set: None, purpose: Purpose::Change, depth: frame.depth + 1 };
            self.entity(service, frame, text, node.at, members);
        }
    }

    /// Entities that are made together with their owner.
    fn related(
        &mut self,
        service: Service<'a>,
        frame: Frame<'a>,
        text: &Text,
        member: &Member<'_>,
        navigation: &Navigation,
    ) {
        let name = member.name.as_deref().unwrap_or_default();
        if frame.purpose == Purpose::Change && service.version() == Version::V2 {
            let what = format!("{name} leads to other entities: a change of {} takes none", frame.structure.name);
            return self.error(text, member.at, what);
        }
        let Some(structure) = service.metadata.types.get(&navigation.target) else { return };
        let set = service.metadata.sets.values().find(|set| set.kind == navigation.target);
        let frame = Frame { structure, set, purpose: frame.purpose, depth: frame.depth + 1 };
        let Some(entities) = entities(&member.value, navigation.is_many, service.version()) else {
            let form = if navigation.is_many { "a list of entities" } else { "one entity" };
            return self.error(text, member.at, format!("{name} is {form}"));
        };
        for entity in entities.iter().filter(|_| frame.depth < MAX_DEPTH) {
            if let Shape::Object(members) = &entity.shape {
                self.entity(service, frame, text, entity.at, members);
            }
        }
    }

    /// The parameters of an action, in the body of its call.
    fn parameters(
        &mut self,
        service: Service<'a>,
        target: &Target<'_>,
        operation: &Operation,
        text: &Text,
        members: &[Member<'_>],
    ) {
        if service.version() == Version::V2 {
            return;
        }
        for member in members {
            let Some(name) = member.name.as_deref() else { continue };
            if let Some((_, parameter)) = operation.parameters.iter().find(|(known, _)| known == name) {
                let property = parameter.as_property();
                self.value(service, Field { text, at: member.at, name, property: &property }, &member.value);
            } else {
                let hint = instead(name, operation.parameters.iter().map(|(known, _)| known.as_str()));
                self.error(text, member.at, format!("{} has no parameter {name}; {hint}", target.name));
            }
        }
    }
}

impl crate::metadata::Parameter {
    /// As a property that any request may give.
    pub(super) fn as_property(&self) -> Property {
        Property {
            kind: self.kind.clone(),
            is_list: false,
            is_nullable: self.is_optional,
            max_length: self.max_length,
            precision: None,
            scale: None,
            is_creatable: true,
            is_updatable: true,
            is_filterable: true,
            is_mandatory: !self.is_optional,
            is_expected: false,
            format: Format::Plain,
        }
    }
}

/// The value of the only member `name`.
fn only<'n, 't>(node: &'n Node<'t>, name: &str) -> Option<&'n Node<'t>> {
    match &node.shape {
        Shape::Object(members) => match members.as_slice() {
            [member] if member.name.as_deref() == Some(name) => Some(&member.value),
            _ => None,
        },
        _ => None,
    }
}

/// The entity of a body: V2 may wrap it into `d`.
fn unwrapped<'n, 't>(node: &'n Node<'t>, version: Version) -> &'n Node<'t> {
    only(node, "d").filter(|_| version == Version::V2).unwrap_or(node)
}

/// The entities of a navigation property; `None` when it does not have their form, none when they are inserted.
fn entities<'n, 't>(node: &'n Node<'t>, is_many: bool, version: Version) -> Option<Vec<&'n Node<'t>>> {
    let list = only(node, "results").filter(|_| is_many && version == Version::V2).unwrap_or(node);
    match &list.shape {
        Shape::Value(_) | Shape::Null => Some(Vec::new()),
        Shape::List(entries) if is_many => Some(entries.iter().collect()),
        Shape::Object(_) if !is_many => Some(vec![list]),
        _ => None,
    }
}
