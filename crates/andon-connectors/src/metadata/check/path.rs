//! Where the path of a request leads.

use std::collections::BTreeMap;

use andon_act::template::{Form, Fragment, Inserted, Template};
use percent_encoding::percent_decode_str;

use super::{Check, Service, Text};
use crate::metadata::suggest::instead;
use crate::metadata::{EntitySet, Operation, Structure, Version};

/// Stands for an insertion in the text of a path.
pub(super) const GAP: char = '\u{1}';

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Many entities.
    Set,
    /// One entity.
    Entity,
    /// A function import, an action or a function.
    Operation,
    /// Something that is not checked: a property, a link, a stream.
    Elsewhere,
}

/// Where a path leads.
#[derive(Debug, Clone)]
pub(super) struct Target<'a> {
    pub(super) place: Place,
    /// The last name of the path.
    pub(super) name: String,
    pub(super) version: Version,
    /// The set, when the path names one, or one has the type that it leads to.
    pub(super) set: Option<&'a EntitySet>,
    /// The type of the entities, or of the operation's result.
    pub(super) structure: Option<&'a Structure>,
    pub(super) operation: Option<&'a Operation>,
    /// Whether the path has a query of its own.
    pub(super) has_query: bool,
}

impl Target<'_> {
    /// Whether what is sent is a file.
    pub(super) fn is_media(&self) -> bool {
        self.place == Place::Set && self.structure.is_some_and(|structure| structure.is_media)
    }
}

/// A path as text, with [`GAP`] for each insertion.
pub(super) struct Address<'t> {
    pub(super) text: String,
    pub(super) gaps: Vec<Inserted<'t>>,
}

impl<'t> Address<'t> {
    pub(super) fn of(template: &'t Template) -> Self {
        let (mut text, mut gaps) = (String::new(), Vec::new());
        for fragment in template.fragments() {
            match fragment {
                Fragment::Literal(literal) => text.push_str(&literal),
                Fragment::Inserted(inserted) => {
                    text.push(GAP);
                    gaps.push(inserted);
                }
            }
        }
        Self { text, gaps }
    }
}

/// A segment: its name, and what stands in its parentheses with the number of gaps before it.
pub(super) struct Segment {
    pub(super) name: String,
    pub(super) key: Option<String>,
    pub(super) gaps_before: usize,
}

/// Cuts a path at `/` outside of quotes and parentheses.
pub(super) fn segments(path: &str) -> Vec<Segment> {
    let (mut segments, mut start, mut gaps) = (Vec::new(), 0, 0);
    let (mut is_quoted, mut depth) = (false, 0usize);
    for (at, c) in path.char_indices().chain([(path.len(), '/')]) {
        match c {
            '\'' => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => depth = depth.saturating_sub(1),
            '/' if at == path.len() || (!is_quoted && depth == 0) => {
                let text = &path[start..at];
                segments.extend((!text.is_empty()).then(|| segment(text, gaps)));
                gaps += text.matches(GAP).count();
                start = at + 1;
            }
            _ => {}
        }
    }
    segments
}

fn segment(text: &str, gaps: usize) -> Segment {
    let (name, key) = match text.split_once('(') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(')').unwrap_or(rest))),
        None => (text, None),
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Segment { name: decoded(name), key: key.map(decoded), gaps_before: gaps + name.matches(GAP).count() }
}

impl<'a> Check<'a> {
    /// Where a path leads; reports what does not exist. `None` when it cannot be told.
    pub(super) fn target(
        &mut self,
        service: Service<'a>,
        path: &Text,
        made: &BTreeMap<String, Target<'a>>,
    ) -> Option<Target<'a>> {
        let template = Template::compile(path.get_ref(), Form::UrlPath, "").ok()?;
        let address = Address::of(&template);
        let (plain, has_query) = match address.text.split_once('?') {
            Some((plain, _)) => (plain, true),
            None => (address.text.as_str(), false),
        };
        let segments = segments(plain);
        let (first, rest) = segments.split_first()?;
        let mut target = match made.get(&first.name) {
            Some(made) => Target { place: Place::Entity, ..made.clone() },
            None => self.first(service, path, first)?,
        };
        target.has_query = has_query;
        self.key(service, path, first, &target, &address.gaps);
        for segment in rest {
            target = self.next(service, path, &target, segment)?;
            self.key(service, path, segment, &target, &address.gaps);
        }
        Some(target)
    }

    fn first(&mut self, service: Service<'a>, path: &Text, segment: &Segment) -> Option<Target<'a>> {
        let name = &segment.name;
        if name.contains(GAP) || name.starts_with('$') {
            return None;
        }
        let metadata = service.metadata;
        if let Some(set) = metadata.sets.get(name) {
            let is_one = segment.key.is_some() || set.is_single;
            let place = if is_one { Place::Entity } else { Place::Set };
            return Some(entities(service, name, place, Some(set), metadata.type_of(set)));
        }
        if let Some(operation) = metadata.operation(name).filter(|operation| operation.bound_to.is_none()) {
            return Some(called(service, name, operation));
        }
        let known = metadata.sets.keys().chain(metadata.operations.keys()).map(String::as_str);
        let elsewhere: Vec<&str> = self.services.having(name).collect();
        let hint = match elsewhere.as_slice() {
            [] => instead(name, known),
            documents => format!("metadata {} has it: is this the right service?", documents.join(", ")),
        };
        self.error(path, 0, format!("{} has no set or function {name}; {hint}", service.name));
        None
    }

    fn next(&mut self, service: Service<'a>, path: &Text, from: &Target<'a>, segment: &Segment) -> Option<Target<'a>> {
        let name = &segment.name;
        let structure = from.structure.filter(|_| from.place == Place::Entity && !name.contains(GAP))?;
        if let Some(navigation) = structure.navigations.get(name) {
            let place = if navigation.is_many && segment.key.is_none() { Place::Set } else { Place::Entity };
            let set = service.metadata.sets.values().find(|set| set.kind == navigation.target);
            return Some(entities(service, name, place, set, service.metadata.types.get(&navigation.target)));
        }
        if let Some(operation) = service.metadata.operation(name) {
            return Some(called(service, name, operation));
        }
        let is_cast = service.metadata.types.contains_key(name);
        if name.starts_with('$') || is_cast || structure.properties.contains_key(name) {
            return Some(entities(service, name, Place::Elsewhere, None, None));
        }
        let operations = service.metadata.operations.keys().filter(|_| name.contains('.'));
        let hint = instead(name, structure.navigations.keys().chain(operations).map(String::as_str));
        self.error(path, 0, format!("{} leads to no {name}; {hint}", structure.name));
        None
    }
}

fn entities<'a>(
    service: Service<'a>,
    name: &str,
    place: Place,
    set: Option<&'a EntitySet>,
    structure: Option<&'a Structure>,
) -> Target<'a> {
    let (version, name) = (service.version(), name.to_owned());
    Target { place, name, version, set, structure, operation: None, has_query: false }
}

fn called<'a>(service: Service<'a>, name: &str, operation: &'a Operation) -> Target<'a> {
    let structure = operation.result.as_ref().and_then(|kind| service.metadata.types.get(kind));
    Target { operation: Some(operation), ..entities(service, name, Place::Operation, None, structure) }
}
