//! What belongs to episodes: the key, and what an open-check step looks at.

use super::answer::{is_readable, keys};
use super::{Check, Service, Text, WrittenStep};
use crate::metadata::edm::{Kind, text_fault};
use crate::metadata::written::WrittenEpisode;
use crate::metadata::{Format, Property, Version};

impl<'a> Check<'a> {
    /// Checks what the key of an episode reads.
    pub(super) fn once_per(&mut self, episode: Option<&'a WrittenEpisode>) {
        if let Some(once_per) = episode.and_then(|episode| episode.once_per.as_ref()) {
            self.plain_references(once_per);
        }
    }

    /// Checks that the answer has what an open-check step looks at, and that it can have the listed values.
    pub(super) fn open_while(&mut self, step: &'a WrittenStep, service: Service<'a>) {
        let Some(open_while) = &step.open_while else { return };
        let path = &open_while.path;
        let property = match self.follow(step, service, &keys(path.get_ref())) {
            Ok(Some(property)) => property,
            Ok(None) => return,
            Err(what) => return self.error(path, 0, format!("open_while {}: {what}", path.get_ref())),
        };
        if !is_readable(property) {
            let what = "is no text or number, so nobody could tell whether the document is open";
            return self.error(path, 0, format!("open_while {}: it {what}", path.get_ref()));
        }
        self.selected(step, path);
        for value in &open_while.values {
            self.listed_value(value, path.get_ref(), property, service.version());
        }
    }

    /// Checks that a `$select` asks for what is looked at.
    fn selected(&mut self, step: &WrittenStep, path: &Text) {
        let (Some(select), Some(name)) = (step.query.get("$select"), keys(path.get_ref()).pop()) else { return };
        let select = select.get_ref();
        let is_asked =
            select.contains("${{") || select.split(',').any(|asked| asked.trim() == "*" || asked.trim() == name);
        if !is_asked {
            self.error(path, 0, format!("open_while {}: the query's $select does not ask for {name}", path.get_ref()));
        }
    }

    fn listed_value(&mut self, value: &Text, path: &str, property: &Property, version: Version) {
        if let Some(why) = never(property, version, value.get_ref()) {
            let what = format!(
                "open_while: {path} is never {:?}, so the document would be taken for closed: {why}",
                value.get_ref()
            );
            self.error(value, 0, what);
        }
    }
}

/// Why a property never has this value.
fn never(property: &Property, version: Version, value: &str) -> Option<String> {
    let length = value.chars().count();
    match &property.kind {
        Kind::String => match property.max_length.filter(|most| length > *most) {
            Some(most) => Some(format!("it has {most} characters at most, not {length}")),
            None if property.format == Format::UpperCase && value != value.to_uppercase() => {
                Some("it is kept in upper case".to_owned())
            }
            None => text_fault(property, version, value),
        },
        Kind::Integer(smallest, largest) => {
            let is_one = value.parse::<i64>().is_ok_and(|number| (*smallest..=*largest).contains(&number));
            (!is_one).then(|| property.kind.form(version))
        }
        Kind::Guid => text_fault(property, version, value),
        _ => None,
    }
}
