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
