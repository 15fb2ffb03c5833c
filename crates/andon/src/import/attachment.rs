//! Uploads of SAP's attachment service: the framework could not send bytes, a step of the kind `attachment` does.

use std::fmt::Write as _;

use serde_json::Value;

use super::plan::PlannedStep;
use super::report::{Entry, Note, Outcome};
use super::services::GatewayPath;
use super::text::{comment, toml_text};

/// Headers that name what the upload belongs to.
const OBJECT: [&str; 2] = ["BusinessObjectTypeName", "LinkedSAPObjectKey"];

/// The lines of the step, to be completed.
pub(super) fn lines(step: &PlannedStep<'_>, gateway: &GatewayPath<'_>, entry: &mut Entry) -> String {
    let payload =
        step.body.as_ref().and_then(|body| serde_json::from_str::<Value>(&body.text).ok()).unwrap_or_default();
    let member = |name: &str| payload.get(name).and_then(Value::as_str);
    let headers = OBJECT.map(|name| format!("{name} = {}", toml_text(member(name).unwrap_or("complete me"))));
    let name = member("Slug").or_else(|| member("FileName")).unwrap_or("${{key}}.png");
    let what = "the framework sends texts only: say which attachment of the event is sent, under which name, and to which \
                object; the bytes come with the event (docs/guide/configuration.md, attachments)";
    entry.note(Outcome::Open, Note::at(step.source.record.at("payload"), what));
    let mut text = format!("service = {}\n{}", toml_text(gateway.service), comment("To complete: which bytes."));
    let _ = writeln!(text, "attachment = \"${{{{event.data.image.digest}}}}\"\nfile_name = {}", toml_text(name));
    let _ = writeln!(text, "headers = {{ {} }}\nguard = {{ kind = \"park\" }}", headers.join(", "));
    text
}
