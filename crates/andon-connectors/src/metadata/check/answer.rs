//! Paths into answers: the `document` of a step, and what later templates read.

use andon_act::template::{Form, Template};

use super::path::{Place, Target};
use super::{Check, Service, WrittenStep};
use crate::metadata::suggest::instead;
use crate::metadata::{Metadata, Structure, Version};

/// What a step is answered.
struct Answer<'a> {
    structure: &'a Structure,
    is_many: bool,
    /// Name of the function that was called: V2 may put its result under it.
    function: Option<String>,
}

impl<'a> Check<'a> {
    /// Checks the path to the document number.
    pub(super) fn document(&mut self, step: &'a WrittenStep, service: Service<'a>) {
        let Some(document) = &step.document else { return };
        let keys = keys(document.get_ref());
        if let Some(what) = self.misled(step, service, &keys) {
            self.error(document, 0, format!("document {}: {what}", document.get_ref()));
        }
    }

    /// What is wrong with a path into the answer of an earlier step.
    pub(super) fn read_answer(&mut self, stage: &str, keys: &[String]) -> Option<String> {
        let (name, keys) = keys.split_first()?;
        let step = self.steps.iter().find(|step| step.stage == stage && step.name.get_ref() == name)?;
        match step.kind.as_str() {
            "lookup" => self.looked_up(step, keys),
            _ => self.misled(step, self.service(step)?, keys),
        }
    }

    /// A column of a `lookup` step's row.
    fn looked_up(&self, step: &WrittenStep, keys: &[String]) -> Option<String> {
        let (lookup, column) = (step.lookup.as_ref()?, keys.first()?);
        let (_, table) = self.facts.lookups.iter().find(|(name, _)| name.as_str() == lookup)?;
        let columns = table.value_columns();
        let is_known = columns.contains(column);
        (!is_known).then(|| {
            format!("lookup {lookup} has no column {column}; {}", instead(column, columns.iter().map(String::as_str)))
        })
    }

    fn misled(&mut self, step: &'a WrittenStep, service: Service<'a>, keys: &[String]) -> Option<String> {
        let answer = self.answer(step, service)?;
        let mut keys = keys;
        if service.version() == Version::V2 {
            keys = match keys.split_first()? {
                (first, rest) if first == "d" => rest,
                (first, _) => return Some(format!("the answer begins with d: write d.{first}")),
            };
            if answer.function.as_ref().is_some_and(|function| keys.first() == Some(function)) {
                keys = keys.get(1..)?;
            }
        }
        let list = if service.version() == Version::V2 { "results" } else { "value" };
        if answer.is_many {
            keys = match keys.split_first()? {
                (first, rest) if first == list => entry(rest)?,
                (first, _) => return Some(format!("the answer is a list: write {list}[0].{first}")),
            };
        }
        walk(service.metadata, answer.structure, keys)
    }

    fn answer(&mut self, step: &'a WrittenStep, service: Service<'a>) -> Option<Answer<'a>> {
        let request = step.request().filter(|_| step.changeset.is_empty())?;
        let before = self.findings.len();
        let target = self.target(service, request.path, &std::collections::BTreeMap::new());
        self.findings.truncate(before);
        let target = target?;
        let structure = target.structure?;
        let method = request.method.get_ref().as_str();
        let (is_many, function) = match (method, target.place) {
            ("POST", Place::Set) | ("GET", Place::Entity) => (false, None),
            ("GET", Place::Set) => (true, None),
            (_, Place::Operation) => (is_many(&target), Some(target.name.clone())),
            _ => return None,
        };
        Some(Answer { structure, is_many, function })
    }
}

fn is_many(target: &Target<'_>) -> bool {
    target.operation.is_some_and(|operation| operation.is_many)
}

/// The keys after the entry of a list.
fn entry(keys: &[String]) -> Option<&[String]> {
    let (first, rest) = keys.split_first()?;
    first.starts_with('[').then_some(rest)
}

/// Follows properties and navigation properties; what is wrong on the way.
fn walk(metadata: &Metadata, structure: &Structure, keys: &[String]) -> Option<String> {
    let (first, rest) = keys.split_first()?;
    if first.starts_with("__") || first.contains('@') || structure.is_open || structure.properties.contains_key(first) {
        return None;
    }
    let Some(navigation) = structure.navigations.get(first) else {
        let known = structure.properties.keys().chain(structure.navigations.keys()).map(String::as_str);
        return Some(format!("{} has no property {first}; {}", structure.name, instead(first, known)));
    };
    let next = metadata.types.get(&navigation.target)?;
    let rest = match rest.first().map(String::as_str) {
        Some("results") if navigation.is_many => rest.get(1..)?,
        _ => rest,
    };
    walk(metadata, next, if navigation.is_many { entry(rest)? } else { rest })
}

/// The keys of a path such as `d.results[0].X`.
fn keys(path: &str) -> Vec<String> {
    let template = Template::compile(&format!("${{{{pre.{path}}}}}"), Form::Text, "").ok();
    let paths = template.iter().flat_map(Template::insertions).flat_map(|inserted| inserted.paths());
    paths.map(|path| path.keys).next().unwrap_or_default()
}
