//! The shape of a service: entity types, their fields and what each field allows.
//!
//! Field facts drive everything else: the checks on a create, `$metadata`, filters, and the answers.

use super::cell::Cell;
use super::dialect::Dialect;
use super::row::Row;
use super::tables::Birth;

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
    /// `Edm.Decimal` with precision and scale.
    Decimal(u8, u8),
    /// `Edm.Guid`.
    Guid,
}

impl Edm {
    /// Length of a text; 0 is without limit.
    pub(crate) const fn length(self) -> usize {
        match self {
            Self::Text(length) | Self::Digits(length) => length as usize,
            _ => 0,
        }
    }
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

/// A decimal number.
pub(crate) const fn decimal(name: &'static str, precision: u8, scale: u8) -> Field {
    field(name, Edm::Decimal(precision, scale))
}

/// Digits, padded with zeros.
pub(crate) const fn digits(name: &'static str, length: u16) -> Field {
    field(name, Edm::Digits(length))
}

/// A date.
pub(crate) const fn date(name: &'static str) -> Field {
    field(name, Edm::Date)
}

/// A time of day.
pub(crate) const fn time(name: &'static str) -> Field {
    field(name, Edm::Time)
}

/// A point in time.
pub(crate) const fn moment(name: &'static str) -> Field {
    field(name, Edm::Moment)
}

/// True or false.
pub(crate) const fn flag(name: &'static str) -> Field {
    field(name, Edm::Flag)
}

/// Children: a collection, or a single entity.
pub(crate) struct Navigation {
    pub(crate) name: &'static str,
    pub(crate) target: &'static EntityType,
    pub(crate) single: bool,
}

/// A collection of children.
pub(crate) const fn many(name: &'static str, target: &'static EntityType) -> Navigation {
    Navigation { name, target, single: false }
}

/// One child at most.
pub(crate) const fn one(name: &'static str, target: &'static EntityType) -> Navigation {
    Navigation { name, target, single: true }
}

/// An entity type with its set. At most 128 fields, so that a selection fits a bit mask.
pub(crate) struct EntityType {
    pub(crate) name: &'static str,
    pub(crate) set: &'static str,
    pub(crate) keys: &'static [&'static str],
    /// The key that numbers children of one parent, with its step.
    pub(crate) counter: Option<(&'static str, usize)>,
    /// The property that is the source of the `ETag`.
    pub(crate) stamp: Option<&'static str>,
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

/// What a function import does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    PutInProcess,
    Complete,
    ListOriginals,
    CountOriginals,
}

impl Effect {
    /// Whether it is called by GET.
    pub(crate) const fn reads(self) -> bool {
        matches!(self, Self::ListOriginals | Self::CountOriginals)
    }
}

/// A function import, with parameters in the query.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Field],
    pub(crate) effect: Effect,
}

/// What clients may do with the documents of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one annotation of the metadata")]
pub(crate) struct Allowed {
    pub(crate) create: bool,
    pub(crate) change: bool,
    pub(crate) read: bool,
    /// Whether the sets of children can be read by themselves.
    pub(crate) read_parts: bool,
}

impl Allowed {
    pub(crate) const ALL: Self = Self { create: true, change: true, read: true, read_parts: false };
    pub(crate) const CREATE_ONLY: Self = Self { create: true, change: false, read: false, read_parts: false };
    pub(crate) const READ_ONLY: Self = Self { create: false, change: false, read: true, read_parts: false };
}

/// A service: one set of documents with their children.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    /// Path below the host, without a slash at the end.
    pub(crate) path: &'static str,
    pub(crate) dialect: Dialect,
    pub(crate) namespace: &'static str,
    /// Application component named in errors.
    pub(crate) component: &'static str,
    /// The documents.
    pub(crate) root: &'static EntityType,
    /// The types of the children, for `$metadata`.
    pub(crate) parts: &'static [&'static EntityType],
    pub(crate) functions: &'static [Function],
    /// The property that carries the caller's own reference, of the documents or of their children.
    pub(crate) reference: Option<&'static str>,
    pub(crate) allowed: Allowed,
    /// Whether a create brings raw bytes, described by headers.
    pub(crate) media: bool,
    /// Whether the documents are master data that exist from the start.
    pub(crate) stock: bool,
    /// Properties shown in the books.
    pub(crate) summary: &'static [&'static str],
    /// Fills in what the system assigns on create.
    pub(crate) complete: fn(&mut Row, &Birth<'_>),
    /// Brings fields that follow from others up to date after a change.
    pub(crate) settle: fn(&mut Row),
    /// The document's number, told by its key.
    pub(crate) number_of: fn(&[Cell]) -> Option<u64>,
}

impl Service {
    /// Every entity type of the service.
    pub(crate) fn types(&self) -> impl Iterator<Item = &'static EntityType> {
        std::iter::once(self.root).chain(self.parts.iter().copied())
    }
}
