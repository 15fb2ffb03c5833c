//! Paths of objects that say what the object is about: `1710/line-3/camera-2/7.json`.

use std::fmt::Write;
use std::str::FromStr;

use andon_model::Problem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::members::Members;
use super::text::fault;

/// RFC 3986's unreserved characters and the slash stay as they are.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A name as part of a URI.
pub(super) fn uri_path(name: &str) -> String {
    utf8_percent_encode(name, PATH).to_string()
}

/// What a result about a picture is about.
pub(super) struct Subject {
    /// The path that names it.
    pub(super) about: String,
    /// The picture's path, where the result itself says it.
    pub(super) image: Option<String>,
}

/// A result that lies in a bucket is named by its own path. One that is pushed has none: there the picture
/// names it, which the sender adds as in the request, `"Image": {"S3Object": {"Name": "…"}}`.
pub(super) fn object_path(path: &str, result: &mut Members<'_>) -> Result<Subject, Problem> {
    if !path.is_empty() {
        return Ok(Subject { about: path.to_owned(), image: None });
    }
    let image = result.object("Image")?.map(|mut image| image.object("S3Object")).transpose()?.flatten();
    let name = image.map(|mut object| object.text("Name")).transpose()?.flatten();
    Ok(Subject { about: name.clone().unwrap_or_default(), image: name })
}

/// What is said about a pushed result that names no picture.
const UNNAMED: &str = "a pushed result has no path, so it names its picture as the request did: \
                       \"Image\": {\"S3Object\": {\"Name\": \"…\"}}";

/// A path with named parts: `{plant}/{line}/camera-{camera}/{file}`. It fits a path that has as many
/// segments, where each has the text around the name and something in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    before: String,
    /// Name and text behind it; `None` for a fixed segment.
    named: Option<(String, String)>,
}

impl FromStr for PathPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let segments = text.split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
        let pattern = Self { text: text.to_owned(), segments };
        let mut names: Vec<_> = pattern.names().collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("{{{}}} stands there twice", pair[0])),
            None => Ok(pattern),
        }
    }
}

fn segment(text: &str) -> Result<Segment, String> {
    let Some((before, rest)) = text.split_once('{') else {
        if text.is_empty() || text.contains('}') {
            return Err("a path has segments of text and {name}, with one '/' between them".into());
        }
        return Ok(Segment { before: text.to_owned(), named: None });
    };
    let (name, after) = rest.split_once('}').ok_or("'{' without '}'")?;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(format!("{{{name}}}: a name is made of a-z, 0-9 and '_'"));
    }
    if after.contains(['{', '}']) {
        return Err("one {name} per segment".into());
    }
    Ok(Segment { before: before.to_owned(), named: Some((name.to_owned(), after.to_owned())) })
}

impl Segment {
    /// What stands in the name's place; `None` when the segment does not fit.
    fn value<'a>(&self, text: &'a str) -> Option<&'a str> {
        match &self.named {
            None => (self.before == text).then_some(""),
            Some((_, after)) => {
                text.strip_prefix(&self.before)?.strip_suffix(after.as_str()).filter(|value| !value.is_empty())
            }
        }
    }
}

impl PathPattern {
    /// The names, in the order of the path.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| Some(segment.named.as_ref()?.0.as_str()))
    }

    /// The names and their values for a path below `prefix`; a path that does not fit is a fault.
    pub(super) fn read(&self, prefix: &str, path: &str) -> Result<Map<String, Value>, Problem> {
        let below = below(prefix, path);
        let no_fit = || {
            if path.is_empty() {
                return fault("delivery", format!("{UNNAMED}; the source's [decode] reads it by {:?}", self.text));
            }
            let what = format!("the path {below:?} does not fit the pattern {:?} of the source's [decode]", self.text);
            fault(format!("path {path}"), what)
        };
        let texts: Vec<_> = below.split('/').collect();
        if texts.len() != self.segments.len() {
            return Err(no_fit());
        }
        let mut members = Map::new();
        for (segment, text) in self.segments.iter().zip(texts) {
            let value = segment.value(text).ok_or_else(no_fit)?;
            if let Some((name, _)) = &segment.named {
                members.insert(name.clone(), value.into());
            }
        }
        Ok(members)
    }
}

/// The path below the prefix.
pub(super) fn below<'a>(prefix: &str, path: &'a str) -> &'a str {
    let below = path.strip_prefix(prefix).filter(|rest| prefix.is_empty() || rest.starts_with('/'));
    below.unwrap_or(path).trim_start_matches('/')
}

/// Names the object that belongs to another one: `{stem}.jpg` beside it, `pictures/{stem}.jpg` in a folder
/// beside it, `/pictures/{file}.jpg` from the bucket's root. `{file}` is the other's name, `{stem}` the same
/// without its last extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompanionPattern(String);

impl FromStr for CompanionPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.replace("{stem}", "").replace("{file}", "");
        if plain.len() == text.len() || plain.contains(['{', '}']) {
            return Err("use {stem} (the object's name without its extension) or {file}, as in \"{stem}.jpg\"".into());
        }
        if text.split('/').any(|segment| segment == "..") {
            return Err("\"..\" leads out of the source's folder".into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl CompanionPattern {
    /// The path of the object that belongs to the one at `path`.
    pub fn companion(&self, path: &str) -> String {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| if stem.is_empty() { file } else { stem });
        // A name may itself contain "{file}"; what was put in is not looked at again.
        let parts = self.0.split("{stem}").map(|part| part.replace("{file}", file));
        let name = parts.collect::<Vec<_>>().join(stem);
        match name.strip_prefix('/') {
            Some(from_root) => from_root.to_owned(),
            None if folder.is_empty() => name,
            None => {
                let mut beside = folder.to_owned();
                // Writing to a String cannot fail.
                let _ = write!(beside, "/{name}");
                beside
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, prefix: &str, path: &str, expect: Option<&str>) {
        let pattern: PathPattern = pattern.parse().expect("pattern");
        let found = pattern.read(prefix, path).map(|members| Value::Object(members).to_string());
        assert_eq!(found.ok().as_deref(), expect, "{path}");
    }

    #[test]
    fn names_take_what_stands_in_their_place() {
        let pattern = "{plant}/line-{line}/{file}";
        check(pattern, "", "1710/line-3/a.json", Some(r#"{"plant":"1710","line":"3","file":"a.json"}"#));
        check(pattern, "in/x", "in/x/1710/line-3/a", Some(r#"{"plant":"1710","line":"3","file":"a"}"#));
        check(pattern, "", "1710/line-/a", None);
        check(pattern, "", "1710/lane-3/a", None);
        check(pattern, "", "1710/a", None);
        check(pattern, "", "x/1710/line-3/a", None);
        check("site={site}/fixed/{f}.json", "", "site=7/fixed/b.json", Some(r#"{"site":"7","f":"b"}"#));
    }

    #[test]
    fn wrong_patterns_are_refused() {
        for text in ["", "a//b", "{a", "a}", "{A}", "{}", "{a}{b}", "{a}/{a}", "/{a}"] {
            assert!(text.parse::<PathPattern>().is_err(), "{text}");
        }
        for text in ["", "x.jpg", "{name}.jpg", "../{stem}", "{stem}{"] {
            assert!(text.parse::<CompanionPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn companions_stand_beside_or_from_the_root() {
        let check = |pattern: &str, path: &str, expect: &str| {
            assert_eq!(pattern.parse::<CompanionPattern>().map(|p| p.companion(path)).as_deref(), Ok(expect));
        };
        check("{stem}.jpg", "in/a/7.json", "in/a/7.jpg");
        check("{stem}.jpg", "7.json", "7.jpg");
        check("{stem}", "in/7.jpg.json", "in/7.jpg");
        check("pictures/{file}.png", "in/.json", "in/pictures/.json.png");
        check("/pictures/{stem}-{stem}.jpg", "in/a/{file}.json", "pictures/{file}-{file}.jpg");
    }
}
