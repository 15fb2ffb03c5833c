//! The configuration of the simulated worlds: four actions that between them have every kind of step the
//! engine treats differently.

use andon_journal::{Change, Document, DocumentKind};
use andon_model::Name;
use andon_testkit::first_hit_table;

/// Longest time that a model is given, as the action says.
pub(crate) const SUMMARY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);

/// Where the documents of episodes are made.
pub(crate) const OF_EPISODES: [&str; 2] = ["/Once", "/Park"];

/// Events of severity 1 become a notification, those of severity 2 a change set. Those of severity 3 join the open
/// document of their equipment, and those of severity 4 are counted in it; the latter have no way of finding out what
/// became of a lost request.
pub(crate) fn documents() -> Vec<Change> {
    let put = |kind, name: &str, text: &str| {
        Change::Put(Document { kind, name: Name::new(name).expect("a name"), text: text.to_owned() })
    };
    let severity = first_hit_table(
        "event.data.severity",
        &[("> 3", "park"), ("> 2", "once"), ("> 1", "batch"), ("> 0", "notify")],
    );
    let rating = first_hit_table("event.data.level", &[("> 1", "none")]);
    vec![
        put(DocumentKind::Destination, "s4", ""),
        put(DocumentKind::Destination, "llm", ""),
        put(DocumentKind::Lookup, "plants", "plant*,name\n1010,Walldorf\n"),
        put(DocumentKind::Table, "severity", &severity),
        put(DocumentKind::Decision, "severity", "table = \"severity\"\n"),
        put(DocumentKind::Table, "rating", &rating),
        put(DocumentKind::Decision, "rating", "table = \"rating\"\n"),
        put(DocumentKind::Action, "notify", NOTIFY),
        put(DocumentKind::Action, "batch", BATCH),
        put(DocumentKind::Action, "once", ONCE),
        put(DocumentKind::Action, "park", PARK),
    ]
}

const NOTIFY: &str = r#"
[[step]]
name = "read"
stage = "pre"
kind = "http"
destination = "s4"
method = "GET"
path = "/equipment/${{event.data.equipment}}"
retry = { base = "200ms", max = "5s" }

[[step]]
name = "create"
stage = "main"
kind = "http"
destination = "s4"
method = "POST"
path = "/Set"
body = '{"Event": "${{event.id}}", "Offset": ${{run.event_offset}}, "Name": "${{pre.read.name}}", "Ref": "${{key}}"}'
document = "d.Number"
guard = { kind = "probe", set = "/Set", field = "Ref", settle = "2s" }
retry = { base = "200ms", max = "5s" }

[[step]]
name = "check"
stage = "post"
kind = "http"
destination = "s4"
method = "GET"
path = "/documents/${{main.create.d.Number}}"
retry = { base = "200ms", max = "5s" }
"#;

const ONCE: &str = r#"
[episode]
once_per = "${{event.data.equipment}}"

[[step]]
name = "create"
stage = "main"
kind = "http"
destination = "s4"
method = "POST"
path = "/Once"
body = '{"Event": "${{event.id}}", "Offset": ${{run.event_offset}}, "Ref": "${{key}}", "Once": "${{episode.key}}"}'
document = "d.Number"
guard = { kind = "probe", set = "/Once", field = "Ref", settle = "2s" }
retry = { base = "200ms", max = "5s" }

[[step]]
name = "status"
stage = "open-check"
kind = "http"
destination = "s4"
method = "GET"
path = "/documents/${{episode.document}}"
open_while = { path = "phase", values = ["open"] }
retry = { base = "200ms", max = "5s" }

[[step]]
name = "again"
stage = "update"
kind = "http"
destination = "s4"
method = "PATCH"
path = "/documents/${{episode.document}}"
body = '{"Offset": ${{run.event_offset}}, "Count": ${{episode.count}}}'
guard = { kind = "natural" }
retry = { base = "200ms", max = "5s" }
"#;

const PARK: &str = r#"
[episode]
once_per = "${{event.data.equipment}}"

[[step]]
name = "create"
stage = "main"
kind = "http"
destination = "s4"
method = "POST"
path = "/Park"
body = '{"Event": "${{event.id}}", "Offset": ${{run.event_offset}}, "Ref": "${{key}}", "Once": "${{episode.key}}"}'
document = "d.Number"
guard = { kind = "park" }
retry = { base = "200ms", max = "5s" }

[[step]]
name = "status"
stage = "open-check"
kind = "http"
destination = "s4"
method = "GET"
path = "/documents/${{episode.document}}"
open_while = { path = "phase", values = ["open"] }
retry = { base = "200ms", max = "5s" }
"#;

const BATCH: &str = r#"
[[step]]
name = "place"
stage = "pre"
kind = "lookup"
lookup = "plants"
key = { plant = "1010" }

[[step]]
name = "rate"
stage = "pre"
kind = "decision"
table = "rating"
input = '{"level": ${{event.data.severity}}}'

[[step]]
name = "sum"
stage = "pre"
kind = "summary"
destination = "llm"
api = "openai"
model = "small"
prompt = "${{stringify(event.data)}}"
fallback = "Severity ${{event.data.severity}}."
timeout = "1s"
max_chars = 60

[[step]]
name = "create"
stage = "main"
kind = "odata"
destination = "s4"
service = "/svc"
guard = { kind = "probe", set = "Set", field = "Ref", settle = "2s" }
document = "responses[1].body.d.Number"
retry = { base = "200ms", max = "5s" }
changeset = [
  { method = "POST", path = "Parents", body = '{"Name": "${{pre.place.name}}", "Hit": ${{pre.rate.matched}}}' },
  { method = "POST", path = "Set", body = '{"Event": "${{event.id}}", "Offset": ${{run.event_offset}}, "Ref": "${{key}}", "LongText": "${{pre.sum.text}}", "Why": "${{pre.sum.why}}"}' },
]

[[step]]
name = "again"
stage = "post"
kind = "lookup"
lookup = "plants"
key = { plant = "1010" }
"#;
