//! The two versions of OData, and where they write things differently.

use serde_json::Value;

use super::cell::{Cell, Literal, Misfit};
use super::cell_v4;
use super::fields::{Edm, Field};

/// A version of OData.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    V2,
    V4,
}

impl Dialect {
    /// Reads a value of a JSON body; `None` for null.
    pub(crate) fn read(self, field: &Field, value: &Value) -> Result<Option<Cell>, Misfit> {
        match self {
            Self::V2 => Cell::from_json(field, value),
            Self::V4 => cell_v4::from_json(field, value),
        }
    }

    /// Reads a literal of a URL; `None` for null.
    pub(crate) fn literal(self, field: &Field, literal: Literal<'_>) -> Result<Option<Cell>, Misfit> {
        match self {
            Self::V2 => Cell::from_literal(field, literal),
            Self::V4 => cell_v4::from_literal(field, literal),
        }
    }

    /// A value as a literal of a URL, percent-encoded.
    pub(crate) fn write_literal(self, cell: Option<&Cell>, edm: Edm) -> String {
        match (self, cell) {
            (_, Some(Cell::Text(text))) => self.write_text(text, edm),
            (Self::V2, Some(Cell::Millis(_))) => {
                let stamp = plain_v4(cell, Edm::Moment).trim_end_matches('Z').replace(':', "%3A");
                format!("datetime'{stamp}'")
            }
            _ => plain_v4(cell, edm),
        }
    }

    fn write_text(self, text: &str, edm: Edm) -> String {
        match (self, edm) {
            (Self::V4, Edm::Guid) => text.to_owned(),
            (Self::V2, Edm::Guid) => format!("guid'{text}'"),
            _ => format!("'{}'", encode(&text.replace('\'', "''"))),
        }
    }
}

/// What a key predicate must not hold as it is.
const RESERVED: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'$')
    .add(b'%')
    .add(b'/')
    .add(b'?')
    .add(b'<')
    .add(b'>');

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, RESERVED).to_string()
}

fn plain_v4(cell: Option<&Cell>, edm: Edm) -> String {
    let mut out = Vec::new();
    cell_v4::print(cell, edm, &mut out);
    String::from_utf8(out).unwrap_or_default().trim_matches('"').to_owned()
}
