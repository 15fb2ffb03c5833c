//! Topics: filters that are subscribed to, and patterns that take a device's name out of a topic.

/// Longest topic or filter, in bytes: what the raw log keeps.
pub(crate) const MAX_TOPIC_BYTES: usize = andon_journal::MAX_TOPIC_BYTES;

/// Why a text is no topic filter.
pub(crate) fn check_filter(filter: &str) -> Result<(), &'static str> {
    if filter.is_empty() || filter.len() > MAX_TOPIC_BYTES || filter.contains('\0') {
        return Err("a topic filter has 1 to 4,096 bytes");
    }
    if filter.starts_with("$share/") {
        return Err("say which group shares the subscription by the key group, and leave $share out");
    }
    let levels: Vec<&str> = filter.split('/').collect();
    let (last, before) = levels.split_last().map_or(("", [].as_slice()), |(last, before)| (*last, before));
    if before.iter().any(|level| level.contains('#')) || (last.contains('#') && last != "#") {
        return Err("# stands alone, and at the end");
    }
    if levels.iter().any(|level| level.contains('+') && *level != "+") {
        return Err("+ stands for a whole level");
    }
    Ok(())
}

/// Why a text is no group of a shared subscription.
pub(crate) fn check_group(group: &str) -> Result<(), &'static str> {
    let is_legal = !group.is_empty() && group.len() <= 128 && !group.contains(['/', '+', '#', '\0']);
    is_legal.then_some(()).ok_or("a group has 1 to 128 bytes without '/', '+' and '#'")
}

/// Where the name of a device comes from: `data/{device}/#`, or a name for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFrom(Vec<Level>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Text(String),
    /// Any one level.
    Any,
    Device,
    /// Any number of levels, at the end.
    Rest,
}

const DEVICE: &str = "{device}";

impl DeviceFrom {
    /// Reads a pattern: levels of text, `+`, once `{device}`, and `#` at the end. Without `{device}` it is a name.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.contains(DEVICE) {
            let is_name = !text.is_empty() && !text.contains(['/', '+', '#', '{', '}', '\0']);
            return is_name.then(|| Self::fixed(text)).ok_or("use a name, or a pattern such as \"data/{device}/#\"");
        }
        check_filter(text)?;
        let levels: Vec<Level> = text.split('/').map(level).collect::<Result<_, _>>()?;
        let devices = levels.iter().filter(|level| **level == Level::Device).count();
        if devices == 1 { Ok(Self(levels)) } else { Err("{device} stands once, for a whole level") }
    }

    fn fixed(name: &str) -> Self {
        Self(vec![Level::Text(name.to_owned())])
    }

    /// The device that a topic names; `None` when the topic does not fit.
    pub(crate) fn name<'a>(&'a self, topic: &'a str) -> Option<&'a str> {
        if let [Level::Text(name)] = self.0.as_slice() {
            return Some(name);
        }
        let (mut texts, mut device) = (topic.split('/'), None);
        for level in &self.0 {
            match level {
                Level::Rest => return device,
                Level::Any => drop(texts.next()?),
                Level::Text(text) => drop(texts.next().filter(|found| found == text)?),
                Level::Device => device = Some(texts.next().filter(|found| !found.is_empty())?),
            }
        }
        device.filter(|_| texts.next().is_none())
    }
}

fn level(text: &str) -> Result<Level, &'static str> {
    match text {
        DEVICE => Ok(Level::Device),
        "+" => Ok(Level::Any),
        "#" => Ok(Level::Rest),
        text if text.contains(['{', '}']) => Err("{device} stands once, for a whole level"),
        text => Ok(Level::Text(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_follow_the_specification() {
        for filter in
            ["#", "+", "data/#", "data/+/state", "+/+", "/", "data//x", "$aws/things/+/shadow/update/accepted"]
        {
            assert_eq!(check_filter(filter), Ok(()), "{filter}");
        }
        for filter in ["", "data#", "#/x", "data/#/x", "a+/x", "x/+a", "$share/g/data/#", "a\0"] {
            assert!(check_filter(filter).is_err(), "{filter}");
        }
        assert!(check_filter(&"x".repeat(MAX_TOPIC_BYTES + 1)).is_err());
        assert!(check_group("andon-1").is_ok());
        assert!(["", "a/b", "+", "#"].iter().all(|group| check_group(group).is_err()));
    }

    #[test]
    fn devices_are_taken_from_their_level() {
        let check = |pattern: &str, topic: &str, expect: Option<&str>| {
            let pattern = DeviceFrom::parse(pattern).expect(pattern);
            assert_eq!(pattern.name(topic), expect, "{topic}");
        };
        check("data/{device}/#", "data/pump-01/temperature/x", Some("pump-01"));
        check("data/{device}/#", "data/pump-01", Some("pump-01"));
        check("data/{device}/#", "date/pump-01/x", None);
        check("data/{device}/#", "data//x", None);
        check("data/{device}", "data/pump-01/x", None);
        check("+/{device}/state", "plant-7/pump-01/state", Some("pump-01"));
        check("+/{device}/state", "plant-7/pump-01", None);
        check("{device}", "pump-01", Some("pump-01"));
        check("gateway-7", "any/topic", Some("gateway-7"));
    }

    #[test]
    fn wrong_patterns_are_refused() {
        for pattern in ["", "a/b", "#", "{device", "x-{device}", "{device}/{device}", "{device}/#/x", "{name}/x"] {
            assert!(DeviceFrom::parse(pattern).is_err(), "{pattern}");
        }
    }
}
