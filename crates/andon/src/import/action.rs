//! `actions/<name>.toml`: the steps of a main action, each with the guard that fits.

use std::fmt::Write as _;

use andon_journal::{Document, DocumentKind};
use andon_model::InvalidName;

use super::attachment;
use super::batch;
use super::document;
use super::framework::Flow;
use super::plan::{Becomes, Plan, PlannedAction, PlannedStep, normal_path};
use super::report::{Entry, Note, Outcome, Report};
use super::services::{self, GatewayPath, KnownSet};
use super::text::{comment, toml_block, toml_text};
use super::vocabulary;

/// How a request is found out about after silence, with the reason for the reader of the file.
struct Guarded {
    /// The line, without its end; empty when the method is enough.
    line: String,
    reason: String,
    outcome: Outcome,
}

/// Writes an action and reports it with its related actions.
pub(super) fn write(action: &PlannedAction<'_>, plan: &Plan<'_>, report: &mut Report) -> Result<Document, InvalidName> {
    let path = format!("actions/{}.toml", action.name);
    let mut text = format!("description = {}\n", toml_text(description(action)));
    let related = |flow| action.steps.iter().filter(|step| step.is(flow)).count();
    if related(Flow::Pre).max(related(Flow::Post)) > 1 {
        text.push_str(&comment(
            "The framework leaves the order of pre and of post actions open. Here it is that of its rows, save that a \
             step stands after those whose answers it reads.",
        ));
    }
    for step in &action.steps {
        let main_entry = || Entry::new("action", &step.source.name, step.place());
        let related_entry =
            || Entry::new("related action", format!("{} ({})", step.source.name, step.stage), step.place());
        let mut entry = if step.relation.is_some() { related_entry() } else { main_entry() }.became(&path);
        text.push('\n');
        text.push_str(&step_text(step, plan, &mut entry));
        report.add(entry);
    }
    document(DocumentKind::Action, &action.name, text)
}

fn description<'a>(action: &PlannedAction<'a>) -> &'a str {
    let source = action.source;
    if source.description.trim().is_empty() { &source.name } else { source.description.trim() }
}

fn step_text(step: &PlannedStep<'_>, plan: &Plan<'_>, entry: &mut Entry) -> String {
    for (outcome, note) in step.template_notes() {
        entry.note(outcome, note);
    }
    let (head, place) = (head(step, plan), step.source.record.at("payload"));
    match &step.becomes {
        Becomes::Request => head + request(step, entry).as_str(),
        Becomes::Rules => head + rules(step).as_str(),
        Becomes::Lookup(lines) => {
            entry.note(Outcome::Adapted, Note::at(place, LOOKED_UP));
            format!("{head}{lines}")
        }
        Becomes::Table(lines) => {
            entry.note(Outcome::Adapted, Note::at(place, DECIDED));
            format!("{head}{lines}")
        }
        Becomes::Summary(lines, dropped) => {
            entry.note(Outcome::Adapted, Note::at(&place, SUMMARISED));
            if !dropped.is_empty() {
                entry.note(Outcome::Adapted, Note::at(place, format!("{} has no counterpart", dropped.join(", "))));
            }
            format!("{head}{lines}")
        }
    }
}

const LOOKED_UP: &str = "the table came along: its row is looked up, and no service is called";

const DECIDED: &str = "the table came along: Andon decides by it, and no service is called";

const SUMMARISED: &str = "the model never holds up the document: without its text in time the fallback is used, and the \
                          text is one line of at most 1333 characters; complete the fallback";

/// Name, stage, kind and destination.
fn head(step: &PlannedStep<'_>, plan: &Plan<'_>) -> String {
    let kind = match &step.becomes {
        Becomes::Request if is_attachment(step) => "attachment",
        Becomes::Request => services::gateway(&normal_path(&step.path.text)).map_or("http", |gateway| gateway.kind),
        Becomes::Rules | Becomes::Table(_) => "decision",
        Becomes::Lookup(_) => "lookup",
        Becomes::Summary(..) => "summary",
    };
    let (name, stage) = (toml_text(&step.name), step.stage);
    let mut text = comment(&step.source.name);
    let _ = writeln!(text, "[[step]]\nname = {name}\nstage = \"{stage}\"\nkind = \"{kind}\"");
    if step.sends() {
        let destination = plan.destinations.get(step.source.destination.as_str()).map_or("", String::as_str);
        let _ = writeln!(text, "destination = \"{destination}\"");
    }
    text
}

/// A decision service that stays where it is.
fn rules(step: &PlannedStep<'_>) -> String {
    let body = step.body.as_ref().map_or("", |body| body.text.as_str());
    let path = normal_path(&step.path.text);
    let csrf = if step.source.csrf { "csrf = true\n" } else { "" };
    format!("path = {}\n{csrf}body = {}\n", toml_text(&path), toml_block(&lines_of(body)))
}

fn request(step: &PlannedStep<'_>, entry: &mut Entry) -> String {
    let path = normal_path(&step.path.text);
    let gateway = services::gateway(&path);
    if let Some(gateway) = gateway.as_ref().filter(|_| is_attachment(step)) {
        return attachment::lines(step, gateway, entry);
    }
    let parts =
        gateway.as_ref().filter(|gateway| gateway.path.starts_with("$batch")).and_then(|_| batch_of(step, entry));
    if let (Some(gateway), Some(parts)) = (&gateway, parts) {
        return change_set(step, gateway, parts, entry);
    }
    let is_post = step.source.method == "POST";
    let known = gateway.as_ref().and_then(GatewayPath::known).filter(|_| is_post);
    let guarded = guard(step, known);
    let body = body(step, known.filter(|_| guarded.line.contains("probe")));
    let mut text = address(step, &path, gateway.as_ref());
    text.push_str(&body_text(step, body.as_deref()));
    text + ending(step, known, &guarded, known.map_or("", |known| known.document), entry).as_str()
}

/// The document's number and the guard, with its reason.
fn ending(
    step: &PlannedStep<'_>,
    known: Option<&KnownSet>,
    guarded: &Guarded,
    document: &str,
    entry: &mut Entry,
) -> String {
    let mut text = String::new();
    if known.is_some() {
        let _ = writeln!(text, "document = {}", toml_text(document));
    }
    if !guarded.reason.is_empty() {
        entry.note(guarded.outcome, Note::at(step.source.record.at("payload"), &guarded.reason));
        text.push_str(&comment(&guarded.reason));
    }
    text + guarded.line.as_str()
}

/// The parts of a payload for `$batch`.
fn batch_of(step: &PlannedStep<'_>, entry: &mut Entry) -> Option<Vec<batch::Part>> {
    let parts = step.body.as_ref().and_then(|body| batch::read(&body.text));
    if parts.is_none() {
        let what = "the payload is not one change set of requests that change something: write it as changeset by hand";
        entry.note(Outcome::Open, Note::at(step.source.record.at("payload"), what));
    }
    parts
}

fn change_set(
    step: &PlannedStep<'_>,
    gateway: &GatewayPath<'_>,
    mut parts: Vec<batch::Part>,
    entry: &mut Entry,
) -> String {
    let set = |part: &batch::Part| services::known(gateway, &part.path).filter(|_| part.method == "POST");
    let found = parts.iter().enumerate().find_map(|(at, part)| Some((at, set(part)?)));
    let (at, known) = found.map_or((0, None), |(at, known)| (at, Some(known)));
    let body = parts[at].body.clone().unwrap_or_default();
    let guarded = guard_of_post(known, &body);
    if let Some(Ok(field)) = known.map(|known| known.reference).filter(|_| guarded.line.contains("probe")) {
        parts[at].body = with_key(&body, field).map(|body| body.replace('\n', " ")).or(parts[at].body.take());
    }
    let document = known.map(|known| format!("responses[{at}].body.{}", known.document)).unwrap_or_default();
    let text = format!("service = {}\n{}", toml_text(gateway.service), batch::lines(&parts));
    text + ending(step, known, &guarded, &document, entry).as_str()
}

/// An upload of SAP's attachment service.
fn is_attachment(step: &PlannedStep<'_>) -> bool {
    let path = normal_path(&step.path.text);
    let is_set = |gateway: GatewayPath<'_>| {
        gateway.service.ends_with("API_CV_ATTACHMENT_SRV") && gateway.path.starts_with("AttachmentContentSet")
    };
    step.source.method == "POST" && services::gateway(&path).is_some_and(is_set)
}

/// Service, method, path and whether a token is taken.
fn address(step: &PlannedStep<'_>, path: &str, gateway: Option<&GatewayPath<'_>>) -> String {
    let source = step.source;
    let mut text = String::new();
    if let Some(gateway) = gateway {
        let _ = writeln!(text, "service = {}", toml_text(gateway.service));
    }
    let path = gateway.map_or(path, |gateway| gateway.path);
    let _ = writeln!(text, "method = {}\npath = {}", toml_text(&source.method), toml_text(path));
    let is_changing = !matches!(source.method.as_str(), "GET" | "HEAD");
    if is_changing && (source.csrf || gateway.is_some()) {
        let _ = writeln!(text, "csrf = {}", source.csrf);
    }
    text
}

fn body_text(step: &PlannedStep<'_>, body: Option<&str>) -> String {
    let Some(body) = body else { return String::new() };
    let content_type = step.source.content_type.as_deref().unwrap_or("application/json");
    format!("content_type = {}\nbody = {}\n", toml_text(content_type), toml_block(body))
}

/// The payload, with the key in the reference field when that is to be searched.
fn body(step: &PlannedStep<'_>, probed: Option<&KnownSet>) -> Option<String> {
    let body = lines_of(&step.body.as_ref()?.text);
    match probed.map(|known| known.reference) {
        Some(Ok(field)) => with_key(&body, field).or(Some(body)),
        _ => Some(body),
    }
}

/// With one kind of line end.
fn lines_of(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// `{"MaintNotifExtReferenceNumber": "${{key}}", …`; `None` when the body is no object, or uses the field already.
fn with_key(body: &str, field: &str) -> Option<String> {
    let members = body.trim_start().strip_prefix('{')?;
    let rest = members.trim_start();
    let comma = if rest.starts_with('}') { "" } else { "," };
    (!body.contains(&format!("\"{field}\""))).then(|| format!("{{\n  \"{field}\": \"${{{{key}}}}\"{comma}\n  {rest}"))
}

fn guard(step: &PlannedStep<'_>, known: Option<&'static KnownSet>) -> Guarded {
    let body = step.body.as_ref().map_or("", |body| body.text.as_str());
    let none = Guarded { line: String::new(), reason: String::new(), outcome: Outcome::Carried };
    let natural = |reason: &str| Guarded {
        line: "guard = { kind = \"natural\" }\n".into(),
        reason: reason.into(),
        outcome: Outcome::Adapted,
    };
    match step.source.method.as_str() {
        "POST" if vocabulary::is_call(body) => natural("Asks a decision service: asking again does no harm."),
        "POST" if is_model_call(body) => natural("Asks a language model: asking again costs, but changes nothing."),
        "POST" => guard_of_post(known, body),
        "PATCH" | "MERGE" => parked(
            "If the change can be repeated without harm, say guard = { kind = \"natural\" }; an If-Match header makes it so.",
        ),
        _ => none,
    }
}

/// The shapes of Anthropic's and `OpenAI`'s interfaces.
fn is_model_call(body: &str) -> bool {
    body.contains("\"messages\"") && (body.contains("\"anthropic_version\"") || body.contains("\"max_tokens\""))
}

fn guard_of_post(known: Option<&'static KnownSet>, body: &str) -> Guarded {
    let Some(known) = known else {
        return parked(
            "If the service has a field for an outside reference, write \"${{key}}\" into it and search it by \
             guard = { kind = \"probe\", set = …, field = … }; if repeating does no harm, say guard = { kind = \"natural\" }.",
        );
    };
    let field = match known.reference {
        Ok(field) => field,
        Err(why) => return parked(&format!("In this service {why}.")),
    };
    if with_key(body, field).is_none() {
        return parked(&format!(
            "Write \"${{{{key}}}}\" into {field}, which the payload uses for something else or cannot hold."
        ));
    }
    Guarded {
        line: format!("guard = {{ kind = \"probe\", set = \"{}\", field = \"{field}\" }}\n", known.set),
        reason: format!(
            "{field} carries the key, so that a lost request is searched for before anything is sent again."
        ),
        outcome: Outcome::Adapted,
    }
}

fn parked(hint: &str) -> Guarded {
    let reason = format!("A lost request cannot be found out: the run parks and asks a person. {hint}");
    Guarded { line: "guard = { kind = \"park\" }\n".into(), reason, outcome: Outcome::Adapted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_added_once_and_only_to_objects() {
        let check = |body: &str, expect: Option<&str>| assert_eq!(with_key(body, "Ref").as_deref(), expect, "{body}");
        check("{\"a\": 1}", Some("{\n  \"Ref\": \"${{key}}\",\n  \"a\": 1}"));
        check("{ }", Some("{\n  \"Ref\": \"${{key}}\"\n  }"));
        check("{\"Ref\": \"x\"}", None);
        check("[1]", None);
        check("", None);
    }
}
