//! Single rules: one change of the good scenario and the whole message that it leads to.

use andon_model::Severity;

use crate::scenario::Scenario;

const NOTIFY: &str = "actions/notify.toml";
const ALARM: &str = "actions/alarm.toml";

fn check(file: &str, from: &str, to: &str, severity: Severity, expect: &str) {
    let findings = Scenario::good().with(file, from, to).check();
    let texts: Vec<String> = findings.iter().map(|finding| finding.problem.to_string()).collect();
    assert_eq!(texts, [expect], "for {to:?}");
    assert_eq!(findings[0].severity, severity, "for {to:?}");
}

const KEYED: &str = "a file is made in a set: leave out the key of AttachmentContentSet";

const MISMATCH: &str = "AND-2008: the action does not fit the service's metadata";
const REFERENCE: &str = "AND-2002: the configuration names something that does not exist";

#[test]
fn messages_name_file_line_field_and_rule() {
    let error = |file: &str, from: &str, to: &str, expect: &str| check(file, from, to, Severity::Error, expect);
    error(
        "tables/device.json",
        "Anomaly, please inspect",
        "An anomaly, please go there and inspect it soon",
        &format!(
            "{MISMATCH} (actions/notify.toml line 36): ShortText takes 40 characters, row 2 of decision device gives 47"
        ),
    );
    error(
        NOTIFY,
        "\"DownHours\"",
        "\"DownHuors\"",
        &format!(
            "{MISMATCH} (actions/notify.toml line 42): Notification has no property DownHuors; did you mean DownHours?"
        ),
    );
    error(
        NOTIFY,
        "\"1.500\"",
        "1.500",
        &format!(
            "{MISMATCH} (actions/notify.toml line 42): DownHours: 1.500 is not a value of it; it is Edm.Decimal: a text \
             in JSON, as in \"13.5\""
        ),
    );
    error(
        NOTIFY,
        "field = \"Reference\"",
        "field = \"ShortReference\"",
        &format!(
            "{MISMATCH} (actions/notify.toml line 32): ShortReference takes 10 characters, this gives 20: the guard \
             could not find the document again"
        ),
    );
    error(
        NOTIFY,
        "{{decision.priority",
        "{{decision.prioritty",
        &format!(
            "{REFERENCE} (actions/notify.toml line 38): ${{{{decision.prioritty}}}}: decision device has no output \
             prioritty; did you mean priority?"
        ),
    );
    error(
        "tables/device.json",
        "\"p\": \"\\\"1\\\"\"",
        "\"p\": \"\"",
        &format!(
            "{REFERENCE} (actions/notify.toml line 38): ${{{{decision.priority}}}}: row 1 of decision device asks for \
             the action and leaves priority empty"
        ),
    );
}

#[test]
fn messages_name_what_an_episode_a_change_set_and_a_file_need() {
    let error = |from: &str, to: &str, line: usize, expect: &str| {
        let expect = format!("{MISMATCH} (actions/alarm.toml line {line}): {expect}");
        check(ALARM, from, to, Severity::Error, &expect);
    };
    error(
        "\"X\"]",
        "\"open\"]",
        15,
        "open_while: d.Phase is never \"open\", so the document would be taken for closed: it has 2 characters at most, not 4",
    );
    error("Number,Phase,", "Number,", 15, "open_while d.Phase: the query's $select does not ask for Phase");
    error(
        "document = \"responses[0]",
        "document = \"responses[2]",
        62,
        "document responses[2].body.d.Number: the change set has 2 parts: [2] is none of them, the first is [0]",
    );
    error("file_name =", "path = \"AttachmentContentSet('1')\"\nfile_name =", 89, KEYED);
    error(
        "${{key}}.png",
        "picture-${{key}}.png",
        89,
        "FileName takes 24 characters, this gives 32: the guard could not find the document again",
    );
}

#[test]
fn what_may_work_is_a_warning() {
    let warning = |file: &str, from: &str, to: &str, expect: &str| check(file, from, to, Severity::Warning, expect);
    warning(
        "lookups/site.csv",
        "PM-CONV",
        "PM-CONVEYOR",
        &format!(
            "{MISMATCH} (actions/notify.toml line 54): DamageGroup takes 8 characters, row hall-3 of lookup site gives 11"
        ),
    );
    warning(
        NOTIFY,
        "{{decision.text | left(20)",
        "{{event.data.text | left(21)",
        &format!(
            "{MISMATCH} (actions/notify.toml line 54): ItemText takes 20 characters, the template lets up to 21 through"
        ),
    );
    warning(
        "tables/crew.json",
        "Early crew",
        "Early crew of assembly",
        &format!(
            "{MISMATCH} (actions/alarm.toml line 80): ItemText takes 20 characters, row 1 of decision crew gives 22"
        ),
    );
}

#[test]
fn what_is_not_known_is_not_reported() {
    let good = |file: &str, from: &str, to: &str| {
        let found = Scenario::good().with(file, from, to).check();
        assert_eq!(found, [], "for {to:?}");
    };
    good(NOTIFY, "\"Priority\": \"${{decision.priority}}\"", "\"Priority\": \"${{event.data.priority}}\"");
    good(NOTIFY, "\"Repeats\": 3", "\"Repeats\": ${{event.data.count}}");
    good(NOTIFY, "\"${{decision.text}}\"", "\"${{decision.text | left(40)}}\"");
    good(NOTIFY, "{{decision.priority", "{{decision.urgency | default('1')");
    good(NOTIFY, "\"Repeats\": 3", "\"Repeats\": null");
    good(NOTIFY, "path = \"Notifications('${{main.create.d.Number}}')\"", "path = \"${{event.data.path}}\"");
    good("tables/device.json", "\"p\": \"\\\"1\\\"\"", "\"p\": \"event.data.priority\"");
    good(
        "tables/device.json",
        "\"Failure ahead, stop safely\\\"",
        "\"Failure ahead: \\\" + event.data.very_long_reason_of_it + \\\"\\\"",
    );
    // A row that asks for no action may say whatever it likes.
    good(
        "tables/device.json",
        "\"a\": \"\\\"none\\\"\", \"k\": \"\"",
        "\"a\": \"\\\"none\\\"\", \"k\": \"\\\"ABCDEFG\\\"\"",
    );
}

#[test]
fn services_without_metadata_are_checked_for_references_alone() {
    let mut scenario =
        Scenario::good().with(NOTIFY, "\"ShortText\": \"${{decision.text}}\"", "\"Nonsense\": \"${{decision.txt}}\"");
    scenario.documents.retain(|document| document.kind != andon_journal::DocumentKind::Metadata);
    let texts: Vec<String> = scenario.check().iter().map(|finding| finding.problem.detail.clone()).collect();
    assert_eq!(texts, ["${{decision.txt}}: decision device has no output txt; did you mean text?"]);
}
