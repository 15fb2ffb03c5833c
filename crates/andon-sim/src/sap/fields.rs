//! The shape of a service: entity types, their fields and what each field allows.
//!
//! Field facts drive everything else: the checks on a create, `$metadata`, filters, and the answers.

use super::notification::{Birth, Effect};
use super::row::Row;

/// A primitive type as OData V2 names it, with its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edm {
    /// `Edm.String` of at most so many characters; 0 is without limit.
    Text(u16),
    /// `Edm.String` of digits, padded with zeros to its length.
    Digits(u16),
    /// `Edm.DateTime` that holds a date: midnight without a zone.
    Date,
    /// `Edm.DateTimeOffset`.
    Moment,
    /// `Edm.Time`: a time of day written as a duration.
    Time,
    /// `Edm.Boolean`.
    Flag,
    /// `Edm.Double`.
    Double,
    /// `Edm.Int32`.
    Int,
}

/// One property.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is one annotation of the metadata")]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) edm: Edm,
    /// Stored and compared in upper case.
    pub(crate) upper: bool,
    pub(crate) creatable: bool,
    pub(crate) updatable: bool,
    /// Must be given, and not empty, on create.
    pub(crate) required: bool,
    pub(crate) filterable: bool,
}

/// A field that allows everything.
pub(crate) const fn field(name: &'static str, edm: Edm) -> Field {
    Field { name, edm, upper: false, creatable: true, updatable: true, required: false, filterable: true }
}

/// A text.
pub(crate) const fn text(name: &'static str, length: u16) -> Field {
    field(name, Edm::Text(length))
}

/// A text in upper case.
pub(crate) const fn code(name: &'static str, length: u16) -> Field {
    Field { upper: true, ..text(name, length) }
}

impl Field {
    /// Assigned by the system.
    pub(crate) const fn assigned(self) -> Self {
        Self { creatable: false, updatable: false, ..self }
    }

    /// Can be given on create, not changed later.
    pub(crate) const fn fixed(self) -> Self {
        Self { updatable: false, ..self }
    }

    pub(crate) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(crate) const fn unfilterable(self) -> Self {
        Self { filterable: false, ..self }
    }
}

/// A collection of children.
pub(crate) struct Navigation {
    pub(crate) name: &'static str,
    pub(crate) target: &'static EntityType,
}

/// An entity type with its set. At most 128 fields, so that a selection fits a bit mask.
pub(crate) struct EntityType {
    pub(crate) name: &'static str,
    pub(crate) set: &'static str,
    pub(crate) keys: &'static [&'static str],
    /// The key that numbers children of one parent.
    pub(crate) counter: Option<&'static str>,
    pub(crate) fields: &'static [Field],
    pub(crate) navigations: &'static [Navigation],
}

impl EntityType {
    /// Position of a field.
    pub(crate) fn position(&self, name: &str) -> Option<u8> {
        self.fields.iter().position(|field| field.name == name).and_then(|at| u8::try_from(at).ok())
    }

    /// Position of a navigation.
    pub(crate) fn navigation(&self, name: &str) -> Option<usize> {
        self.navigations.iter().position(|navigation| navigation.name == name)
    }

    /// The field at a position that [`Self::position`] gave.
    pub(crate) fn field(&self, at: u8) -> &'static Field {
        &self.fields[usize::from(at)]
    }
}

/// A function import, called by POST with parameters in the query.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Field],
    pub(crate) effect: Effect,
}

/// A service: one set of documents with their children.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) namespace: &'static str,
    /// Application component named in errors.
    pub(crate) component: &'static str,
    /// The documents.
    pub(crate) root: &'static EntityType,
    /// The types of the children, for `$metadata`.
    pub(crate) parts: &'static [&'static EntityType],
    pub(crate) functions: &'static [Function],
    /// The property that carries the caller's own reference.
    pub(crate) reference: Option<&'static str>,
    /// Whether documents can be read back, and changed under an `ETag`.
    pub(crate) readable: bool,
    /// Properties shown in the books.
    pub(crate) summary: &'static [&'static str],
    /// Fills in what the system assigns on create.
    pub(crate) complete: fn(&mut Row, &Birth<'_>),
}

impl Service {
    /// Every entity type of the service.
    pub(crate) fn types(&self) -> impl Iterator<Item = &'static EntityType> {
        std::iter::once(self.root).chain(self.parts.iter().copied())
    }
}
