//! Which option belongs to which kind of step, and which ones a kind cannot do without. One table, so
//! that a new option is one line here.

use std::fmt::Write as _;

use super::StepDefinition;
use crate::StepKind;

/// The kinds as far as options are concerned: a `decision` has two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Http,
    Odata,
    OdataV4,
    Attachment,
    Lookup,
    /// A `decision` by a table of Andon.
    Table,
    /// A `decision` by a rule service at a destination.
    Rules,
    Summary,
}

use Shape::{Attachment, Http, Lookup, Odata, OdataV4, Rules, Summary, Table};

impl Shape {
    pub(super) fn of(step: &StepDefinition) -> Self {
        match step.kind {
            StepKind::Http => Http,
            StepKind::Odata => Odata,
            StepKind::OdataV4 => OdataV4,
            StepKind::Attachment => Attachment,
            StepKind::Lookup => Lookup,
            StepKind::Decision if step.destination.is_some() => Rules,
            StepKind::Decision => Table,
            StepKind::Summary => Summary,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Http => "http",
            Odata => "odata",
            OdataV4 => "odata-v4",
            Attachment => "attachment",
            Lookup => "lookup",
            Table => "decision (by table)",
            Rules => "decision (at a destination)",
            Summary => "summary",
        }
    }
}

/// An option: its name, whether a step has it, and the kinds it belongs to.
type Belonging = (&'static str, fn(&StepDefinition) -> bool, &'static [Shape]);

const ODATA: &[Shape] = &[Odata, OdataV4];
const WITH_SERVICE: &[Shape] = &[Odata, OdataV4, Attachment];
const DOCUMENTS: &[Shape] = &[Http, Odata, OdataV4, Attachment];
const REQUESTS: &[Shape] = &[Http, Odata, OdataV4, Attachment, Rules];
const SENDING: &[Shape] = &[Http, Odata, OdataV4, Attachment, Rules, Summary];

const OPTIONS: &[Belonging] = &[
    ("destination", |s| s.destination.is_some(), SENDING),
    ("method", |s| s.method.is_some(), DOCUMENTS),
    ("service", |s| s.service.is_some(), WITH_SERVICE),
    ("path", |s| s.path.is_some(), SENDING),
    ("query", |s| !s.query.is_empty(), SENDING),
    ("headers", |s| !s.headers.is_empty(), SENDING),
    ("content_type", |s| s.content_type.is_some(), DOCUMENTS),
    ("body", |s| s.body.is_some(), &[Http, Odata, OdataV4, Rules]),
    ("csrf", |s| s.csrf.is_some(), REQUESTS),
    ("guard", |s| s.guard.is_some(), DOCUMENTS),
    ("retry", |s| s.retry.is_some(), REQUESTS),
    ("timeout", |s| s.timeout.is_some(), SENDING),
    ("document", |s| s.document.is_some(), DOCUMENTS),
    ("open_while", |s| s.open_while.is_some(), &[Http, Odata, OdataV4]),
    ("changeset", |s| s.changeset.is_some(), ODATA),
    ("if_match", |s| s.if_match.is_some(), &[Http, Odata, OdataV4]),
    ("attachment", |s| s.attachment.is_some(), &[Attachment]),
    ("file_name", |s| s.file_name.is_some(), &[Attachment]),
    ("max_bytes", |s| s.max_bytes.is_some(), &[Attachment]),
    ("lookup", |s| s.lookup.is_some(), &[Lookup]),
    ("key", |s| !s.key.is_empty(), &[Lookup]),
    ("missing", |s| s.missing.is_some(), &[Lookup]),
    ("table", |s| s.table.is_some(), &[Table]),
    ("input", |s| s.input.is_some(), &[Table]),
    ("empty", |s| s.empty.is_some(), &[Table, Rules]),
    ("api", |s| s.api.is_some(), &[Summary]),
    ("model", |s| s.model.is_some(), &[Summary]),
    ("prompt", |s| s.prompt.is_some(), &[Summary]),
    ("system", |s| s.system.is_some(), &[Summary]),
    ("fallback", |s| s.fallback.is_some(), &[Summary]),
    ("max_chars", |s| s.max_chars.is_some(), &[Summary]),
    ("max_tokens", |s| s.max_tokens.is_some(), &[Summary]),
    ("redact", |s| !s.redact.is_empty(), &[Summary]),
    ("token_limit", |s| s.token_limit.is_some(), &[Summary]),
    ("budget", |s| s.budget.is_some(), &[Summary]),
];

/// What a kind cannot do without, and what it is for.
const NEEDED: &[(Shape, &[(&str, &str)])] = &[
    (Http, &[("destination", "where to send"), ("method", "the HTTP method"), ("path", "where to send")]),
    (Odata, &[("destination", "where to send"), ("service", "as in /sap/opu/odata/sap/API_MAINTNOTIFICATION")]),
    (OdataV4, &[("destination", "where to send"), ("service", "as in /sap/opu/odata4/sap/<group>/…/0001")]),
    (
        Attachment,
        &[
            ("destination", "where to send"),
            ("service", "as in /sap/opu/odata/sap/API_CV_ATTACHMENT_SRV"),
            ("attachment", "the digest of the bytes, as in ${{event.data.image.digest}}"),
            ("file_name", "under which the bytes are found again, as in ${{key}}.png"),
        ],
    ),
    (Lookup, &[("lookup", "the lookup to read"), ("key", "a template for each of its key columns")]),
    (Table, &[("table", "the decision to ask, or a destination with a rule service")]),
    (Rules, &[("body", "what the rule service is asked")]),
    (Summary, &[("fallback", "the text to use when there is no model's text")]),
];

/// What is there and does not belong, and what is missing.
pub(super) fn check(step: &StepDefinition) -> Vec<String> {
    let shape = Shape::of(step);
    let foreign = OPTIONS.iter().filter(|(_, given, kinds)| given(step) && !kinds.contains(&shape));
    let foreign = foreign.map(|(name, _, kinds)| format!("{name} belongs to {} steps", listed(kinds)));
    let needed = NEEDED.iter().filter(|(of, _)| *of == shape).flat_map(|(_, needed)| *needed);
    let missing = needed.filter(|(name, _)| !is_given(step, name));
    let missing =
        missing.map(|(name, what)| format!("{} {} step names its {name}: {what}", article(shape), shape.as_str()));
    foreign.chain(missing).collect()
}

fn is_given(step: &StepDefinition, name: &str) -> bool {
    OPTIONS.iter().any(|(option, given, _)| *option == name && given(step))
}

fn article(shape: Shape) -> &'static str {
    if matches!(shape, Lookup | Table | Rules | Summary) { "a" } else { "an" }
}

/// `a, b and c`.
fn listed(kinds: &[Shape]) -> String {
    let mut text = String::new();
    for (i, kind) in kinds.iter().enumerate() {
        let separator = if i == 0 {
            ""
        } else if i + 1 == kinds.len() {
            " and "
        } else {
            ", "
        };
        let _ = write!(text, "{separator}{}", kind.as_str());
    }
    text
}
