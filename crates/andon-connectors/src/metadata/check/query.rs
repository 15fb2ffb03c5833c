//! Query parameters: those of a function, and names in `$select`, `$expand` and `$orderby`.

use std::collections::BTreeMap;

use andon_act::template::{Form, Template};

use super::path::{Address, Place, Target};
use super::{Check, Service, Text, WrittenStep};
use crate::metadata::suggest::instead;
use crate::metadata::{Operation, Structure, Version};

/// Query options of the protocol.
const OPTIONS: [&str; 12] = [
    "$filter",
    "$select",
    "$expand",
    "$orderby",
    "$top",
    "$skip",
    "$skiptoken",
    "$count",
    "$inlinecount",
    "$format",
    "$search",
    "$apply",
];

impl<'a> Check<'a> {
    /// Checks the query of a step's own request.
    pub(super) fn query(&mut self, step: &WrittenStep, service: Service<'a>, target: &Target<'a>) {
        for (name, value) in step.query.iter().filter(|(name, _)| name.starts_with('$')) {
            if !OPTIONS.contains(&name.as_str()) {
                self.error(value, 0, format!("there is no query option {name}; {}", instead(name, OPTIONS)));
            }
            if let Some(structure) = target.structure
                && matches!(name.as_str(), "$select" | "$expand" | "$orderby")
            {
                self.listed(structure, name, value);
            }
        }
        if let Some(operation) = target.operation.filter(|_| service.version() == Version::V2) {
            let path = step.path.as_ref().filter(|_| !target.has_query && target.place == Place::Operation);
            self.arguments((&step.query, path), service, &target.name, operation);
        }
    }

    /// Names in a comma-separated list; what is nested or inserted is passed over.
    fn listed(&mut self, structure: &Structure, option: &str, value: &Text) {
        let is_plain = |name: &&str| !name.is_empty() && !name.contains(['/', '(', '$', '*', '.']);
        for name in value.get_ref().split(',').filter_map(|part| part.split_whitespace().next()).filter(is_plain) {
            let is_known = match option {
                "$expand" => structure.navigations.contains_key(name),
                "$select" => structure.properties.contains_key(name) || structure.navigations.contains_key(name),
                _ => structure.properties.contains_key(name),
            };
            if !is_known && !structure.is_open {
                let known = structure.properties.keys().chain(structure.navigations.keys()).map(String::as_str);
                let hint = instead(name, known);
                self.error(value, 0, format!("{option}: {} has no {name}; {hint}", structure.name));
            }
        }
    }

    /// The parameters of a function import; one that is missing is reported at the path, when that has no query of
    /// its own.
    pub(super) fn arguments(
        &mut self,
        (query, path): (&BTreeMap<String, Text>, Option<&Text>),
        service: Service<'a>,
        function: &str,
        operation: &'a Operation,
    ) {
        let known = || operation.parameters.iter().map(|(name, _)| name.as_str());
        for (name, value) in query.iter().filter(|(name, _)| !name.starts_with('$') && !name.contains('-')) {
            let Some((_, parameter)) = operation.parameters.iter().find(|(known, _)| known == name) else {
                let hint = instead(name, known());
                self.error(value, 0, format!("{function} has no parameter {name}; {hint}"));
                continue;
            };
            if let Ok(template) = Template::compile(value.get_ref(), Form::Query, "") {
                let address = Address::of(&template);
                self.literal(service, value, (name, &parameter.as_property()), address.text.trim(), &address.gaps);
            }
        }
        let Some(path) = path else { return };
        let needed = operation.parameters.iter().filter(|(_, parameter)| !parameter.is_optional);
        for (name, _) in needed.filter(|(name, _)| !query.contains_key(name)) {
            self.error(path, 0, format!("{function} needs the parameter {name}: give it in query"));
        }
    }
}
