//! Texts with names in braces: templates that are filled in, and patterns of topics that give the names their values.

use std::collections::BTreeMap;

/// Values of names, such as `line` and `device`.
pub(crate) type Captures = BTreeMap<String, String>;

/// Longest text that a template becomes, in bytes: the limit of SiteWise for aliases.
const MAX_BYTES: usize = 2_048;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Name(String),
}

/// A text such as `{device}Temperature`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

impl Template {
    /// Reads the text form; the error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, behind)) = rest.split_once('{') {
            let (name, behind) = behind.split_once('}').ok_or_else(|| format!("a brace in {text:?} is not closed"))?;
            parts.extend((!literal.is_empty()).then(|| Part::Literal(literal.to_owned())));
            parts.push(Part::Name(name_of(name, text)?));
            rest = behind;
        }
        parts.extend((!rest.is_empty()).then(|| Part::Literal(rest.to_owned())));
        if parts.is_empty() || text.len() > MAX_BYTES {
            return Err(format!("a template has 1 to {MAX_BYTES} bytes"));
        }
        Ok(Self(parts))
    }

    /// The names that it needs.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| if let Part::Name(name) = part { Some(name.as_str()) } else { None })
    }

    /// The text, or `None` when a name has no value or the text becomes too long.
    pub(crate) fn fill(&self, captures: &Captures) -> Option<String> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Name(name) => out.push_str(captures.get(name)?),
            }
        }
        (!out.is_empty() && out.len() <= MAX_BYTES).then_some(out)
    }
}

fn name_of(name: &str, text: &str) -> Result<String, String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(legal) {
        return Err(format!("{{{name}}} in {text:?} is not a name: use a-z, 0-9 and _"));
    }
    Ok(name.to_owned())
}

/// A topic with names for some of its levels, such as `plant/{line}/{device}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicPattern(Vec<Part>);

impl TopicPattern {
    /// Reads the text form; a `/` at the beginning is left out.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let levels = text.strip_prefix('/').unwrap_or(text).split('/');
        let parts: Result<Vec<_>, _> = levels.map(|level| level_of(level, text)).collect();
        let parts = parts?;
        let named = |part: &&Part| matches!(part, Part::Name(_));
        let twice = parts.iter().enumerate().any(|(at, part)| named(&part) && parts[..at].contains(part));
        if twice || parts.len() > 32 {
            return Err(format!("{text:?} names a level twice, or has more than 32"));
        }
        Ok(Self(parts))
    }

    /// How many levels it has.
    pub(crate) const fn levels(&self) -> usize {
        self.0.len()
    }

    /// Levels up to and including the last that has a name.
    pub(crate) fn named_levels(&self) -> usize {
        self.0.iter().rposition(|part| matches!(part, Part::Name(_))).map_or(0, |last| last + 1)
    }

    /// The first `count` levels as a pattern, and the others as the path of a field.
    pub(crate) fn split(&self, count: usize) -> (Self, Vec<String>) {
        let (topic, field) = self.0.split_at(count.min(self.0.len()));
        let literal = |part: &'_ Part| if let Part::Literal(text) = part { Some(text.clone()) } else { None };
        (Self(topic.to_vec()), field.iter().filter_map(literal).collect())
    }

    /// The names that it gives values to.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| if let Part::Name(name) = part { Some(name.as_str()) } else { None })
    }

    /// The values of the names, when `topic` fits.
    pub(crate) fn matches(&self, topic: &str) -> Option<Captures> {
        let topic = topic.strip_prefix('/').unwrap_or(topic);
        let mut levels = topic.split('/');
        let mut captures = Captures::new();
        for part in &self.0 {
            match (part, levels.next()?) {
                (Part::Literal(text), level) if text != level => return None,
                (Part::Literal(_), _) => {}
                (Part::Name(_), "") => return None,
                (Part::Name(name), level) => {
                    captures.insert(name.clone(), level.to_owned());
                }
            }
        }
        levels.next().is_none().then_some(captures)
    }
}

fn level_of(level: &str, text: &str) -> Result<Part, String> {
    if level.is_empty() || level.contains(['+', '#']) {
        return Err(format!("{text:?} has a level that is empty or a wildcard: give it a name in braces"));
    }
    match level.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => Ok(Part::Name(name_of(name, text)?)),
        None if level.contains(['{', '}']) => Err(format!("a name in braces is a whole level of {text:?}")),
        None => Ok(Part::Literal(level.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, topic: &str, expect: Option<&[(&str, &str)]>) {
        let found = TopicPattern::parse(pattern).expect("a pattern").matches(topic);
        let expect = expect.map(|pairs| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
        assert_eq!(found, expect, "{pattern} and {topic}");
    }

    #[test]
    fn topics_give_names_their_values() {
        check("plant/{line}/{device}", "plant/l1/press", Some(&[("line", "l1"), ("device", "press")]));
        check("/plant/{line}/{device}", "plant/l1/press", Some(&[("line", "l1"), ("device", "press")]));
        check("plant/{line}/{device}", "/plant/l1/press", Some(&[("line", "l1"), ("device", "press")]));
        check("plant/{line}/{device}", "plant/l1", None);
        check("plant/{line}/{device}", "plant/l1/press/t", None);
        check("plant/{line}", "plant/", None);
        check("plant/all", "plant/all", Some(&[]));
    }

    #[test]
    fn texts_that_are_no_patterns() {
        for text in ["", "a//b", "a/+/c", "a/#", "a/x{b}", "a/{B}", "a/{}", "{a}/{a}"] {
            assert!(TopicPattern::parse(text).is_err(), "{text:?}");
        }
        for text in ["", "{", "{a", "{a b}", "{A}"] {
            assert!(Template::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn templates_are_filled_in() {
        let captures: Captures = [("device".to_owned(), "d1".to_owned())].into();
        let fill = |text: &str| Template::parse(text).expect("a template").fill(&captures);
        assert_eq!(fill("{device}Temperature").as_deref(), Some("d1Temperature"));
        assert_eq!(fill("plain").as_deref(), Some("plain"));
        assert_eq!(fill("{line}/{device}"), None);
    }
}
