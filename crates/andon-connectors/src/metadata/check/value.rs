//! Whether a value is one of the property's type.

use andon_act::template::{Fragment, Inserted, Node, Shape};
use serde_json::Value;

use super::texts::{self, Known, Source, Verdict};
use super::{Check, Service, Text};
use crate::metadata::edm::{Kind, digits_of, text_fault};
use crate::metadata::{Format, Property, Version};

/// What is wrong with a text.
enum Fault {
    /// It has this many characters.
    TooLong(usize),
    /// Anything else.
    Form(String),
}

/// Where a value stands, and what it is compared with.
#[derive(Clone, Copy)]
pub(super) struct Field<'f> {
    pub(super) text: &'f Text,
    pub(super) at: usize,
    pub(super) name: &'f str,
    pub(super) property: &'f Property,
}

impl<'a> Check<'a> {
    /// Checks the value of a property in a body.
    pub(super) fn value(&mut self, service: Service<'a>, field: Field<'_>, node: &Node<'_>) {
        let Field { text, at, name, property } = field;
        let fault = match &node.shape {
            Shape::Text(fragments) => return self.text_value(service, field, fragments),
            Shape::Value(inserted) => return self.inserted_value(service, field, *inserted),
            Shape::List(entries) if property.is_list => {
                for entry in entries {
                    self.entry(service, field, entry);
                }
                return;
            }
            Shape::Null => null_fault(property),
            Shape::Flag(_) => kind_fault(property, service.version(), |kind| matches!(kind, Kind::Boolean)),
            Shape::Number(number) => number_fault(property, service.version(), number),
            Shape::List(_) => kind_fault(property, service.version(), |_| false),
            Shape::Object(_) => kind_fault(property, service.version(), |kind| matches!(kind, Kind::Named(_))),
        };
        if let Some(what) = fault {
            self.error(text, at, format!("{name}: {what}"));
        }
    }

    fn entry(&mut self, service: Service<'a>, field: Field<'_>, node: &Node<'_>) {
        let property = Property { is_list: false, ..field.property.clone() };
        self.value(service, Field { property: &property, at: node.at, ..field }, node);
    }

    fn text_value(&mut self, service: Service<'a>, field: Field<'_>, fragments: &[Fragment<'_>]) {
        let Field { text, at, name, property } = field;
        let version = service.version();
        if property.kind.is_text(version) == Some(false) {
            let what = format!("{name} stands in quotes here; {}", property.kind.form(version));
            return self.error(text, at, what);
        }
        let insertions = texts::insertions(fragments);
        let verdict = texts::judge(self.before(), &insertions, |seen| {
            texts::known(fragments, seen).map(|known| known_fault(property, version, &known)).or(Some(None))
        });
        if let Some(verdict) = verdict {
            return self.text_verdict(field, &verdict);
        }
        self.sampled(service, field, fragments);
        self.open_length(field, fragments);
    }

    fn text_verdict(&mut self, Field { text, at, name, property }: Field<'_>, verdict: &Verdict<Fault>) {
        let (source, elsewhere) = (&verdict.source, verdict.elsewhere());
        let what = match &verdict.fault {
            Fault::TooLong(length) => {
                let most = property.max_length.unwrap_or(0);
                format!("{name} takes {most} characters, {source} gives {length}{elsewhere}")
            }
            Fault::Form(what) if *source == Source::Always => format!("{name}: {what}"),
            Fault::Form(what) => format!("{name}, from {source}{elsewhere}: {what}"),
        };
        self.graded(verdict.is_partial, text, at, what);
    }

    fn graded(&mut self, is_partial: bool, text: &Text, at: usize, what: String) {
        if is_partial { self.warning(text, at, what) } else { self.error(text, at, what) }
    }

    /// Compares the form that a filter gives with the type.
    fn sampled(&mut self, service: Service<'a>, Field { text, at, name, property }: Field<'_>, parts: &[Fragment<'_>]) {
        let [Fragment::Inserted(inserted)] = parts else { return };
        let is_time = matches!(
            property.kind,
            Kind::DateTime | Kind::DateTimeOffset | Kind::Time | Kind::Date | Kind::TimeOfDay | Kind::Guid
        );
        let sample = texts::sample(inserted.source(), property.format == Format::Date).filter(|_| is_time);
        if let Some(what) = sample.and_then(|sample| text_fault(property, service.version(), sample)) {
            self.error(text, at, format!("{name}: {inserted:?} gives another form: {what}"));
        }
    }

    /// Warns when the template's own limits let more through than the property takes.
    fn open_length(&mut self, Field { text, at, name, property }: Field<'_>, fragments: &[Fragment<'_>]) {
        let (Some(most), Some(open)) = (property.max_length, texts::at_most(self.before(), fragments)) else { return };
        if open > most && property.kind == Kind::String {
            self.warning(text, at, format!("{name} takes {most} characters, the template lets up to {open} through"));
        }
    }

    /// Checks the length of a text alone.
    pub(super) fn lengths(&mut self, text: &Text, name: &str, property: &Property, fragments: &[Fragment<'_>]) {
        let insertions = texts::insertions(fragments);
        let verdict = texts::judge(self.before(), &insertions, |seen| {
            texts::known(fragments, seen).map(|known| too_long(property, &known.text)).or(Some(None))
        });
        if let Some(verdict) = verdict {
            self.text_verdict(Field { text, at: 0, name, property }, &verdict);
        }
    }

    fn inserted_value(&mut self, service: Service<'a>, field: Field<'_>, inserted: Inserted<'_>) {
        let Field { text, at, name, property } = field;
        let verdict = texts::judge(self.before(), &[inserted], |seen| match inserted.value(seen)? {
            Ok(value) => Some(json_fault(property, service.version(), &value)),
            Err(_) => None,
        });
        if let Some(verdict) = verdict {
            let (source, elsewhere) = (&verdict.source, verdict.elsewhere());
            let what = format!("{name}, from {source}{elsewhere}: {}", verdict.fault);
            self.graded(verdict.is_partial, text, at, what);
        }
    }
}

fn too_long(property: &Property, text: &str) -> Option<Fault> {
    let length = text.chars().count();
    property.max_length.filter(|most| length > *most).map(|_| Fault::TooLong(length))
}

fn known_fault(property: &Property, version: Version, known: &Known) -> Option<Fault> {
    let length = || if property.kind == Kind::String { too_long(property, &known.text) } else { None };
    let form = || text_fault(property, version, &known.text).filter(|_| known.is_whole).map(Fault::Form);
    length().or_else(form)
}

fn null_fault(property: &Property) -> Option<String> {
    (!property.is_nullable).then(|| "takes no null".to_owned())
}

fn kind_fault(property: &Property, version: Version, is_good: impl Fn(&Kind) -> bool) -> Option<String> {
    let is_unknown = property.kind == Kind::Other;
    (!is_unknown && !is_good(&property.kind)).then(|| property.kind.form(version))
}

fn number_fault(property: &Property, version: Version, number: &str) -> Option<String> {
    let form = || Some(format!("{number} is not a value of it; {}", property.kind.form(version)));
    match &property.kind {
        Kind::Other | Kind::Named(_) | Kind::Double => None,
        Kind::Integer(smallest, largest) => {
            let is_good = number.parse::<i64>().is_ok_and(|n| (*smallest..=*largest).contains(&n));
            if is_good { None } else { form() }
        }
        Kind::Int64 if version == Version::V4 && number.parse::<i64>().is_ok() => None,
        Kind::Decimal if version == Version::V4 => {
            let (whole, fraction) = number.trim_start_matches('-').split_once('.').unwrap_or((number, ""));
            let is_plain = !number.contains(['e', 'E']);
            digits_of(property, whole.trim_start_matches('-'), fraction)
                .filter(|_| is_plain)
                .map(|what| format!("{number} {what}"))
        }
        _ => form(),
    }
}

/// A JSON value that is inserted outside of quotes.
fn json_fault(property: &Property, version: Version, value: &Value) -> Option<String> {
    match value {
        Value::Null => null_fault(property),
        Value::Bool(_) => kind_fault(property, version, |kind| matches!(kind, Kind::Boolean)),
        Value::Number(number) => number_fault(property, version, &number.to_string()),
        Value::String(_) if property.kind.is_text(version) == Some(false) => {
            Some(format!("it is a text; {}", property.kind.form(version)))
        }
        Value::String(text) => match too_long(property, text).filter(|_| property.kind == Kind::String) {
            Some(Fault::TooLong(length)) => {
                Some(format!("takes {} characters, not {length}", property.max_length.unwrap_or(0)))
            }
            _ => text_fault(property, version, text),
        },
        Value::Array(_) if property.is_list => None,
        Value::Array(_) => kind_fault(property, version, |_| false),
        Value::Object(_) => kind_fault(property, version, |kind| matches!(kind, Kind::Named(_))),
    }
}
