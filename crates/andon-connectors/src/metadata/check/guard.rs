//! Whether a probe can find what a request made: set, field, filter and length.

use std::collections::BTreeMap;

use andon_act::template::{Form, Template};

use super::path::{Address, segments};
use super::{Check, Service, Text, WrittenStep};
use crate::metadata::edm::Kind;
use crate::metadata::suggest::instead;
use crate::metadata::{EntitySet, Structure, Version};

/// A value that only the key fills.
const KEY: &str = "${{key}}";

impl<'a> Check<'a> {
    /// Checks the guard of a step.
    pub(super) fn guard(&mut self, step: &WrittenStep, service: Service<'a>) {
        let Some(guard) = &step.guard else { return };
        let Some(field) = &guard.field else { return };
        if let Some(set) = &guard.set {
            let Some((found, structure)) = self.searched(service, set) else { return };
            self.searchable(field, found, structure);
            self.reference(field, structure, guard.value.as_ref());
        } else if let Some(list) = &guard.list {
            let value = guard.value.as_ref().or(step.file_name.as_ref().filter(|_| step.is_attachment()));
            if let Some(structure) = self.listing(service, list, field, &guard.query) {
                self.reference(field, structure, value);
            }
        }
    }

    fn searched(&mut self, service: Service<'a>, set: &Text) -> Option<(&'a EntitySet, &'a Structure)> {
        let template = Template::compile(set.get_ref(), Form::UrlPath, "").ok()?;
        let address = Address::of(&template);
        let segments = segments(&address.text);
        let [segment] = segments.as_slice() else { return None };
        let Some(found) = service.metadata.sets.get(&segment.name) else {
            let hint = instead(&segment.name, service.metadata.sets.keys().map(String::as_str));
            self.error(set, 0, format!("{} has no set {} to search; {hint}", service.name, segment.name));
            return None;
        };
        Some((found, service.metadata.type_of(found)?))
    }

    fn searchable(&mut self, field: &Text, set: &EntitySet, structure: &Structure) {
        let name = field.get_ref();
        let Some(property) = structure.properties.get(name) else {
            let hint = instead(name, structure.properties.keys().map(String::as_str));
            return self.error(field, 0, format!("{} has no property {name} to search by; {hint}", structure.name));
        };
        if !property.is_filterable || set.not_filterable.contains(name) {
            self.error(field, 0, format!("{name} cannot be filtered by, so that the guard would find nothing"));
        }
        if !set.is_addressable {
            self.error(field, 0, format!("the set of {} cannot be searched", structure.name));
        }
    }

    /// Whether the field takes what is searched for.
    fn reference(&mut self, field: &Text, structure: &Structure, value: Option<&Text>) {
        let name = field.get_ref();
        let Some(property) = structure.properties.get(name) else { return };
        if property.kind != Kind::String {
            return self.error(field, 0, format!("{name} is no text: it takes no key of 20 characters"));
        }
        let source = value.map_or(KEY, |value| value.get_ref().as_str());
        let Ok(template) = Template::compile(source, Form::Query, "") else { return };
        let before = self.findings.len();
        self.lengths(value.unwrap_or(field), name, property, &template.fragments());
        for finding in &mut self.findings[before..] {
            finding.problem.detail.push_str(": the guard could not find the document again");
        }
    }

    /// A listing that is read as it is; the type of what it lists.
    fn listing(
        &mut self,
        service: Service<'a>,
        list: &Text,
        field: &Text,
        query: &BTreeMap<String, Text>,
    ) -> Option<&'a Structure> {
        let template = Template::compile(list.get_ref(), Form::UrlPath, "").ok()?;
        let address = Address::of(&template);
        let (plain, own_query) = address.text.split_once('?').unwrap_or((&address.text, ""));
        let segments = segments(plain);
        let [segment] = segments.as_slice() else { return None };
        let metadata = service.metadata;
        let operation = metadata.operation(&segment.name);
        if let Some(operation) = operation.filter(|_| service.version() == Version::V2) {
            let path = Some(list).filter(|_| own_query.is_empty());
            self.arguments((query, path), service, &segment.name, operation);
        }
        let kind = operation.map(|operation| operation.result.as_ref());
        let kind = kind.unwrap_or_else(|| metadata.sets.get(&segment.name).map(|set| &set.kind));
        if operation.is_none() && kind.is_none() {
            let known = metadata.sets.keys().chain(metadata.operations.keys()).map(String::as_str);
            let hint = instead(&segment.name, known);
            self.error(list, 0, format!("{} has no listing {}; {hint}", service.name, segment.name));
            return None;
        }
        let structure = kind.and_then(|kind| metadata.types.get(kind))?;
        if !structure.properties.contains_key(field.get_ref()) {
            let hint = instead(field.get_ref(), structure.properties.keys().map(String::as_str));
            self.error(field, 0, format!("{} has no property {}; {hint}", structure.name, field.get_ref()));
        }
        Some(structure)
    }
}
