//! Key predicates: `('A')`, `(A='1',B=datetime'…')`.

use andon_act::template::{Fragment, Inserted};

use super::path::{GAP, Place, Segment, Target};
use super::{Check, Service, Text};
use crate::metadata::edm::{address_form, plain_fault, text_fault};
use crate::metadata::suggest::instead;
use crate::metadata::{Property, Structure};

impl<'a> Check<'a> {
    /// Checks the key that stands in a segment's parentheses.
    pub(super) fn key(
        &mut self,
        service: Service<'a>,
        path: &Text,
        segment: &Segment,
        target: &Target<'a>,
        gaps: &[Inserted<'_>],
    ) {
        let (Some(key), Some(structure)) = (&segment.key, target.structure) else { return };
        if target.place != Place::Entity {
            return;
        }
        let mut gap = segment.gaps_before;
        let mut given = Vec::new();
        for part in split(key, ',') {
            let cut = split(part, '=');
            let (name, value) = match cut.as_slice() {
                [name, value] => (name.trim(), value.trim()),
                _ => (structure.keys.first().filter(|_| structure.keys.len() == 1).map_or("", String::as_str), part),
            };
            let gaps = &gaps[gap.min(gaps.len())..];
            self.key_value(service, path, structure, (name, value), gaps);
            gap += part.matches(GAP).count();
            given.push(name);
        }
        self.key_names(path, structure, &given);
    }

    fn key_names(&mut self, path: &Text, structure: &Structure, given: &[&str]) {
        let keys = || structure.keys.iter().map(String::as_str);
        let is_complete = keys().all(|key| given.contains(&key));
        let stranger = given.iter().find(|name| !name.is_empty() && !keys().any(|key| key == **name));
        if let Some(name) = stranger {
            let hint = instead(name, keys());
            self.error(path, 0, format!("{name} is no key of {}; {hint}", structure.name));
        } else if !is_complete || given.len() != structure.keys.len() {
            let form = structure.keys.iter().map(|key| format!("{key}=…")).collect::<Vec<_>>().join(",");
            self.error(path, 0, format!("the key of {} is ({form})", structure.name));
        }
    }

    fn key_value(
        &mut self,
        service: Service<'a>,
        path: &Text,
        structure: &Structure,
        (name, value): (&str, &str),
        gaps: &[Inserted<'_>],
    ) {
        if let Some(property) = structure.properties.get(name) {
            self.literal(service, path, (name, property), value, gaps);
        }
    }

    /// Checks a value in the form of an address.
    pub(super) fn literal(
        &mut self,
        service: Service<'a>,
        text: &Text,
        (name, property): (&str, &Property),
        value: &str,
        gaps: &[Inserted<'_>],
    ) {
        let Some((before, after)) = address_form(&property.kind, service.version()) else { return };
        let inner = value.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        let Some(inner) = inner.filter(|inner| !before.is_empty() || !inner.contains('\'')) else {
            let form = if before.is_empty() { "without quotes".to_owned() } else { format!("{before}…{after}") };
            let shown = value.replace(GAP, "${{…}}");
            return self.error(text, 0, format!("{name} is given as {shown}, in an address it is written {form}"));
        };
        if inner.contains(GAP) {
            let fragments = fragments(inner, gaps);
            self.lengths(text, name, property, &fragments);
        } else if let Some(what) = literal_fault(property, service, before, inner) {
            self.error(text, 0, format!("{name}: {what}"));
        }
    }
}

fn literal_fault(property: &Property, service: Service<'_>, before: &str, inner: &str) -> Option<String> {
    if before.is_empty() {
        let is_bad = plain_fault(&property.kind, service.version(), inner);
        return is_bad.then(|| format!("{inner:?} is not a value of it; {}", property.kind.form(service.version())));
    }
    let text = inner.replace("''", "'");
    let length = text.chars().count();
    match property.max_length.filter(|most| length > *most) {
        Some(most) => Some(format!("takes {most} characters, {text:?} has {length}")),
        None => text_fault(property, service.version(), &text),
    }
}

/// The text between quotes as the parts of a template's text.
fn fragments<'t>(inner: &str, gaps: &[Inserted<'t>]) -> Vec<Fragment<'t>> {
    let mut gaps = gaps.iter();
    let mut fragments = Vec::new();
    for (number, literal) in inner.split(GAP).enumerate() {
        if number > 0 {
            fragments.extend(gaps.next().map(|inserted| Fragment::Inserted(*inserted)));
        }
        fragments.extend((!literal.is_empty()).then(|| Fragment::Literal(literal.replace("''", "'"))));
    }
    fragments
}

/// Cuts at a character outside of quotes.
pub(super) fn split(text: &str, at: char) -> Vec<&str> {
    let (mut parts, mut start, mut is_quoted) = (Vec::new(), 0, false);
    for (place, c) in text.char_indices() {
        if c == '\'' {
            is_quoted = !is_quoted;
        } else if c == at && !is_quoted {
            parts.push(&text[start..place]);
            start = place + c.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}
