//! The members of a record while they are read: taken one by one, each checked, faults with their place.

use andon_model::Problem;
use serde_json::{Map, Value};

use super::records::Record;
use super::text::{TOO_LARGE, digits, kind_of};

/// An object in a record, and where it stands there.
pub(super) struct Members<'a> {
    record: Record<'a>,
    /// As in `.eventPayload`; empty for the record itself.
    path: String,
    map: Map<String, Value>,
}

impl<'a> Members<'a> {
    /// The record itself.
    pub(super) fn of(record: Record<'a>) -> Result<Self, Problem> {
        Ok(Self { record, path: String::new(), map: record.object()? })
    }

    /// A value that stands at a path of the record and must be an object.
    pub(super) fn at(record: Record<'a>, path: impl Into<String>, value: Value) -> Result<Self, Problem> {
        let path = path.into();
        match value {
            Value::Object(map) => Ok(Self { record, path, map }),
            other => Err(record.fault(&path, format!("an object is expected, this is {}", kind_of(&other)))),
        }
    }

    /// A fault at a member.
    pub(super) fn wrong(&self, member: &str, what: impl Into<String>) -> Problem {
        self.record.fault(&format!("{}.{member}", self.path), what)
    }

    fn missing(&self, member: &str) -> Problem {
        self.wrong(member, "the member is missing")
    }

    fn expected(&self, member: &str, expected: &str, found: &Value) -> Problem {
        self.wrong(member, format!("{expected} is expected, this is {}", kind_of(found)))
    }

    /// Whether the member is there.
    pub(super) fn has(&self, member: &str) -> bool {
        self.map.contains_key(member)
    }

    /// The member as it is; `null` is as good as nothing.
    pub(super) fn take(&mut self, member: &str) -> Option<Value> {
        self.map.shift_remove(member).filter(|value| !value.is_null())
    }

    /// A text.
    pub(super) fn text(&mut self, member: &str) -> Result<Option<String>, Problem> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.expected(member, "a text", &other)),
        }
    }

    /// A text that says something.
    pub(super) fn required_text(&mut self, member: &str) -> Result<String, Problem> {
        self.text(member)?.filter(|text| !text.is_empty()).ok_or_else(|| self.missing(member))
    }

    /// A text, or a number as its digits.
    pub(super) fn label(&mut self, member: &str) -> Result<Option<String>, Problem> {
        match self.take(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok((!text.is_empty()).then_some(text)),
            Some(Value::Number(number)) => digits(&number).map(Some).ok_or_else(|| self.wrong(member, TOO_LARGE)),
            Some(other) => Err(self.expected(member, "a text or a number", &other)),
        }
    }

    /// A boolean that must be there.
    pub(super) fn flag(&mut self, member: &str) -> Result<bool, Problem> {
        match self.take(member).ok_or_else(|| self.missing(member))? {
            Value::Bool(flag) => Ok(flag),
            other => Err(self.expected(member, "true or false", &other)),
        }
    }

    /// A number from 0 to `most` that must be there.
    pub(super) fn number(&mut self, member: &str, most: f64) -> Result<f64, Problem> {
        let value = self.take(member).ok_or_else(|| self.missing(member))?;
        match value.as_f64() {
            Some(number) if (0.0..=most).contains(&number) => Ok(number),
            _ => Err(self.wrong(member, format!("a number from 0 to {most} is expected"))),
        }
    }

    /// An integer in 0 to 2^53 that must be there.
    pub(super) fn integer(&mut self, member: &str) -> Result<u64, Problem> {
        let value = self.take(member).ok_or_else(|| self.missing(member))?;
        let integer = value.as_u64().filter(|number| *number <= 1 << 53);
        integer.ok_or_else(|| self.wrong(member, "an integer from 0 is expected"))
    }

    /// An object; `None` when it is not there.
    pub(super) fn object(&mut self, member: &str) -> Result<Option<Members<'a>>, Problem> {
        let path = format!("{}.{member}", self.path);
        self.take(member).map(|value| Members::at(self.record, path, value)).transpose()
    }

    /// An object that must be there.
    pub(super) fn required_object(&mut self, member: &str) -> Result<Members<'a>, Problem> {
        self.object(member)?.ok_or_else(|| self.missing(member))
    }

    /// The entries of an array that must be there, each with its path; `null` stands for none.
    pub(super) fn array(&mut self, member: &str) -> Result<Vec<(String, Value)>, Problem> {
        if !self.has(member) {
            return Err(self.missing(member));
        }
        match self.take(member) {
            None => Ok(Vec::new()),
            Some(Value::Array(entries)) => {
                let path = |(at, entry)| (format!("{}.{member}[{at}]", self.path), entry);
                Ok(entries.into_iter().enumerate().map(path).collect())
            }
            Some(other) => Err(self.expected(member, "an array", &other)),
        }
    }

    /// The entries of an array that must be there and hold objects.
    pub(super) fn objects(&mut self, member: &str) -> Result<Vec<Members<'a>>, Problem> {
        let entries = self.array(member)?;
        entries.into_iter().map(|(path, entry)| Members::at(self.record, path, entry)).collect()
    }
}
