//! Paths into answers: the `document` of a step, and what later templates read.

use std::collections::BTreeMap;

use andon_act::template::{Form, Template};

use super::path::{Place, Target};
use super::{Check, Service, WrittenStep};
use crate::metadata::edm::Kind;
use crate::metadata::suggest::instead;
use crate::metadata::{Metadata, Property, Structure, Version};

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
        let what = match self.follow(step, service, &keys(document.get_ref())) {
            Err(what) => what,
            Ok(Some(property)) if !is_readable(property) => {
                format!("no number stands there; {}", property.form(service))
            }
            Ok(_) => return,
        };
        self.error(document, 0, format!("document {}: {what}", document.get_ref()));
    }

    /// What is wrong with a path into the answer of an earlier step.
    pub(super) fn read_answer(&mut self, stage: &str, keys: &[String]) -> Option<String> {
        let (name, keys) = keys.split_first()?;
        let step = self.steps.iter().find(|step| step.stage == stage && step.name.get_ref() == name)?;
        match step.kind.as_str() {
            "lookup" => self.looked_up(step, keys),
            "decision" if step.table.is_some() => self.determined(step, keys),
            "summary" => one_of(keys, "a summary", &["text", "source", "why"]),
            _ => self.follow(step, self.service(step)?, keys).err(),
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

    /// An output of the table that a `decision` step asks.
    fn determined(&self, step: &WrittenStep, keys: &[String]) -> Option<String> {
        let table = step.table.as_ref()?;
        let (_, known) = self.facts.tables.iter().find(|(name, _)| name.as_str() == table)?;
        let output = match keys {
            [first, output, ..] if first == "output" => output,
            [first, _, output, ..] if first == "outputs" => output,
            _ => return one_of(keys, "a decision", &["matched", "output", "outputs"]),
        };
        let outputs = known.outputs.as_ref().filter(|outputs| !outputs.contains(output))?;
        Some(format!(
            "decision {table} has no output {output}; {}",
            instead(output, outputs.iter().map(String::as_str))
        ))
    }

    /// Follows a path into the answer of a step: the property it leads to, as far as that is known; or what is wrong
    /// with it.
    pub(super) fn follow(
        &mut self,
        step: &'a WrittenStep,
        service: Service<'a>,
        keys: &[String],
    ) -> Result<Option<&'a Property>, String> {
        let (part, keys) = match step.changeset.len() {
            0 => (0, keys),
            parts => match part_of(keys, parts)? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let Some(answer) = self.answer(step, service, part) else { return Ok(None) };
        match answer.entity(service.version(), keys)? {
            Some(keys) => walk(service.metadata, answer.structure, keys),
            None => Ok(None),
        }
    }

    /// What the step, or the part of its change set, is answered.
    fn answer(&mut self, step: &'a WrittenStep, service: Service<'a>, part: usize) -> Option<Answer<'a>> {
        let before = self.findings.len();
        let target = match step.kind.as_str() {
            "attachment" => self.attached_to(step, service),
            _ => self.requested(step, service, part),
        };
        self.findings.truncate(before);
        let target = target?;
        let structure = target.structure?;
        let method = step.changeset.get(part).map(|part| &part.method).or(step.method.as_ref());
        let (is_many, function) = match (method.map_or("POST", |method| method.get_ref()), target.place) {
            ("POST", Place::Set) | ("GET", Place::Entity) => (false, None),
            ("GET", Place::Set) => (true, None),
            (_, Place::Operation) => (is_many(&target), Some(target.name.clone())),
            _ => return None,
        };
        Some(Answer { structure, is_many, function })
    }

    /// Where the step's own request leads, or that of a part of its change set.
    fn requested(&mut self, step: &'a WrittenStep, service: Service<'a>, part: usize) -> Option<Target<'a>> {
        let mut made = BTreeMap::new();
        for (number, earlier) in step.changeset.iter().take(part).enumerate() {
            let target = self.target(service, &earlier.path, &made);
            made.extend(target.map(|target| (format!("${}", number + 1), target)));
        }
        let path = step.changeset.get(part).map(|part| &part.path).or(step.path.as_ref())?;
        self.target(service, path, &made)
    }
}

impl Answer<'_> {
    /// The keys that remain in the entity; `None` when the path ends before it.
    fn entity<'k>(&self, version: Version, keys: &'k [String]) -> Result<Option<&'k [String]>, String> {
        let mut keys = keys;
        if version == Version::V2 {
            keys = match keys.split_first() {
                None => return Ok(None),
                Some((first, rest)) if first == "d" => rest,
                Some((first, _)) => return Err(format!("the answer begins with d: write d.{first}")),
            };
            if self.function.as_ref().is_some_and(|function| keys.first() == Some(function)) {
                keys = keys.get(1..).unwrap_or_default();
            }
        }
        if !self.is_many {
            return Ok(Some(keys));
        }
        let (list, begin) = if version == Version::V2 { ("results", "d.") } else { ("value", "") };
        match keys.split_first() {
            None => Ok(None),
            Some((first, rest)) if first == list => Ok(entry(rest)),
            Some((first, _)) => Err(format!("the answer is a list: write {begin}{list}[0].{first}")),
        }
    }
}

impl Property {
    /// How its values are written, for people.
    fn form(&self, service: Service<'_>) -> String {
        if self.is_list { "it is a list".to_owned() } else { self.kind.form(service.version()) }
    }
}

/// Whether what stands there can be read as a text: texts and numbers can.
pub(super) fn is_readable(property: &Property) -> bool {
    !property.is_list && !matches!(property.kind, Kind::Boolean | Kind::Named(_))
}

/// What is wrong with the first key, when the answer has these members only.
fn one_of(keys: &[String], what: &str, members: &[&str]) -> Option<String> {
    let first = keys.first().filter(|first| !members.contains(&first.as_str()))?;
    Some(format!("{what} has no {first}; {}", instead(first, members.iter().copied())))
}

/// The part of a change set that a path leads to, and the keys that follow its body; `None` when it leads to
/// something else.
fn part_of(keys: &[String], parts: usize) -> Result<Option<(usize, &[String])>, String> {
    let Some((first, rest)) = keys.split_first() else { return Ok(None) };
    if first != "responses" {
        return Err(format!("the answer of a change set has one entry for each part: write responses[0].body.{first}"));
    }
    let Some((entry, rest)) = rest.split_first() else { return Ok(None) };
    let number = entry.trim_matches(['[', ']']).parse::<usize>();
    let Some(part) = number.ok().filter(|part| *part < parts) else {
        return Err(format!("the change set has {parts} parts: {entry} is none of them, the first is [0]"));
    };
    match rest.split_first() {
        Some((first, keys)) if first == "body" => Ok(Some((part, keys))),
        Some((first, _)) if first != "status" => Err(format!("a part has status and body: write body.{first}")),
        _ => Ok(None),
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

/// Follows properties and navigation properties: the property at the end, or what is wrong on the way.
fn walk<'a>(metadata: &'a Metadata, structure: &'a Structure, keys: &[String]) -> Result<Option<&'a Property>, String> {
    let Some((first, rest)) = keys.split_first() else { return Ok(None) };
    if let Some(property) = structure.properties.get(first) {
        return Ok(Some(property).filter(|_| rest.is_empty()));
    }
    if first.starts_with("__") || first.contains('@') || structure.is_open {
        return Ok(None);
    }
    let Some(navigation) = structure.navigations.get(first) else {
        let known = structure.properties.keys().chain(structure.navigations.keys()).map(String::as_str);
        return Err(format!("{} has no property {first}; {}", structure.name, instead(first, known)));
    };
    let rest = match rest.first().map(String::as_str) {
        Some("results") if navigation.is_many => rest.get(1..).unwrap_or_default(),
        _ => rest,
    };
    let keys = if navigation.is_many { entry(rest) } else { Some(rest) };
    match (metadata.types.get(&navigation.target), keys) {
        (Some(next), Some(keys)) => walk(metadata, next, keys),
        _ => Ok(None),
    }
}

/// The keys of a path such as `d.results[0].X`.
pub(super) fn keys(path: &str) -> Vec<String> {
    let template = Template::compile(&format!("${{{{pre.{path}}}}}"), Form::Text, "").ok();
    let paths = template.iter().flat_map(Template::insertions).flat_map(|inserted| inserted.paths());
    paths.map(|path| path.keys).next().unwrap_or_default()
}
