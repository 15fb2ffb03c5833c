//! Andon at an OData server that is not ours: V2 and V4, creates with children, changes with versions, a change set,
//! searches, metadata; and a kill while the answers to all of them are outstanding.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::{andon, wait_for};
use crate::plant::Plant;
use crate::stand_in::{INCIDENTS, NOTICES};

/// The documents that are there from the beginning.
const NOTICE: &str = "10000000";
const INCIDENT: &str = "70000000";

/// Every action, and the document that it changes, if it changes one.
const WISHES: [(&str, &str); 6] = [
    ("report-notice", ""),
    ("report-pair", ""),
    ("raise-priority", NOTICE),
    ("report-incident", ""),
    ("report-crew", ""),
    ("raise-severity", INCIDENT),
];

/// What a list holds under one name, without what is empty.
fn column(list: &Value, name: &str) -> Vec<String> {
    let texts = list.as_array().unwrap().iter().map(|one| one[name].as_str().unwrap_or_default());
    texts.filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

/// Each action had its effect, once; read from the server, not from Andon.
fn judge(plant: &Plant) {
    judge_notices(&plant.erp.notices("?$expand=to_Item&$orderby=Notice")["results"]);
    judge_incidents(&plant.erp.incidents("?$expand=_Person&$orderby=Incident")["value"]);
}

fn judge_notices(notices: &Value) {
    assert_eq!(count(notices), 4, "one before, one report, two of a pair: {notices}");
    let report = only(notices, "Text", "Again, after 10000000");
    assert_eq!(column(&report["to_Item"]["results"], "DamageText"), ["Guard rail", "Bolt"]);
    assert_eq!(report["Priority"], "2", "the step after the create has changed it: {report}");
    assert_eq!(column(notices, "Reference").len(), 1, "{notices}");
    only(notices, "Text", "First of two");
    only(notices, "Text", "Second of two");
    assert_eq!(only(notices, "Notice", NOTICE)["Priority"], "1");
}

fn judge_incidents(incidents: &Value) {
    assert_eq!(count(incidents), 4, "one before, one report, two of a crew: {incidents}");
    let report = only(incidents, "Title", "Oil at PRESS-7");
    assert_eq!(report["Severity"], 2, "the step after the create has changed it: {report}");
    assert_eq!(column(&report["_Person"], "Role"), ["Driver"]);
    only(incidents, "Title", "First of crew");
    only(incidents, "Title", "Second of crew");
    assert_eq!(only(incidents, "Incident", INCIDENT)["Severity"], 3);
}

fn count(list: &Value) -> usize {
    list.as_array().expect("a list").len()
}

/// The one entity of a list whose property begins so.
fn only<'l>(list: &'l Value, name: &str, begin: &str) -> &'l Value {
    let begins = |one: &&Value| one[name].as_str().is_some_and(|text| text.starts_with(begin));
    let found: Vec<&Value> = list.as_array().expect("a list").iter().filter(begins).collect();
    assert_eq!(found.len(), 1, "{name} {begin}: {list}");
    found[0]
}

fn statuses(plant: &Plant) -> Vec<String> {
    plant.runs().iter().map(|run| run["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_kind_of_request_has_its_effect_once() {
    let plant = Plant::new();
    for (wish, document) in WISHES {
        let run = plant.play(wish, document);
        let told = plant.timeline(&run);
        assert!(run["status"] == "done" && !told.contains("lost"), "{wish}: {told}");
    }
    for (wish, document) in WISHES {
        plant.deliver(wish, document);
    }
    plant.settle();
    assert_eq!(statuses(&plant), ["done"; WISHES.len()], "the same events again lead to nothing");
    judge(&plant);
}

/// All requests are done by the server, none is answered, and Andon is killed.
#[test]
fn a_kill_between_effect_and_answer_duplicates_nothing() {
    let mut plant = Plant::new();
    plant.erp.withhold(WISHES.len());
    for (wish, document) in WISHES {
        plant.deliver(wish, document);
    }
    wait_for("the answers to be kept back", || (plant.erp.withheld() == WISHES.len() as u64).then_some(()));
    plant.kill_and_restart();
    for (wish, document) in WISHES {
        plant.deliver(wish, document);
    }
    plant.settle();
    let told: Vec<String> = plant.runs().iter().map(|run| plant.timeline(run)).collect();
    assert_eq!(statuses(&plant), ["done"; WISHES.len()], "{told:#?}");
    assert!(told.iter().all(|run| run.contains("lost")), "every answer was lost: {told:#?}");
    judge(&plant);
}

#[test]
fn a_cut_connection_duplicates_nothing() {
    let plant = Plant::new();
    for (wish, document) in WISHES {
        plant.erp.cut(1);
        let run = plant.play(wish, document);
        let told = plant.timeline(&run);
        assert!(run["status"] == "done" && told.contains("lost"), "{wish}: {told}");
    }
    judge(&plant);
}

#[test]
fn who_was_overtaken_reads_again_once() {
    let plant = Plant::new();
    for (set, wish, document) in [("Notice", "raise-priority", NOTICE), ("Incident", "raise-severity", INCIDENT)] {
        plant.erp.overtake(set, 2);
        let refused = plant.play(wish, document);
        assert_eq!(refused["status"], "refused", "{}", plant.timeline(&refused));
        let told = plant.timeline(&refused);
        assert!(told.contains("412") && told.contains("somebody else has changed it"), "{told}");

        plant.erp.overtake(set, 1);
        let id = refused["id"].as_str().unwrap();
        plant.server().json(&["runs", "retry", id]);
        plant.settle();
        assert_eq!(plant.runs()[0]["status"], "done", "{}", plant.timeline(&refused));
    }
    let notice = plant.erp.notices(&format!("('{NOTICE}')"));
    assert_eq!((&notice["Priority"], &notice["Revision"]), (&json!("1"), &json!(5)), "3 others and one change");
    let incident = plant.erp.incidents(&format!("('{INCIDENT}')"));
    assert_eq!((&incident["Severity"], &incident["Revision"]), (&json!(3), &json!(5)));
}

#[test]
fn what_the_server_refuses_is_refused_in_its_words() {
    let plant = Plant::new();
    for (wish, words) in [("raise-priority", "HTTP 404"), ("raise-severity", "HTTP 404")] {
        let run = plant.play(wish, "99999999");
        let told = plant.timeline(&run);
        assert!(run["status"] == "refused" && told.contains(words), "{wish}: {told}");
    }
}

/// What `andon check` says of a scenario, and whether it is content.
fn checked(scenario: &Path) -> (bool, String) {
    let output = andon().arg("check").arg(scenario).output().unwrap();
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), told)
}

#[test]
fn configuration_is_checked_against_metadata_of_the_server() {
    let plant = Plant::new();
    let folder = plant.scenario.to_str().unwrap();
    for service in [NOTICES, INCIDENTS] {
        let output = plant.server().run(&["destinations", "metadata", "erp", "--service", service, "--save", folder]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let (content, told) = checked(&plant.scenario);
    assert!(content && !told.contains("AND-2008"), "no false alarm: {told}");

    for (action, right, wrong, finding) in [
        ("report-notice", "\"DamageText\": \"Bolt\"", "\"DamageTex\": \"Bolt\"", "DamageTex"),
        ("report-notice", "\"37.50\"", "\"37.505\"", "Share"),
        ("report-pair", "Second of two", "Second of two, of which the first stands above it", "Text takes 40"),
        ("raise-priority", "Notice('", "Notices('", "Notices"),
        ("report-incident", "\"Severity\": 1", "\"Severity\": \"1\"", "Severity"),
        ("report-incident", "field = \"Reference\"", "field = \"Referense\"", "Referense"),
        ("raise-severity", "method = \"PATCH\"", "method = \"MERGE\"", "MERGE"),
    ] {
        let file = plant.scenario.join(format!("actions/{action}.toml"));
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(right), "{action} has {right}");
        fs::write(&file, text.replace(right, wrong)).unwrap();
        let (content, told) = checked(&plant.scenario);
        assert!(!content && told.contains(finding), "{wrong} in {action}: {told}");
        fs::write(&file, text).unwrap();
    }
    assert!(checked(&plant.scenario).0);
}
