//! What a service offers: its types, sets and operations.

use std::collections::BTreeMap;

use super::edm::Kind;

/// The version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `OData` 2.0, as SAP Gateway speaks it.
    V2,
    /// `OData` 4.0 and later.
    V4,
}

/// The metadata of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// The protocol.
    pub version: Version,
    /// Entity types and complex types by qualified name.
    pub types: BTreeMap<String, Structure>,
    /// Entity sets (and V4 singletons) by name.
    pub sets: BTreeMap<String, EntitySet>,
    /// Function imports by name, and V4 actions and functions by qualified name.
    pub operations: BTreeMap<String, Operation>,
}

/// An entity type or a complex type.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Structure {
    /// Without namespace.
    pub name: String,
    /// Names of the key properties, in order.
    pub keys: Vec<String>,
    /// Properties by name.
    pub properties: BTreeMap<String, Property>,
    /// Navigation properties by name.
    pub navigations: BTreeMap<String, Navigation>,
    /// Whether properties that are not listed are accepted.
    pub is_open: bool,
    /// Whether its entities are files.
    pub is_media: bool,
}

/// A property.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the metadata of its own")]
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Its type.
    pub kind: Kind,
    /// Whether it is a list of values.
    pub is_list: bool,
    /// Whether `null` is a value of it.
    pub is_nullable: bool,
    /// Most characters of a text, or bytes of a binary.
    pub max_length: Option<usize>,
    /// Most digits of a decimal number.
    pub precision: Option<usize>,
    /// Most digits after the point; `None` when it is not limited.
    pub scale: Option<usize>,
    /// Whether a create may give it.
    pub is_creatable: bool,
    /// Whether a change may give it.
    pub is_updatable: bool,
    /// Whether `$filter` may name it.
    pub is_filterable: bool,
    /// Whether a create must give it: the metadata says so.
    pub is_mandatory: bool,
    /// Whether a create probably must give it, since it takes no `null` and SAP does not assign it.
    pub is_expected: bool,
    /// `sap:display-format`, or what stands for it in V4.
    pub format: Format,
}

/// How SAP shows and keeps a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// As it is.
    #[default]
    Plain,
    /// In upper case.
    UpperCase,
    /// A day: the time part is midnight.
    Date,
    /// Digits alone.
    Digits,
}

/// A navigation property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Navigation {
    /// Qualified name of the type that it leads to.
    pub target: String,
    /// Whether it leads to many.
    pub is_many: bool,
}

/// An entity set.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the metadata of its own")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntitySet {
    /// Qualified name of its type.
    pub kind: String,
    /// Whether entities can be created.
    pub is_creatable: bool,
    /// Whether entities can be changed.
    pub is_updatable: bool,
    /// Whether entities can be deleted.
    pub is_deletable: bool,
    /// Whether the set itself can be read.
    pub is_addressable: bool,
    /// Properties that a create must give, by the set's annotations.
    pub mandatory: Vec<String>,
    /// Properties that a create must not give, by the set's annotations.
    pub not_creatable: Vec<String>,
    /// Properties that a change must not give, by the set's annotations.
    pub not_updatable: Vec<String>,
    /// Properties that `$filter` must not name, by the set's annotations.
    pub not_filterable: Vec<String>,
    /// Whether it is a V4 singleton: one entity without a key.
    pub is_single: bool,
}

/// A function import, an action or a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// `GET` or `POST`.
    pub method: String,
    /// Parameters, in order; without the binding parameter.
    pub parameters: Vec<(String, Parameter)>,
    /// Qualified name of the type of its result, when it has one that is structured.
    pub result: Option<String>,
    /// Whether the result is a list.
    pub is_many: bool,
    /// Qualified name of the type that it is bound to.
    pub bound_to: Option<String>,
}

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its type.
    pub kind: Kind,
    /// Whether it may be left out.
    pub is_optional: bool,
    /// Most characters of a text.
    pub max_length: Option<usize>,
}

impl Metadata {
    /// The type of a set's entities.
    pub fn type_of(&self, set: &EntitySet) -> Option<&Structure> {
        self.types.get(&set.kind)
    }

    /// The operation by its simple or qualified name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.get(name)
    }
}
