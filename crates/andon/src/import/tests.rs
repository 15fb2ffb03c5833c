//! Whole imports: small exports in, documents and report out.

use proptest::prelude::*;

use super::report::Entry;
use super::*;

const POST: &str = "4eaa8eda-1329-4cb8-8d19-174c2e06cd3f";
const HEADER: &str =
    "ID;name;actionCategory_id;dest;method_ID;path;contentType_id;isCsrfTokenNeeded;payload;defaultActionIdPath";
const RELATIONS: &str = "ID;flowType_ID;rootAction_ID;action_ID";
const PRE: &str = "5afa4651-b380-4ece-b668-6b1a27bbc2b0";

fn run(files: &[(&str, &str)]) -> Import {
    let file = |(label, text): &(&str, &str)| InputFile { label: (*label).into(), bytes: Some((*text).into()) };
    import(&files.iter().map(file).collect::<Vec<_>>(), Way::Btp).unwrap()
}

fn text<'a>(import: &'a Import, path: &str) -> &'a str {
    let found = import.documents.iter().find(|document| document.path() == path);
    let paths: Vec<String> = import.documents.iter().map(Document::path).collect();
    &found.unwrap_or_else(|| panic!("{path} is not among {paths:?}")).text
}

fn story(import: &Import) -> String {
    let line = |e: &Entry| format!("{} {} [{}] {}: {}", e.object, e.name, e.outcome.as_str(), e.place, e.story());
    import.report.entries.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn actions(rows: &[&str]) -> String {
    std::iter::once(HEADER).chain(rows.iter().copied()).collect::<Vec<_>>().join("\n")
}

#[test]
fn steps_stand_in_the_order_in_which_they_are_read() {
    let rows = actions(&[
        &format!(
            "m;Report;ROOT;S4;{POST};/API_MAINTNOTIFICATION/MaintenanceNotification;JSON;true;\"{{\"\"A\"\": \"\"${{{{pre.r2.x}}}}\"\"}}\";"
        ),
        &format!("c1;Reads;CHILD;X;{POST};/a;JSON;false;\"{{\"\"B\"\": \"\"${{{{pre.r2.y}}}}\"\"}}\";"),
        "c2;Is read;CHILD;X;d22d9f12-3e2f-4640-ad42-74818cb7d649;/b;;;;",
    ]);
    let relations = format!("{RELATIONS}\nr1;{PRE};m;c1\nr2;{PRE};m;c2");
    let import = run(&[("Actions.csv", &rows), ("prepostActions.csv", &relations)]);
    let action = text(&import, "actions/report.toml");
    let names: Vec<&str> = action.lines().filter_map(|line| line.strip_prefix("name = ")).collect();
    assert_eq!(names, ["\"is-read\"", "\"reads\"", "\"report\""]);
    for part in [
        "${{pre.is-read.x}}",
        "${{pre.is-read.y}}",
        "\"MaintNotifExtReferenceNumber\": \"${{key}}\"",
        "kind = \"park\"",
        "csrf = true",
    ] {
        assert!(action.contains(part), "{part} is not in {action}");
    }
}

#[test]
fn rows_that_cannot_be_carried_over_are_named() {
    let check = |files: &[(&str, &str)], expect: &str| {
        let found = story(&run(files));
        assert!(found.contains(expect), "{expect:?} is not in {found}");
    };
    let one = |row: &str| actions(&[row]);
    check(
        &[("Actions.csv", &one("a;A;OTHER;S4;;/;;;;"))],
        "Actions.csv line 2 column actionCategory_id: \"OTHER\" is no category",
    );
    check(&[("Actions.csv", &one("a;A;ROOT;;m;/;;;;"))], "Actions.csv line 2 column dest: the cell is empty");
    check(&[("Actions.csv", &one("a;A;ROOT;S4;m;/;;;;"))], "column method_ID: no method has the identifier m");
    check(&[("Actions.csv", &one(&format!("a;A;ROOT;S4;{POST};/;TEXT;;;")))], "TEXT is no content type");
    check(&[("Actions.csv", &one(&format!("a;A;ROOT;S4;{POST};/;;maybe;;")))], "\"maybe\" is neither true nor false");
    check(&[("Actions.csv", &one(&format!("a;A;CHILD;S4;{POST};/;;;;")))], "action A [not needed] Actions.csv line 2");
    check(
        &[("prepostActions.csv", &format!("{RELATIONS}\nr;{PRE};a;b"))],
        "column rootAction_ID: a is not among the main actions",
    );
    check(
        &[("Actions.csv", "ID;name\n1\n")],
        "file Actions.csv [skipped] Actions.csv: Actions.csv line 2: 1 cells where",
    );
    check(&[("t.csv", "A;ActionId\nx;7\n")], "t.csv line 2 column ActionId: 7 is not among the main actions");
    check(&[("t.csv", "A;ActionId\n> 'x';\n")], "t.csv line 2 column A: \"> 'x'\" orders texts");
    check(&[("other.json", "{}")], "neither its name nor its @odata.context");
}

/// A main action with one pre action of this path and payload, the first of its templates reading `reads`.
fn with_pre(path: &str, payload: &str, reads: &str) -> Vec<(&'static str, String)> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let main = quoted(&format!("{{\"A\": \"{reads}\"}}"));
    let rows = actions(&[
        &format!("m;Report;ROOT;S4;{POST};/x;JSON;;{main};"),
        &format!("c;Ask;CHILD;X;{POST};{path};JSON;;{};", quoted(payload)),
    ]);
    vec![("Actions.csv", rows), ("prepostActions.csv", format!("{RELATIONS}\nr1;{PRE};m;c"))]
}

/// What stands in the action after the import of these, and of a table.
fn check_pre(files: &[(&'static str, String)], table: Option<(&str, &str)>, expect: &[&str]) {
    let mut all: Vec<(&str, &str)> = files.iter().map(|(label, text)| (*label, text.as_str())).collect();
    all.extend(table);
    let import = run(&all);
    let action = text(&import, "actions/report.toml");
    for part in expect {
        assert!(action.contains(part), "{part} is not in {action}\n{}", story(&import));
    }
}

const ASKS: &str = r#"{"RuleServiceId": "1", "Vocabulary": [{"Info": {"Bucket": "${{event.data.b}}"}}]}"#;

#[test]
fn a_pre_action_becomes_what_its_payload_asks_for() {
    let reads = "${{pre.r1.Result[0].Out.Plant}}";
    let asks = with_pre("/v2/rule-services", ASKS, reads);
    check_pre(
        &asks,
        None,
        &["kind = \"decision\"", "destination = \"x\"", "path = \"/v2/rule-services\"", "pre.ask.Result[0].Out.Plant"],
    );
    let equal = "Info.Bucket,Out.Plant\n= 'a','1010'\n= 'b','1110'\n";
    check_pre(
        &asks,
        Some(("Plants.csv", equal)),
        &["kind = \"lookup\"\nlookup = \"plants\"", "pre.ask.Plant}}", "key = { Bucket = \"${{event.data.b}}\" }"],
    );
    let ordered = "Info.Bucket,Out.Plant\n>= 5,'1010'\n";
    check_pre(
        &asks,
        Some(("Plants.csv", ordered)),
        &[
            "kind = \"decision\"\ntable = \"plants\"",
            "input = '{\"Bucket\": ${{event.data.b}}}'",
            "pre.ask.output.Plant",
        ],
    );
    let twice = "Info.Bucket,Out.Plant\n= 'a','1010'\n= 'a','1110'\n";
    check_pre(
        &asks,
        Some(("Plants.csv", twice)),
        &["table = \"plants\"", "input = '{\"Bucket\": \"${{event.data.b}}\"}'"],
    );
    let other = "Other.Column,Out.Plant\n= 'a','1010'\n";
    check_pre(&asks, Some(("Plants.csv", other)), &["kind = \"decision\"", "destination = \"x\""]);
}

#[test]
fn a_language_model_is_a_summary_only_when_its_text_alone_is_read() {
    let payload = r#"{"messages": [{"role": "user", "content": "Why ${{event.data.b}}?"}], "model": "m"}"#;
    let call = |reads: &str| with_pre("/chat/completions", payload, reads);
    let summary = ["kind = \"summary\"", "api = \"openai\"", "model = \"m\"", "\"A\": \"${{pre.ask.text}}\""];
    check_pre(&call("${{pre.r1.choices[0].message.content}}"), None, &summary);
    check_pre(
        &call("${{pre.r1.usage.total_tokens}}"),
        None,
        &["kind = \"http\"", "natural", "pre.ask.usage.total_tokens"],
    );
}

#[test]
fn change_sets_and_uploads_become_steps_of_their_kinds() {
    let set = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\n\
               POST MaintenanceNotification HTTP/1.1\r\n\r\n{\"NotificationType\": \"M1\"}\r\n--c--\r\n--b--";
    let batch = with_pre("/API_MAINTNOTIFICATION/$batch", set, "x");
    let expect = [
        "changeset = [",
        "\"MaintNotifExtReferenceNumber\": \"${{key}}\"",
        "responses[0].body.d.MaintenanceNotification",
        "kind = \"probe\"",
    ];
    check_pre(&batch, None, &expect);
    let upload = with_pre("/API_CV_ATTACHMENT_SRV/AttachmentContentSet", "{}", "x");
    check_pre(&upload, None, &["kind = \"attachment\"", "attachment = ", "kind = \"park\""]);
}

#[test]
fn actions_that_read_each_other_are_told() {
    let rows = actions(&[
        &format!("m;Report;ROOT;S4;{POST};/x;JSON;;{{}};"),
        &format!("c1;One;CHILD;X;{POST};/${{{{pre.r2.a}}}};JSON;;{{}};"),
        &format!("c2;Two;CHILD;X;{POST};/${{{{pre.r1.a}}}};JSON;;{{}};"),
    ]);
    let import =
        run(&[("Actions.csv", &rows), ("prepostActions.csv", &format!("{RELATIONS}\nr1;{PRE};m;c1\nr2;{PRE};m;c2"))]);
    let told = story(&import);
    assert!(
        told.contains("Actions.csv line 3 column path: this action and others of its stage read each other"),
        "{told}"
    );
}

#[test]
fn a_table_reads_what_the_default_action_sends() {
    let rows = actions(&[
        &format!(
            "d;Determine;DEFAULT;RULES;{POST};/v2/rule-services;JSON;;\"{{\"\"RuleServiceId\"\": \"\"1\"\", \"\"Vocabulary\"\": \
             [{{\"\"Info\"\": {{\"\"System\"\": \"\"${{{{event.data.origin}}}}\"\"}}}}]}}\";Result[0].Out.Id"
        ),
        &format!("m1;Report fault;ROOT;S4;{POST};/x;JSON;;{{}};"),
    ]);
    let import = run(&[
        ("Actions.csv", &rows),
        ("Choose.csv", "Info.System,Level,Out.Id,Out.Priority\n= 'OPC',>= 3,m1,'2'\nMQTT,,m1,\n"),
    ]);
    let table = text(&import, "tables/choose.json");
    for part in [
        r#""field": "event.data.origin""#,
        r#""field": "event.data.Level""#,
        r#""field": "Priority""#,
        r#""c1": "\"OPC\"", "c2": ">= 3", "c3": "\"report-fault\"", "c4": "\"2\"""#,
        r#""c1": "", "c2": "", "c3": "\"none\"""#,
    ] {
        assert!(table.contains(part), "{part} is not in {table}");
    }
    assert!(
        story(&import).contains("Choose.csv line 1 column Level: the default action does not fill it"),
        "{}",
        story(&import)
    );
    assert!(text(&import, "decisions/choose.toml").contains("andon.framework.event"));
    assert!(!import.documents.iter().any(|d| d.path().contains("rules")), "the decision service is not called");
}

#[test]
fn the_pages_name_every_object_once() {
    let import = run(&[("t.csv", "A;ActionId\n'*_x';9\n")]);
    let page = report_page(&import.report, &[]);
    for part in ["## To complete", "t.csv line 2 column ActionId", "`andon check` finds nothing"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(readme("plant", &import.documents).contains("| `decisions/t.toml` |"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_imported_or_reported(
        actions in proptest::collection::vec(any::<u8>(), 0..300),
        table in "(ActionId|A|[;,\"'=>\\[\\]. \n]|is |IN |é|7){0,60}",
        json in "[\\[\\]{}\":,a-zID0-9]{0,60}",
    ) {
        let file = |label: &str, bytes: Vec<u8>| InputFile { label: label.into(), bytes: Some(bytes) };
        let files = [file("Actions.csv", actions), file("t.csv", table.into_bytes()), file("Actions.json", json.into_bytes())];
        let twice = (import(&files, Way::Btp).unwrap(), import(&files, Way::Own).unwrap());
        let twice = (twice.0, import(&files, Way::Btp).unwrap(), twice.1);
        prop_assert_eq!(&twice.0.documents, &twice.1.documents);
        prop_assert_eq!(twice.0.documents.len(), twice.2.documents.len());
    }

    #[test]
    fn any_cells_make_documents_that_are_toml(name in "\\PC{0,20}", path in "[ -~]{0,20}", payload in "[ -~\n]{0,60}") {
        let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let row = format!("m;{};ROOT;S4;{POST};{};JSON;true;{};", quote(&name), quote(&path), quote(&payload));
        let import = run(&[("Actions.csv", &actions(&[&row]))]);
        for document in import.documents.iter().filter(|d| d.kind.extension() == "toml") {
            prop_assert!(toml::from_str::<toml::Table>(&document.text).is_ok(), "{}", document.text);
        }
    }
}
