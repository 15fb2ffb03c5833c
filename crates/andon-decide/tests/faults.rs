//! What is refused, and where it says the fault is; what is only warned of.
#![allow(clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]

mod common;

use andon_model::Severity;
use common::{compile, compile_with, document, rows, table, table_content, told};
use serde_json::{Value, json};

const DECISION: &str = "table = 't'\n[lookups.asset]\ntable = 'equipment'\nkey = ['event.data.equipment']\n";

fn refused(table: &str, expect: &[&str]) {
    let findings = compile_with(DECISION, table).err().unwrap_or_else(|| panic!("must be refused: {table}"));
    assert!(findings.iter().all(|(severity, _)| *severity == Severity::Error));
    assert_eq!(told(&findings), expect, "for {table}");
}

fn refused_decision(decision: &str, expect: &[&str]) {
    let good = table("first", &["event.data.a"], &["action"], &[&["", "'x'"]]);
    let findings = compile_with(decision, &good).err().unwrap_or_else(|| panic!("must be refused: {decision}"));
    assert_eq!(told(&findings), expect, "for {decision}");
}

#[test]
fn references_that_lead_nowhere() {
    refused_decision("table = 'u'\n", &["decisions/d.toml line 1 column 9: there is no tables/u.json"]);
    refused_decision(
        "table = 't'\n[lookups.x]\ntable = 'y'\nkey = []\n",
        &["decisions/d.toml line 3 column 9: there is no lookups/y.csv that can be used"],
    );
    refused_decision(
        "table = 't'\n[lookups.x]\ntable = 'equipment'\nkey = ['event.id', 'asset.id +']\n",
        &[
            "decisions/d.toml line 3 column 9: the key has 2 parts, but lookup equipment is keyed by equipment",
            "decisions/d.toml line 4 column 20: position 11: Unexpected end of unary expression",
        ],
    );
    refused_decision(
        "table = 't'\n[[cases]]\nname = 'n'\nevent = { id = '1' }\nexpect = {}\n",
        &["decisions/d.toml line 2 column 1: the event of case \"n\" is not a CloudEvent: missing field `source`"],
    );
}

#[test]
fn documents_that_are_not_jdm() {
    refused("{\n  \"nodes\": [,]\n}", &["tables/t.json line 2 column 13: expected value"]);
    refused("{}", &["tables/t.json: not a JDM document: it needs the lists \"nodes\" and \"edges\""]);
    refused(
        &json!({"nodes": [], "edges": []}).to_string(),
        &["tables/t.json: the nodes do not form a decision: Invalid input node count: 0"],
    );
    refused(
        &json!({"nodes": [{"id": "a", "name": "A", "type": "inputNode"}], "edges": []}).to_string(),
        &[
            "tables/t.json: there is no decision table in it",
            "tables/t.json: no output column \"action\": it names the action to run, \"none\" for none",
        ][..1],
    );
}

#[test]
fn nodes_that_run_code_or_read_files() {
    let with = |kind: &str| {
        let mut doc: Value = serde_json::from_str(&table("first", &["event.id"], &["action"], &[])).expect("JSON");
        doc["nodes"].as_array_mut().expect("nodes").push(json!({"id": "n", "name": "N", "type": kind, "content": {}}));
        doc.to_string()
    };
    let code = "and a decision runs";
    for (kind, why) in [
        ("functionNode", code),
        ("customNode", code),
        ("decisionNode", "reads no files"),
        ("httpNode", "no network calls"),
        ("magicNode", "are not known"),
    ] {
        let findings = told(&compile(&with(kind)).expect_err("refused"));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].starts_with("tables/t.json node \"N\": ") && findings[0].contains(why), "{findings:?}");
    }
    refused(&with("expressionNode"), &["tables/t.json node \"N\": missing field `expressions`"]);
}

#[test]
fn tables_with_faults() {
    let cell =
        |input: &str, output: &str| table("first", &["event.data.a"], &["action"], &[&["", "'x'"], &[input, output]]);
    let at = "tables/t.json row 2, column";
    refused(&cell("> ", "'x'"), &[&format!("{at} \"event.data.a\": position 2: Expected a literal")]);
    refused(
        &cell("rain", "'x'"),
        &[&format!(
            "{at} \"event.data.a\": position 1: rain is not there to read (asset, event is); a text needs quotes: \"rain\""
        )],
    );
    refused(
        &cell("", "asset.plnt"),
        &[&format!("{at} \"action\": position 1: asset has no column plnt; it has location, plant")],
    );
    refused(
        &cell("", "\"No Name\""),
        &[&format!(
            "{at} \"action\": \"No Name\" is not a name: use 1 to 80 of a-z, 0-9, '-', '_', '.', starting with a letter or digit"
        )],
    );
    refused(
        &cell("rand(5) > 2", "'x'"),
        &[&format!(
            "{at} \"event.data.a\": position 1: rand() gives another number each time; the same event must always decide the same"
        )],
    );
    refused(
        &table("first", &["event.data.a +"], &["action"], &[]),
        &["tables/t.json column \"event.data.a +\": position 15: Unexpected end of unary expression"],
    );
    refused(
        &table("unique", &[], &["action"], &[]),
        &["tables/t.json: hit policy \"unique\" is not known: use \"first\" or \"collect\""],
    );
    refused(
        &table("first", &[], &["text"], &[]),
        &["tables/t.json: no output column \"action\": it names the action to run, \"none\" for none"],
    );
    refused(
        &table("first", &[], &["action", "event.x"], &[]),
        &["tables/t.json column \"event.x\": an output cannot be called event: that is what the table reads"],
    );
    refused(
        &table("first", &[], &["action", "a.b", "a"], &[]),
        &["tables/t.json column \"a\": two output columns write to a.b"],
    );
    refused(
        &table("first", &[], &["action", ""], &[]),
        &["tables/t.json column \"\": an output column needs a field, such as action or notification.text"],
    );
}

#[test]
fn rows_that_are_not_rows_of_texts() {
    let mut doc: Value = serde_json::from_str(&cell_free()).expect("JSON");
    doc["nodes"][1]["content"]["rules"] = json!([{"i0": 5}, "row"]);
    refused(
        &doc.to_string(),
        &[
            "tables/t.json row 1, column \"event.data.a\": a cell is a text that holds an expression, not 5: write \"5\"",
            "tables/t.json row 2: a row is an object of cell texts by column id",
        ],
    );
    doc["nodes"][1]["content"]["rules"] = json!([]);
    doc["nodes"][1]["content"]["outputs"][0]["id"] = json!("i0");
    refused(&doc.to_string(), &["tables/t.json column \"action\": the column's id \"i0\" is empty or used twice"]);
}

fn cell_free() -> String {
    table("first", &["event.data.a"], &["action"], &[])
}

#[test]
fn nodes_that_are_not_connected() {
    let mut doc: Value = serde_json::from_str(&cell_free()).expect("JSON");
    doc["edges"] = json!([]);
    refused(
        &doc.to_string(),
        &[
            "tables/t.json node \"T\": no connection leads here from the input node",
            "tables/t.json node \"Out\": no connection leads here from the input node",
        ],
    );
    doc["edges"] = json!([{"id": "e", "sourceId": "in", "targetId": "nowhere"}]);
    refused(&doc.to_string(), &["tables/t.json: the nodes do not form a decision: Missing node"]);
}

#[test]
fn limits() {
    let many: Vec<Vec<String>> = vec![vec!["'x'".to_owned()]; 10_001];
    refused(
        &document(&table_content("first", &[], &["action"], &many)).to_string(),
        &["tables/t.json: 10001 rows and 1 columns, at most 10000 and 200 are allowed"],
    );
    let wide = vec!["event.id"; 200];
    refused(
        &table("first", &wide, &["action"], &[]),
        &["tables/t.json: 0 rows and 201 columns, at most 10000 and 200 are allowed"],
    );
    let long = format!("'{}'", "x".repeat(4_100));
    refused(
        &table("first", &[], &["action"], &[&[&long]]),
        &[
            "tables/t.json row 1, column \"action\": position 1: the expression has 4102 bytes, at most 4096 are allowed",
        ],
    );
    let nodes = vec![json!({"id": "a", "name": "A", "type": "inputNode"}); 51];
    refused(&json!({"nodes": nodes, "edges": []}).to_string(), &["tables/t.json: 51 nodes, at most 50 are allowed"]);
    refused(
        &" ".repeat(8 * 1024 * 1024 + 1),
        &["tables/t.json: the table has 8388609 bytes, at most 8388608 are read"],
    );
}

/// Warnings of a table over `event.data.a`, `event.data.b` and `asset`, with one output `action`.
fn warned(policy: &str, cells: &[&[&str]], expect: &[&str]) {
    let text = document(&table_content(policy, &["event.data.a", "event.data.b", "asset"], &["action"], &rows(cells)));
    let model = compile(&text.to_string()).unwrap_or_else(|f| panic!("{cells:?}: {:?}", told(&f)));
    let findings = model.check();
    assert!(findings.iter().all(|(severity, _)| *severity == Severity::Warning));
    assert_eq!(told(&findings), expect, "for {cells:?}");
}

#[test]
fn gaps_are_told_with_an_example() {
    warned("first", &[&["> 5", "", "", "'x'"], &["", "", "", "'none'"]], &[]);
    warned("first", &[&["> 5", "", "", "'x'"], &["<= 5", "", "", "'y'"]], &[]);
    warned(
        "first",
        &[&["> 5", "", "", "'x'"], &["< 5", "", "", "'y'"]],
        &["tables/t.json: no row covers event.data.a = 5"],
    );
    warned("first", &[&["", "", "!= null", "'x'"]], &["tables/t.json: no row covers asset not listed"]);
    warned("first", &[&["", "", "!= null", "'x'"], &["", "", "null", "'y'"]], &[]);
    warned(
        "collect",
        &[&["", "'on'", "", "'x'"], &["", "'off'", "", "'y'"]],
        &["tables/t.json: no row covers event.data.b = \"other\""],
    );
    warned("first", &[&["", "true", "", "'x'"], &["", "false", "", "'y'"]], &[]);
    warned("first", &[&["> 5", "", "", "'x'"], &["len($) > 2", "", "", "'y'"]], &[]);
    warned("first", &[&["null", "", "", "'x'"], &["!= null", "", "", "'y'"]], &[]);
    warned("first", &[], &["tables/t.json: no row covers any input"]);
}

#[test]
fn rows_that_never_hit_are_told() {
    warned(
        "first",
        &[&["> 5", "", "", "'x'"], &["> 7", "", "", "'y'"], &["", "", "", "'none'"]],
        &[
            "tables/t.json row 2: row 2 never fires: row 1 already matches every input it matches, for example {\"event\":{\"data\":{\"a\":8}}}",
        ],
    );
    warned(
        "first",
        &[&["[5..3]", "", "", "'x'"], &["", "", "", "'none'"]],
        &["tables/t.json row 1: this condition can never match, so row 1 never fires"],
    );
}

#[test]
fn rows_whose_order_matters_are_told() {
    warned(
        "first",
        &[&["> 5", "", "", "'x'"], &["", "'on'", "", "'y'"], &["", "", "", "'none'"]],
        &[
            "tables/t.json row 2: rows 1 and 2 can both hit, for example event.data.a = 6, event.data.b = \"on\": row 1 decides because it stands first",
        ],
    );
    warned("first", &[&["> 5", "", "", "'x'"], &["", "'on'", "", "'x'"], &["", "", "", "'none'"]], &[]);
    warned("collect", &[&["> 5", "", "", "'x'"], &["", "'on'", "", "'y'"], &["", "", "", "'none'"]], &[]);
}

#[test]
fn empty_and_computed_outputs_are_told() {
    warned(
        "first",
        &[&["", "", "", ""]],
        &["tables/t.json row 1: the row puts out nothing: write \"none\" as its action if that is meant"],
    );
    warned(
        "first",
        &[&["", "", "", "event.data.action"]],
        &[
            "tables/t.json row 1, column \"action\": the action's name is computed, so whether it exists shows only when an event comes",
        ],
    );
}

#[test]
fn lookups_in_columns_are_listed_or_not() {
    let text = table("first", &["asset.plant", "asset"], &["action"], &[&["'1010'", "", "'x'"], &["", "null", "'y'"]]);
    let told_of = told(&compile(&text).expect("compiles").check());
    assert_eq!(told_of, ["tables/t.json: no row covers asset.plant = \"other\", asset listed"]);
}
