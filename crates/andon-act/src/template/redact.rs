//! What a template must not see: values that are blanked before anything is rendered.

use super::Scope;
use super::path::{Path, Root};

/// What stands in the place of a value that is not shown.
const BLANK: &str = "[redacted]";

/// Paths whose values are not shown.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    paths: Vec<Path>,
}

impl Redaction {
    /// Reads paths such as `event.data.reporter`. The error is a sentence about the first that is none.
    pub(crate) fn compile(texts: &[String]) -> Result<Self, String> {
        let paths = texts.iter().map(|text| read(text)).collect::<Result<_, _>>()?;
        Ok(Self { paths })
    }

    /// The paths, as in [`super::Template::paths`].
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> {
        self.paths.iter().map(ToString::to_string)
    }

    /// Blanks them wherever a template could read them: the value itself, and whatever holds it.
    pub(crate) fn apply(&self, scope: &mut Scope<'_>) {
        for path in &self.paths {
            scope.blank(path, BLANK);
        }
    }
}

fn read(text: &str) -> Result<Path, String> {
    let refused = || format!("{text:?} is not a path, as event.data.reporter is one");
    let (path, length) = Path::read(text)?.ok_or_else(refused)?;
    if length != text.len() || path.root == Root::Run {
        return Err(refused());
    }
    Ok(path)
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
        Redaction::compile(&paths).expect("paths").apply(&mut scope);
        let template = Template::compile(template, Form::Text, "t").expect("a template");
        assert_eq!(template.render(&scope).as_deref(), Ok(expect), "{redact:?}");
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
    fn only_paths_are_taken() {
        for text in ["event.data.x | upper", "everything", "", "run.id", "pre"] {
            assert!(Redaction::compile(&[text.to_owned()]).is_err(), "{text}");
        }
        assert_eq!(Redaction::compile(&[]).map(|r| r.paths.len()), Ok(0));
    }
}
