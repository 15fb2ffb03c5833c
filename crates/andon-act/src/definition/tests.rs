use super::*;

const GOOD: &str = r#"
description = "Create a notification"
[[step]]
name = "plant"
stage = "pre"
kind = "http"
destination = "plant-data"
method = "GET"
path = "/equipment/${{event.data.equipment}}"

[[step]]
name = "create"
stage = "main"
kind = "odata"
destination = "s4"
method = "POST"
service = "/sap/opu/odata/sap/API_MAINTNOTIFICATION"
path = "MaintenanceNotification"
guard = { kind = "probe", set = "MaintenanceNotification", field = "MaintNotifExtReferenceNumber" }
document = "d.MaintenanceNotification"
body = '{"NotificationText": "${{pre.plant.name}}", "MaintNotifExtReferenceNumber": "${{key}}"}'
"#;

fn compile(text: &str) -> Result<Action, Vec<Problem>> {
    Action::compile(&Name::new("notify").expect("a name"), text)
}

/// Changes one piece of the good action and expects one problem that contains `problem`.
fn check(from: &str, to: &str, problem: &str) {
    assert!(GOOD.contains(from), "{from:?} is not in the sample");
    let problems = compile(&GOOD.replacen(from, to, 1)).expect_err("must be refused");
    let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(texts.iter().any(|text| text.contains(problem)), "expected {problem:?} in {texts:?}");
}

#[test]
fn a_good_action_compiles_with_its_guards() {
    let action = compile(GOOD).expect("valid");
    assert_eq!(action.steps[0].guard, Guard::Natural);
    assert!(matches!(&action.steps[1].guard, Guard::Probe(probe) if probe.settle == guard::default_settle()));
    let destinations: Vec<_> = action.destinations().map(Name::as_str).collect();
    assert_eq!(destinations, ["plant-data", "s4"]);
}

#[test]
fn faults_name_file_step_and_remedy() {
    check("stage = \"pre\"", "stage = \"before\"", "actions/notify.toml line 5 column 9");
    check("kind = \"http\"", "kind = \"http\"\ncolour = 1", "colour");
    check("method = \"GET\"", "method = \"FETCH\"", "step plant): \"FETCH\" is not a method");
    check("name = \"create\"", "name = \"plant\"", "the name is used by an earlier step");
    check("name = \"create\"", "name = \"cre.ate\"", "a step's name has no dot");
    check("service = \"/sap/opu/odata/sap/API_MAINTNOTIFICATION\"", "", "an odata step names its service");
    check("guard = {", "# guard = {", "say how a lost POST is found out");
    check("\"${{key}}\"", "\"4711\"", "must send it: \"MaintNotifExtReferenceNumber\": \"${{key}}\"");
    check("pre.plant.name", "pre.plan.name", "names no earlier pre step \"plan\"");
    check("path = \"/equipment", "path = \"equipment", "path must begin with /");
}

#[test]
fn faults_of_templates_name_their_place_in_the_file() {
    let place = "(actions/notify.toml line 21 column 31, step create body)";
    check("pre.plant.name", "pre.plan.name", place);
    check("pre.plant.name", "pre.plant.name | shout", "line 21 column 51, step create body)");
    check("/equipment/${{event", "/equipm\\u0065nt/${{evnt", "line 9 column 28, step plant path)");
    let lines = "body = '''\n{\n  \"A\": \"${{event.data.x | shout}}\",\n  ";
    let text = GOOD.replace("body = '{", lines).replace("\"${{key}}\"}'", "\"${{key}}\"}'''");
    let problems = compile(&text).expect_err("there is no such filter");
    assert_eq!(problems[0].place.as_deref(), Some("actions/notify.toml line 23 column 27, step create body"));
}

#[test]
fn what_follows_from_a_fault_is_not_told() {
    let problems = compile(&GOOD.replace("event.data.equipment", "evnt.data.equipment")).expect_err("must be refused");
    assert_eq!(problems.len(), 1, "the step that reads the answer is not at fault: {problems:?}");
}

/// Steps that stand for their kind, each complete.
const KINDS: &str = r#"
[[step]]
name = "look"
stage = "pre"
kind = "lookup"
lookup = "plants"
key = { plant = "1" }
[[step]]
name = "rate"
stage = "pre"
kind = "decision"
table = "severity"
[[step]]
name = "sum"
stage = "pre"
kind = "summary"
destination = "llm"
api = "openai"
model = "m"
prompt = "p"
fallback = "f"
[[step]]
name = "set"
stage = "main"
kind = "odata"
destination = "s4"
service = "/svc"
guard = { kind = "probe", set = "Set", field = "Ref" }
changeset = [{ method = "POST", path = "Set", body = '{"Ref": "${{key}}", "T": "${{pre.sum.text}}"}' }]
[[step]]
name = "image"
stage = "post"
kind = "attachment"
destination = "s4"
service = "/att"
attachment = "${{event.data.digest}}"
file_name = "${{key}}.png"
guard = { kind = "probe", list = "All", field = "FileName" }
[[step]]
name = "close"
stage = "post"
kind = "odata-v4"
destination = "s4"
service = "/v4"
method = "PATCH"
path = "Set('1')"
if_match = "read"
"#;

/// Changes one piece of the kinds and expects one problem that contains `problem`.
fn check_kind(from: &str, to: &str, problem: &str) {
    assert!(KINDS.contains(from), "{from:?} is not in the sample");
    let problems = compile(&KINDS.replacen(from, to, 1)).expect_err("must be refused");
    let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(texts.iter().any(|text| text.contains(problem)), "expected {problem:?} in {texts:?}");
}

#[test]
fn every_kind_compiles() {
    let action = compile(KINDS).expect("valid");
    assert_eq!(action.destinations().map(Name::as_str).collect::<Vec<_>>(), ["llm", "s4", "s4", "s4"]);
    assert_eq!(action.decisions().map(Name::as_str).collect::<Vec<_>>(), ["severity"]);
    let lookups: Vec<_> = action.lookups().map(|(name, key)| (name.as_str(), key.count())).collect();
    assert_eq!(lookups, [("plants", 1)]);
    assert_eq!(action.steps.iter().map(Step::is_changing).collect::<Vec<_>>(), [false, false, false, true, true, true]);
}

#[test]
fn options_belong_to_their_kinds() {
    check_kind("lookup = \"plants\"", "lookup = \"plants\"\npath = \"/x\"", "step look): path belongs to http, odata");
    check_kind("table = \"severity\"", "table = \"severity\"\nbody = \"{}\"", "body belongs to http, odata");
    check_kind(
        "table = \"severity\"",
        "table = \"severity\"\ndestination = \"r\"",
        "table belongs to decision (by table)",
    );
    check_kind("table = \"severity\"", "", "a decision (by table) step names its table");
    check_kind("fallback = \"f\"", "", "a summary step names its fallback");
    check_kind("fallback = \"f\"", "fallback = \"f\"\nguard = { kind = \"natural\" }", "guard belongs to http, odata");
    check_kind("file_name = \"${{key}}.png\"", "", "an attachment step names its file_name");
    check_kind("if_match = \"read\"", "if_match = \"guess\"", "unknown variant `guess`, expected `read`");
    check_kind("if_match = \"read\"", "service = \"/v4\"", "duplicate key");
}

#[test]
fn values_have_their_limits() {
    check_kind("method = \"PATCH\"", "method = \"MERGE\"", "OData V4 has no MERGE");
    check_kind("method = \"PATCH\"", "method = \"GET\"", "if_match belongs to PATCH, MERGE, PUT and DELETE");
    check_kind(
        "if_match = \"read\"",
        "if_match = \"read\"\nheaders = { If-Match = \"*\" }",
        "leave the header If-Match out",
    );
    check_kind("if_match = \"read\"", "", "say how a lost PATCH is found out");
    check_kind(
        "changeset = [{ method = \"POST\"",
        "changeset = [{ method = \"GET\"",
        "part 1: \"GET\" changes nothing",
    );
    check_kind("path = \"Set\"", "path = \"/Set\"", "part 1: its path stands below the service");
    check_kind("service = \"/svc\"", "service = \"/svc\"\npath = \"x\"", "leave path out");
    check_kind("service = \"/svc\"", "service = \"/svc\"\nmethod = \"PUT\"", "it is sent by POST, not by PUT");
    check_kind(
        "guard = { kind = \"probe\", set = \"Set\", field = \"Ref\" }",
        "",
        "say how a lost change set is found out",
    );
    check_kind("fallback = \"f\"", "fallback = \"f\"\ntimeout = \"61s\"", "at most 60 seconds");
    check_kind("fallback = \"f\"", "fallback = \"f\"\nmax_chars = 0", "max_chars is 1 to");
    check_kind("api = \"openai\"", "api = \"anthropic\"\ntoken_limit = \"max_tokens\"", "belongs to api = \"openai\"");
    check_kind("fallback = \"f\"", "fallback = \"f\"\nredact = [\"event.data.x | upper\"]", "is not a path");
    check_kind(
        "fallback = \"f\"",
        "fallback = \"f\"\nredact = [\"pre.other.x\"]",
        "names no earlier pre step \"other\"",
    );
    check_kind("model = \"m\"", "", "names its model");
    check_kind("file_name = \"${{key}}.png\"", "file_name = \"a.png\"", "file_name must hold it");
    check_kind("list = \"All\", ", "", "either the set that is searched or the list");
    check_kind("field = \"FileName\"", "field = \"FileName\", value = \"a.png\"", "the same for every run");
}

#[test]
fn a_models_text_stays_a_text() {
    let refused = "is written by a model";
    check_kind("\"T\": \"${{pre.sum.text}}\"", "\"T\": ${{pre.sum.text}}", refused);
    check_kind("\"${{pre.sum.text}}\"", r#""${{"1" if pre.sum.text == "x" else "2"}}""#, refused);
    check_kind("\"T\": \"${{pre.sum.text}}\"", "\"${{pre.sum.text}}\": \"\"", refused);
    let in_text = |text: &str| check_kind("\"T\": \"${{pre.sum.text}}\"", &format!("\"T\": \"{text}\""), refused);
    in_text(r#"{\"text\": \"${{pre.sum.text}}\"}"#);
    in_text("<note>${{pre.sum.text}}</note>");
    check_kind("path = \"Set\"", "path = \"Set('${{pre.sum.text}}')\"", refused);
    check_kind("path = \"Set('1')\"", "path = \"Set('${{pre.sum.text}}')\"", refused);
    check_kind("file_name = \"${{key}}", "file_name = \"${{pre.sum.text}}${{key}}", refused);
    check_kind("list = \"All\"", "list = \"All\", query = { a = \"${{pre.sum.text}}\" }", refused);
    let later = "fallback = \"f\"\n[[step]]\nname = \"again\"\nstage = \"pre\"\nkind = \"decision\"\ntable = \"t\"\ninput = '\"${{pre.sum.text}}\"'";
    check_kind("fallback = \"f\"", later, refused);
}
