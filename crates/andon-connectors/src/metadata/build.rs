//! From the tree of an EDMX document to the model of its service.

use std::collections::BTreeMap;

use super::MetadataError;
use super::annotations;
use super::edm::Kind;
use super::model::{EntitySet, Format, Metadata, Navigation, Operation, Parameter, Property, Structure, Version};
use super::tree::Element;

/// Most types, sets and operations together, and most properties of one type.
const MAX_MEMBERS: usize = 20_000;

/// Builds the model.
pub(super) fn metadata(document: &str, root: &Element) -> Result<Metadata, MetadataError> {
    if root.name != "Edmx" {
        let what = format!("the outermost element is {}, a metadata document has Edmx", root.name);
        return Err(root.fault(document, what));
    }
    let schemas: Vec<&Element> =
        root.children_named("DataServices").flat_map(|services| services.children_named("Schema")).collect();
    let Some(first) = schemas.first() else {
        return Err(root.fault(document, "there is no Schema in its DataServices"));
    };
    let version = match root.attribute("Version") {
        Some(version) if version.starts_with('4') => Version::V4,
        _ => Version::V2,
    };
    first.needed(document, "Namespace")?;
    let mut build = Build {
        document,
        aliases: schemas.iter().filter_map(|schema| alias(schema)).collect(),
        associations: BTreeMap::new(),
        bases: Vec::new(),
        metadata: Metadata { version, types: BTreeMap::new(), sets: BTreeMap::new(), operations: BTreeMap::new() },
    };
    for schema in &schemas {
        build.associations(schema)?;
    }
    for schema in &schemas {
        build.types(schema)?;
    }
    build.inherit();
    for schema in &schemas {
        build.operations(schema)?;
        build.containers(schema)?;
    }
    for group in schemas.iter().flat_map(|schema| schema.children_named("Annotations")) {
        let aliases = build.aliases.clone();
        annotations::apply(&mut build.metadata, group, &|name| qualified(&aliases, name));
    }
    Ok(build.metadata)
}

fn alias(schema: &Element) -> Option<(String, String)> {
    Some((schema.attribute("Alias")?.to_owned(), schema.attribute("Namespace")?.to_owned()))
}

/// A name with its namespace in place of an alias.
fn qualified(aliases: &BTreeMap<String, String>, name: &str) -> String {
    match name.rsplit_once('.') {
        Some((space, local)) => format!("{}.{local}", aliases.get(space).map_or(space, String::as_str)),
        None => name.to_owned(),
    }
}

/// The type within `Collection(…)`, and whether it is one.
fn without_collection(name: &str) -> (&str, bool) {
    match name.strip_prefix("Collection(").and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => (inner, true),
        None => (name, false),
    }
}

/// Roles of a V2 association: name of the role → type and multiplicity.
type Ends = BTreeMap<String, (String, bool)>;

struct Build<'d> {
    document: &'d str,
    /// Alias → namespace.
    aliases: BTreeMap<String, String>,
    /// Qualified name → ends.
    associations: BTreeMap<String, Ends>,
    /// Types with the types that they derive from.
    bases: Vec<(String, String)>,
    metadata: Metadata,
}

impl Build<'_> {
    fn qualified(&self, name: &str) -> String {
        qualified(&self.aliases, name)
    }

    /// A type's name, with the collection taken off, qualified.
    fn reference(&self, name: &str) -> (String, bool) {
        let (name, is_many) = without_collection(name);
        (self.qualified(name), is_many)
    }

    fn associations(&mut self, schema: &Element) -> Result<(), MetadataError> {
        let namespace = schema.needed(self.document, "Namespace")?;
        for association in schema.children_named("Association") {
            let name = format!("{namespace}.{}", association.needed(self.document, "Name")?);
            let mut ends = Ends::new();
            for end in association.children_named("End") {
                let kind = self.qualified(end.needed(self.document, "Type")?);
                let is_many = end.attribute("Multiplicity") == Some("*");
                ends.insert(end.attribute("Role").unwrap_or(&kind).to_owned(), (kind, is_many));
            }
            self.associations.insert(name, ends);
        }
        Ok(())
    }

    fn types(&mut self, schema: &Element) -> Result<(), MetadataError> {
        let namespace = schema.needed(self.document, "Namespace")?;
        let kinds = ["EntityType", "ComplexType"];
        for element in schema.children.iter().filter(|child| kinds.contains(&child.name.as_str())) {
            let structure = self.structure(element)?;
            let name = format!("{namespace}.{}", structure.name);
            if let Some(base) = element.attribute("BaseType") {
                self.bases.push((name.clone(), self.qualified(base)));
            }
            if self.metadata.types.len() == MAX_MEMBERS {
                return Err(element.fault(self.document, format!("at most {MAX_MEMBERS} types are read")));
            }
            self.metadata.types.insert(name, structure);
        }
        Ok(())
    }

    fn structure(&self, element: &Element) -> Result<Structure, MetadataError> {
        let document = self.document;
        let mut structure = Structure {
            name: element.needed(document, "Name")?.to_owned(),
            is_open: element.attribute("OpenType") == Some("true"),
            is_media: element.attribute("HasStream") == Some("true"),
            ..Structure::default()
        };
        if element.children.len() > MAX_MEMBERS {
            return Err(element.fault(document, format!("at most {MAX_MEMBERS} members of a type are read")));
        }
        for child in &element.children {
            match child.name.as_str() {
                "Property" => {
                    let name = child.needed(document, "Name")?.to_owned();
                    structure.properties.insert(name, self.property(child)?);
                }
                "NavigationProperty" => {
                    let name = child.needed(document, "Name")?.to_owned();
                    structure.navigations.extend(self.navigation(child)?.map(|navigation| (name, navigation)));
                }
                _ => {}
            }
        }
        for key in element.children_named("Key").flat_map(|key| key.children_named("PropertyRef")) {
            let name = key.needed(document, "Name")?;
            if !structure.properties.contains_key(name) && element.attribute("BaseType").is_none() {
                let what = format!("the key of {} names {name}, which is no property of it", structure.name);
                return Err(key.fault(document, what));
            }
            structure.keys.push(name.to_owned());
        }
        self.trust_nullability(&mut structure);
        Ok(structure)
    }

    /// In V2, a text that must not be null and is not assigned by SAP is probably needed by a create. V4 services of SAP
    /// declare every text so, and some generated V2 services do: then it means nothing.
    fn trust_nullability(&self, structure: &mut Structure) {
        let keys = structure.keys.clone();
        let others = || structure.properties.iter().filter(|(name, _)| !keys.contains(name));
        let (all, strict) = (others().count(), others().filter(|(_, property)| !property.is_nullable).count());
        let is_reliable = self.metadata.version == Version::V2 && strict * 2 < all;
        for (name, property) in &mut structure.properties {
            let given = property.is_creatable && property.kind == Kind::String && !property.is_nullable;
            property.is_expected = is_reliable && given && !keys.contains(name);
        }
    }

    fn property(&self, element: &Element) -> Result<Property, MetadataError> {
        let (name, is_list) = self.reference(element.needed(self.document, "Type")?);
        let number = |facet: &str| element.attribute(facet).and_then(|text| text.parse::<usize>().ok());
        let allowed = |flag: &str| element.attribute(flag) != Some("false");
        let scale = match element.attribute("Scale") {
            Some("variable" | "floating") => None,
            _ if element.attribute("variable-scale") == Some("true") => None,
            scale => Some(scale.and_then(|text| text.parse().ok()).unwrap_or(0)),
        };
        let mut property = Property {
            kind: Kind::of(&name),
            is_list,
            is_nullable: allowed("Nullable"),
            max_length: number("MaxLength"),
            precision: number("Precision"),
            scale,
            is_creatable: allowed("creatable"),
            is_updatable: allowed("updatable"),
            is_filterable: allowed("filterable"),
            is_mandatory: false,
            is_expected: false,
            format: format(element.attribute("display-format")),
        };
        element.children_named("Annotation").for_each(|note| annotations::on_property(&mut property, note));
        Ok(property)
    }

    /// Where a navigation property leads; `None` when its association is not described.
    fn navigation(&self, element: &Element) -> Result<Option<Navigation>, MetadataError> {
        if let Some(kind) = element.attribute("Type") {
            let (target, is_many) = self.reference(kind);
            return Ok(Some(Navigation { target, is_many }));
        }
        let relationship = self.qualified(element.needed(self.document, "Relationship")?);
        let role = element.needed(self.document, "ToRole")?;
        let end = self.associations.get(&relationship).and_then(|ends| ends.get(role));
        Ok(end.map(|(target, is_many)| Navigation { target: target.clone(), is_many: *is_many }))
    }

    /// Gives derived types what their base types have. A chain is followed as often as there are types.
    fn inherit(&mut self) {
        let links = std::mem::take(&mut self.bases);
        for _ in 0..links.len().min(16) {
            for (derived, base) in &links {
                let Some(base) = self.metadata.types.get(base).cloned() else { continue };
                let Some(derived) = self.metadata.types.get_mut(derived) else { continue };
                for (name, property) in base.properties {
                    derived.properties.entry(name).or_insert(property);
                }
                for (name, navigation) in base.navigations {
                    derived.navigations.entry(name).or_insert(navigation);
                }
                if derived.keys.is_empty() {
                    derived.keys = base.keys;
                }
                derived.is_media |= base.is_media;
                derived.is_open |= base.is_open;
            }
        }
    }

    /// V4 actions and functions.
    fn operations(&mut self, schema: &Element) -> Result<(), MetadataError> {
        let namespace = schema.needed(self.document, "Namespace")?;
        for (element, method) in schema.children.iter().filter_map(|child| Some((child, method_of(&child.name)?))) {
            let name = format!("{namespace}.{}", element.needed(self.document, "Name")?);
            let mut operation = self.operation(element, method)?;
            if element.attribute("IsBound") == Some("true") && !operation.parameters.is_empty() {
                operation.parameters.remove(0);
                let binding = element.children_named("Parameter").next().and_then(|first| first.attribute("Type"));
                operation.bound_to = binding.map(|kind| self.reference(kind).0);
            }
            self.metadata.operations.insert(name, operation);
        }
        Ok(())
    }

    fn operation(&self, element: &Element, method: &str) -> Result<Operation, MetadataError> {
        let mut parameters = Vec::new();
        for parameter in element.children_named("Parameter") {
            let kind = Kind::of(&self.reference(parameter.needed(self.document, "Type")?).0);
            let is_optional = parameter.attribute("Nullable") == Some("true");
            let max_length = parameter.attribute("MaxLength").and_then(|text| text.parse().ok());
            let described = Parameter { kind, is_optional, max_length };
            parameters.push((parameter.needed(self.document, "Name")?.to_owned(), described));
        }
        let returned = element.children_named("ReturnType").next().and_then(|returned| returned.attribute("Type"));
        let result = element.attribute("ReturnType").or(returned).map(|kind| self.reference(kind));
        let is_many = result.as_ref().is_some_and(|(_, is_many)| *is_many);
        let result = result.map(|(kind, _)| kind).filter(|kind| self.metadata.types.contains_key(kind));
        Ok(Operation { method: method.to_owned(), parameters, result, is_many, bound_to: None })
    }

    fn containers(&mut self, schema: &Element) -> Result<(), MetadataError> {
        for element in schema.children_named("EntityContainer").flat_map(|container| &container.children) {
            match element.name.as_str() {
                "EntitySet" => self.set(element, "EntityType", false)?,
                "Singleton" => self.set(element, "Type", true)?,
                "FunctionImport" if self.metadata.version == Version::V2 => {
                    let method = element.attribute("HttpMethod").unwrap_or("GET");
                    let operation = self.operation(element, method)?;
                    let name = element.needed(self.document, "Name")?.to_owned();
                    self.metadata.operations.insert(name, operation);
                }
                "ActionImport" => self.import(element, "Action")?,
                "FunctionImport" => self.import(element, "Function")?,
                _ => {}
            }
        }
        Ok(())
    }

    fn import(&mut self, element: &Element, of: &str) -> Result<(), MetadataError> {
        let name = element.needed(self.document, "Name")?.to_owned();
        let operation = self.qualified(element.needed(self.document, of)?);
        if let Some(operation) = self.metadata.operations.get(&operation).cloned() {
            self.metadata.operations.insert(name, operation);
        }
        Ok(())
    }

    fn set(&mut self, element: &Element, kind_attribute: &str, is_single: bool) -> Result<(), MetadataError> {
        let name = element.needed(self.document, "Name")?;
        let kind = self.qualified(element.needed(self.document, kind_attribute)?);
        if !self.metadata.types.contains_key(&kind) {
            return Err(element.fault(self.document, format!("set {name} is of type {kind}, which does not exist")));
        }
        let allowed = |flag: &str| element.attribute(flag) != Some("false");
        let set = EntitySet {
            kind,
            is_creatable: allowed("creatable"),
            is_updatable: allowed("updatable"),
            is_deletable: allowed("deletable"),
            is_addressable: allowed("addressable"),
            mandatory: Vec::new(),
            not_creatable: Vec::new(),
            not_updatable: Vec::new(),
            not_filterable: Vec::new(),
            is_single,
        };
        self.metadata.sets.insert(name.to_owned(), set);
        Ok(())
    }
}

fn method_of(element: &str) -> Option<&'static str> {
    match element {
        "Action" => Some("POST"),
        "Function" => Some("GET"),
        _ => None,
    }
}

fn format(name: Option<&str>) -> Format {
    match name {
        Some("UpperCase") => Format::UpperCase,
        Some("Date") => Format::Date,
        Some("NonNegative") => Format::Digits,
        _ => Format::Plain,
    }
}
