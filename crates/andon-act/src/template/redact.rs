//! What a model must not see: values that are blanked before anything is rendered. Their copies elsewhere are the
//! matter of [`super::hidden`].

use serde_json::Value;

use super::Scope;
use super::hidden::Hidden;
use super::path::{Path, Root, Segment};
use super::scope::descend_mut;

/// What stands in the place of a value that is not shown.
pub(super) const BLANK: &str = "[redacted]";

/// Stands for every entry of a list, or every member of an object.
const EVERY: &str = "[*]";

/// Paths whose values are not shown.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    paths: Vec<Redacted>,
}

/// A path, and from each entry of what it leads to the paths further down.
#[derive(Debug)]
struct Redacted {
    path: Path,
    within: Vec<Vec<Segment>>,
}

impl Redaction {
    /// Reads paths such as `event.data.reporter` and `event.data.persons[*].name`. The error is a sentence about the
    /// first that is none.
    pub(crate) fn compile(texts: &[String]) -> Result<Self, String> {
        let paths = texts.iter().map(|text| read(text)).collect::<Result<_, _>>()?;
        Ok(Self { paths })
    }

    /// The paths up to the first list, as in [`super::Template::paths`].
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> {
        self.paths.iter().map(|redacted| redacted.path.to_string())
    }

    /// Blanks them wherever a template could read them: the value itself, and whatever holds it. What was there is
    /// to be covered in what is rendered.
    pub(crate) fn apply(&self, scope: &mut Scope<'_>) -> Hidden {
        let mut hidden = Hidden::default();
        for Redacted { path, within } in &self.paths {
            if let Some(value) = scope.value_mut(path) {
                blank(value, within, &mut hidden);
            }
        }
        hidden
    }
}

fn blank(value: &mut Value, within: &[Vec<Segment>], hidden: &mut Hidden) {
    let Some((segments, further)) = within.split_first() else {
        return hidden.add(&std::mem::replace(value, Value::from(BLANK)));
    };
    let entries: Vec<&mut Value> = match value {
        Value::Array(entries) => entries.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => Vec::new(),
    };
    for entry in entries {
        if let Some(found) = segments.iter().try_fold(entry, descend_mut) {
            blank(found, further, hidden);
        }
    }
}

/// A path and nothing behind it.
fn whole(text: &str) -> Result<Option<Path>, String> {
    let read = Path::read(text)?;
    Ok(read.filter(|(_, length)| *length == text.len()).map(|(path, _)| path))
}

fn read(text: &str) -> Result<Redacted, String> {
    let refused = || format!("{text:?} is not a path, as event.data.reporter or event.data.persons[*].name is one");
    let mut parts = text.split(EVERY);
    let path = whole(parts.next().unwrap_or_default())?;
    let path = path.filter(|path| path.root != Root::Run).ok_or_else(refused)?;
    let within = parts.map(|part| match whole(&format!("event{part}"))? {
        Some(path) => Ok(path.segments),
        None => Err(refused()),
    });
    Ok(Redacted { path, within: within.collect::<Result<_, String>>()? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Form, Template};
    use super::*;
    use crate::Stage;

    fn check(redact: &[&str], template: &str, expect: &str) {
        let (decision, lookups, body) = (json!({"who": "Ann"}), json!({"p": {"who": "Bob"}}), json!([{"who": "Cid"}]));
        let event = json!({"subject": "s", "data": {"who": "Dee", "list": [{"who": "Eve"}, 2]}});
        let mut scope = Scope::new(event, &decision, &lookups);
        scope.add_answer(Stage::Pre, "read", &body);
        let paths: Vec<String> = redact.iter().map(ToString::to_string).collect();
        let hidden = Redaction::compile(&paths).expect("paths").apply(&mut scope);
        let template = Template::compile(template, Form::Text, "t").expect("a template");
        let shown = template.render(&scope).ok().and_then(|text| hidden.cover(&text, 1_000));
        assert_eq!(shown.as_deref(), Some(expect), "{redact:?}");
    }

    #[test]
    fn values_are_blanked_wherever_they_are_read() {
        check(&["event.data.who"], "${{event.data.who}}", "[redacted]");
        let whole = r#"[{"who":"[redacted]"},2]"#;
        check(&["event.data.list[0].who", "event.data.none.x"], "${{stringify(event.data.list)}}", whole);
        check(&["event.data.list[-1]"], "${{event.data.list[1]}}", "[redacted]");
        check(&["event.data"], "${{event.data}} ${{event.subject}}", "[redacted] s");
        check(&["pre.read[0].who"], "${{pre.read}}", r#"[{"who":"[redacted]"}]"#);
        check(&["decision.who", "lookups.p.who"], "${{decision.who}} ${{lookups.p.who}}", "[redacted] [redacted]");
        check(&["pre.read"], "${{pre.read}} ${{event.data.who | upper}}", "[redacted] DEE");
    }

    #[test]
    fn every_entry_of_a_list_is_blanked() {
        check(&["event.data.list[*].who"], "${{event.data.list}}", r#"[{"who":"[redacted]"},2]"#);
        check(&["event.data.list[*]"], "${{event.data.list}}", r#"["[redacted]","[redacted]"]"#);
        check(&["event.data[*][0].who"], "${{event.data}}", r#"{"who":"Dee","list":[{"who":"[redacted]"},2]}"#);
        check(&["event.data.who[*].x", "event.none[*]"], "${{event.data.who}}", "Dee");
    }

    /// A copy of `Jörg "JJ" Bär` is covered, however it is written.
    #[test]
    fn copies_are_covered_in_every_spelling() {
        let name = "Jörg \"JJ\" Bär";
        let inner = json!({ "who": name }).to_string();
        let escaped = r#"{"who":"J\u00f6rg \"JJ\" B\u00E4r"}"#.replace("E4", "e4");
        let loud = escaped.replace("00f6", "00F6").replace("00e4", "00E4");
        for copy in [json!(name), json!({ "who": name }), json!(inner), json!(escaped), json!(loud), json!([4711])] {
            let event = json!({"data": {"who": name, "staff": 4711, "copy": copy, "a": "x"}});
            let mut scope = Scope::new(event, &Value::Null, &Value::Null);
            let paths = ["event.data.who".to_owned(), "event.data.staff".to_owned()];
            let hidden = Redaction::compile(&paths).expect("paths").apply(&mut scope);
            for template in ["${{stringify(event.data)}}", "${{event.data.copy}} x"] {
                let template = Template::compile(template, Form::Text, "t").expect("a template");
                let shown = hidden.cover(&template.render(&scope).expect("rendered"), 1_000).expect("covered");
                assert!(!shown.contains("JJ") && !shown.contains("4711") && shown.contains('x'), "{copy}: {shown}");
            }
        }
    }

    #[test]
    fn only_paths_are_taken() {
        for text in ["event.data.x | upper", "everything", "", "run.id", "pre", "[*]", "event.data[*]x", "event[**]"] {
            assert!(Redaction::compile(&[text.to_owned()]).is_err(), "{text}");
        }
        assert_eq!(Redaction::compile(&[]).map(|r| r.paths.len()), Ok(0));
    }
}
