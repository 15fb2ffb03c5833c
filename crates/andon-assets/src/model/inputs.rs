//! What the names in a formula stand for.

use std::cell::RefCell;

use super::Reference;
use super::properties::Names;
use crate::definition::{ModelDefinition, PropertyKind, VariableDefinition};
use crate::error::DefinitionError;
use crate::formula::{Formula, Place, Variable};

/// Most variables of a formula.
const MAX_VARIABLES: usize = 10;

/// A formula's surroundings.
pub(super) struct Surroundings<'a> {
    /// Where the transform or metric stands.
    pub(super) path: &'a str,
    pub(super) model: usize,
    pub(super) definition: &'a ModelDefinition,
    pub(super) names: &'a [Names],
    pub(super) variables: &'a [VariableDefinition],
    pub(super) place: Place,
}

impl Surroundings<'_> {
    /// Compiles the formula; what it reads comes with it, by position.
    pub(super) fn compile(&self, expression: &str) -> Result<(Formula, Vec<Reference>), DefinitionError> {
        let variables = self.resolved()?;
        let inputs: RefCell<Vec<Reference>> = RefCell::default();
        let formula = Formula::compile(expression, self.place, &|name| {
            let reference = self.lookup(&variables, name)?;
            let mut inputs = inputs.borrow_mut();
            let known = inputs.iter().position(|known| *known == reference);
            let input = known.unwrap_or_else(|| {
                inputs.push(reference);
                inputs.len() - 1
            });
            Some(Variable { input, attribute: self.is_attribute(reference) })
        });
        let formula =
            formula.map_err(|fault| DefinitionError::value(format!("{}.expression", self.path), fault.to_string()))?;
        Ok((formula, inputs.into_inner()))
    }

    fn lookup(&self, variables: &[(&str, Reference)], name: &str) -> Option<Reference> {
        if let Some((_, reference)) = variables.iter().find(|(known, _)| *known == name) {
            return Some(*reference);
        }
        let property = self.names[self.model].properties.get(name).copied()?;
        Some(Reference { model: self.model, property, hierarchy: None })
    }

    fn is_attribute(&self, reference: Reference) -> bool {
        let own = reference.hierarchy.is_none();
        own && matches!(self.definition.properties[reference.property].kind, PropertyKind::Attribute(_))
    }

    fn resolved(&self) -> Result<Vec<(&str, Reference)>, DefinitionError> {
        if self.variables.len() > MAX_VARIABLES {
            let what = format!("a formula has at most {MAX_VARIABLES} variables");
            return Err(DefinitionError::value(format!("{}.variables", self.path), what));
        }
        self.variables.iter().enumerate().map(|(at, variable)| self.resolve(at, variable)).collect()
    }

    fn resolve<'a>(
        &self,
        at: usize,
        variable: &'a VariableDefinition,
    ) -> Result<(&'a str, Reference), DefinitionError> {
        let path = format!("{}.variables[{at}]", self.path);
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let begins_well = variable.name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
        if !begins_well || !variable.name.chars().all(legal) || variable.name.len() > 64 {
            let what = "a variable's name has 1 to 64 of a-z, 0-9 and _ and begins with a letter";
            return Err(DefinitionError::value(format!("{path}.name"), what));
        }
        let (model, hierarchy) = match &variable.value.hierarchy {
            Some(name) => self.parts(&path, name)?,
            None => (self.model, None),
        };
        let found = self.names[model].properties.get(&variable.value.property).copied();
        let property = found.ok_or_else(|| {
            let what = format!("there is no property {}", variable.value.property);
            DefinitionError::reference(format!("{path}.value.property"), what)
        })?;
        Ok((&variable.name, Reference { model, property, hierarchy }))
    }

    fn parts(&self, path: &str, name: &str) -> Result<(usize, Option<usize>), DefinitionError> {
        let path = format!("{path}.value.hierarchy");
        if self.place == Place::Transform {
            return Err(DefinitionError::value(path, "only a metric reads properties of parts"));
        }
        let hierarchies = &self.names[self.model].hierarchies;
        let found = hierarchies.iter().position(|(known, _)| known.as_ref() == name);
        let at = found.ok_or_else(|| DefinitionError::reference(path, format!("there is no hierarchy {name}")))?;
        Ok((hierarchies[at].1, Some(at)))
    }
}
