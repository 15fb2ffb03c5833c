//! Attributes of an event that the configuration maps: a constant, or a JSON pointer (RFC 6901).

use andon_model::Problem;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::text::{TOO_LARGE, digits, fault, kind_of};

/// Where an attribute comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeFrom {
    /// The same text for every event.
    Constant(String),
    /// The value at a JSON pointer: a string, a number or a boolean.
    Pointer(String),
}

impl AttributeFrom {
    /// The attribute of a body; `None` where nothing or `null` stands. `root` is the body's place.
    pub(super) fn text(&self, body: &Value, root: &str) -> Result<Option<String>, Problem> {
        let pointer = match self {
            Self::Constant(text) => return Ok(Some(text.clone())),
            Self::Pointer(pointer) => pointer,
        };
        match body.pointer(pointer) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
            Some(Value::Number(number)) => {
                let too_large = || fault(format!("{root}{}", dotted(pointer)), TOO_LARGE);
                digits(number).map(Some).ok_or_else(too_large)
            }
            Some(other) => {
                let what = format!("an attribute is a text, a number or a boolean, this is {}", kind_of(other));
                Err(fault(format!("{root}{}", dotted(pointer)), what))
            }
        }
    }

    /// The fault of a body that lacks the attribute.
    pub(super) fn missing(&self, root: &str) -> Problem {
        let pointer = match self {
            Self::Constant(_) => "",
            Self::Pointer(pointer) => pointer,
        };
        fault(format!("{root}{}", dotted(pointer)), "the value is missing or empty")
    }
}

/// A JSON pointer in the dotted form of places: `/a/0/b` → `.a[0].b`.
pub(super) fn dotted(pointer: &str) -> String {
    let segment = |token: &str| match token.parse::<usize>() {
        Ok(index) => format!("[{index}]"),
        Err(_) => format!(".{}", token.replace("~1", "/").replace("~0", "~")),
    };
    pointer.split('/').skip(1).map(segment).collect()
}

/// What is said about a text that is no pointer.
pub(super) const NO_POINTER: &str = "a JSON pointer is empty or starts with '/', as in /device/id";

/// Whether a text is a JSON pointer.
pub(super) fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

/// `"text"` or `{ pointer = "/a/b" }`.
impl<'de> Deserialize<'de> for AttributeFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AttributeVisitor)
    }
}

struct AttributeVisitor;

impl<'de> Visitor<'de> for AttributeVisitor {
    type Value = AttributeFrom;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a text, or { pointer = \"/a/b\" }")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<AttributeFrom, E> {
        if text.is_empty() {
            return Err(E::custom("the text is empty"));
        }
        Ok(AttributeFrom::Constant(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AttributeFrom, A::Error> {
        match (map.next_entry::<String, String>()?, map.next_key::<String>()?) {
            (Some((key, pointer)), None) if key == "pointer" && is_pointer(&pointer) => {
                Ok(AttributeFrom::Pointer(pointer))
            }
            (Some((key, _)), None) if key == "pointer" => Err(A::Error::custom(NO_POINTER)),
            _ => Err(A::Error::custom("exactly one key is expected here: pointer")),
        }
    }
}
