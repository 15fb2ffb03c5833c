//! What decisions say about events: rows, evidence, outputs, actions, lookups, test cases.
#![allow(clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]

mod common;

use andon_decide::DecisionModel;
use andon_model::{Code, Name};
use common::{Shelf, compile, compile_with, event, table, told};
use serde_json::{Value, json};

fn example() -> DecisionModel {
    let shelf = Shelf::default()
        .with_table("maintenance", include_str!("example/maintenance.json"))
        .with_lookup("equipment", include_str!("example/equipment.csv"));
    let name = Name::new("maintenance").expect("a name");
    DecisionModel::compile(&name, include_str!("example/maintenance.toml"), &shelf).expect("compiles")
}

#[test]
fn the_example_decides_with_evidence() {
    let model = example();
    assert_eq!(told(&model.check()), Vec::<String>::new());
    assert_eq!(told(&model.run_cases()), Vec::<String>::new());
    let named: Vec<&str> = model.actions_named().iter().map(Name::as_str).collect();
    assert_eq!(named, ["ask-planner", "create-notification"]);

    let found = model.evaluate(&event(json!({"equipment": "pump-01", "anomaly_score": 0.97}))).expect("decides");
    let asset = json!({"functional_location": "1010-CWS-01", "sap_equipment": "210100094", "plant": "1010"});
    assert_eq!(found.lookups["asset"], asset);
    assert_eq!(found.actions, [(Name::new("create-notification").expect("a name"), 0)]);
    let [row] = found.rows.as_slice() else { panic!("one row: {found:?}") };
    assert_eq!((row.row, row.id.as_str(), row.note.as_str()), (2, "r2", ""));
    assert_eq!(row.saw, json!({"event.data.anomaly_score": 0.97, "asset": asset}));
    let output = json!({"action": "create-notification", "notification_type": "M2", "priority": "1",
        "text": "Malfunction, score 0.97"});
    assert_eq!(row.output, output);
    assert_eq!(found.outputs, [output]);
}

#[test]
fn threads_may_share_a_model() {
    fn shareable<T: Send + Sync>(_: &T) {}
    shareable(&example());
}

#[test]
fn events_are_filtered() {
    let model = example();
    let mut wanted = event(Value::Null);
    wanted.kind = "com.amazon.lookoutequipment.inference.anomaly".into();
    assert!(model.matches(&wanted));
    assert!(!model.matches(&event(Value::Null)));
}

/// Rows and outputs of a table over `event.data.a`, `event.data.b`, `asset.plant` with one output `action`.
fn check(policy: &str, cells: &[&[&str]], data: &Value, expect: Result<(&[usize], &[&str]), &str>) {
    let text = table(policy, &["event.data.a", "event.data.b", "asset.plant"], &["action"], cells);
    let model = compile(&text).unwrap_or_else(|f| panic!("{cells:?}: {:?}", told(&f)));
    match (model.evaluate(&event(data.clone())), expect) {
        (Ok(found), Ok((rows, actions))) => {
            assert_eq!(found.rows.iter().map(|r| r.row).collect::<Vec<_>>(), rows, "{data} in {cells:?}");
            assert_eq!(found.actions.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), actions, "{data}");
        }
        (Err(problem), Err(expect)) => {
            assert_eq!(problem.code, Code::DecisionFailed);
            assert!(problem.to_string().contains(expect), "{problem}");
        }
        (found, expect) => panic!("{data} in {cells:?}: {found:?}, expected {expect:?}"),
    }
}

#[test]
fn policies_and_cells() {
    let cells: &[&[&str]] = &[
        &["> 5", "", "", "'x'"],
        &["> 3", "'on', 'off'", "", "['y', 'x']"],
        &["", "", "'1010'", "'z'"],
        &["", "len($) > 3 and $ != event.data.a", "", "'none'"],
    ];
    check("first", cells, &json!({"a": 6}), Ok((&[1], &["x"])));
    check("first", cells, &json!({"a": 4, "b": "on"}), Ok((&[2], &["y", "x"])));
    check("first", cells, &json!({"equipment": "pump-01"}), Ok((&[3], &["z"])));
    check("first", cells, &json!({"b": "long"}), Ok((&[4], &[])));
    check("first", cells, &json!({}), Ok((&[], &[])));
    check("first", cells, &Value::Null, Ok((&[], &[])));
    check("collect", cells, &json!({"a": 6, "b": "off", "equipment": "pump-01"}), Ok((&[1, 2, 3], &["x", "y", "z"])));
    check("collect", cells, &json!({"a": "6"}), Ok((&[], &[])));
}

#[test]
fn what_cannot_be_computed_is_told() {
    check("first", &[&["", "", "", "event.data.a + 1"]], &json!({"a": 1}), Err("must be a text"));
    check(
        "first",
        &[&["", "", "", "upper(event.data.a)"]],
        &json!({"a": 1}),
        Err("row 1 hits, but its output \"action\" cannot be"),
    );
    check("first", &[&["", "", "", "event.data.a"]], &json!({"a": "No Name"}), Err("is not a name"));
}

#[test]
fn lookups_take_texts_numbers_and_missing_keys() {
    let text = table("first", &["place"], &["action", "found"], &[&["!= null", "'x'", "place.location"]]);
    let decision =
        "table = 't'\n[lookups.place]\ntable = 'places'\nkey = ['event.data.plant', 'upper(event.data.line)']\n";
    let shelf = Shelf::default().with_table("t", &text).with_lookup("places", "plant*,line*,location\n1010,A,CWS\n");
    let model = DecisionModel::compile(&Name::new("d").expect("a name"), decision, &shelf).expect("compiles");
    let found = |data: Value| model.evaluate(&event(data)).map(|e| e.outputs);
    let hit = vec![json!({"action": "x", "found": "CWS"})];
    assert_eq!(found(json!({"plant": "1010", "line": "a"})), Ok(hit.clone()));
    assert_eq!(found(json!({"plant": 1010, "line": "a"})), Ok(hit));
    assert_eq!(found(json!({"plant": 1010.5, "line": "a"})), Ok(vec![]));
    assert_eq!(found(json!({"line": "a"})), Ok(vec![]));
    let problem = found(json!({"plant": 1010})).expect_err("cannot be computed");
    assert_eq!(problem.place.as_deref(), Some("decisions/d.toml"));
    assert!(
        problem.detail.starts_with("the key upper(event.data.line) of lookup place cannot be computed"),
        "{problem}"
    );
}

#[test]
fn outputs_may_be_nested_and_fields_computed() {
    let text = table(
        "collect",
        &["len(event.data.list)", "d(event.data.day).weekday()"],
        &["action", "note.text", "note.code"],
        &[&["> 1", "", "'a'", "'x'", "5"], &["", "1", "'a'", "", "null"]],
    );
    let model = compile(&text).expect("compiles");
    let found = model.evaluate(&event(json!({"list": [1, 2], "day": "2024-03-04"}))).expect("decides");
    let outputs =
        [json!({"action": "a", "note": {"text": "x", "code": 5}}), json!({"action": "a", "note": {"code": null}})];
    assert_eq!(found.outputs, outputs);
    assert_eq!(found.actions.len(), 1, "asked for once");
    assert_eq!(found.rows[0].saw, json!({"len(event.data.list)": 2, "d(event.data.day).weekday()": 1}));
}

/// input → switch → either of two tables, or an expression; → output.
fn graph() -> Value {
    let small = common::table_content("first", &["event.data.a"], &["action"], &common::rows(&[&["< 5", "'s'"]]));
    let mut large =
        common::table_content("collect", &["level"], &["action"], &common::rows(&[&["> 20", "'x'"], &["", "'y'"]]));
    large["passThrough"] = json!(false);
    json!({
        "nodes": [
            {"id": "in", "name": "In", "type": "inputNode"},
            {"id": "sw", "name": "Which", "type": "switchNode", "content": {"hitPolicy": "first", "statements": [
                {"id": "s1", "condition": "event.data.a < 10"}, {"id": "s2", "condition": ""}]}},
            {"id": "t1", "name": "Small", "type": "decisionTableNode", "content": small},
            {"id": "ex", "name": "Level", "type": "expressionNode", "content": {"expressions": [
                {"id": "x", "key": "level", "value": "event.data.a * 2"}]}},
            {"id": "t2", "name": "Large", "type": "decisionTableNode", "content": large},
            {"id": "out", "name": "Out", "type": "outputNode"}],
        "edges": [
            {"id": "e1", "sourceId": "in", "targetId": "sw"},
            {"id": "e2", "sourceId": "sw", "targetId": "t1", "sourceHandle": "s1"},
            {"id": "e3", "sourceId": "sw", "targetId": "ex", "sourceHandle": "s2"},
            {"id": "e4", "sourceId": "ex", "targetId": "t2"},
            {"id": "e5", "sourceId": "t1", "targetId": "out"},
            {"id": "e6", "sourceId": "t2", "targetId": "out"}]
    })
}

#[test]
fn larger_documents_go_through_zen() {
    let model = compile(&graph().to_string()).unwrap_or_else(|f| panic!("{:?}", told(&f)));
    let found = |a: i64| {
        let e = model.evaluate(&event(json!({"a": a}))).expect("decides");
        (
            e.rows.iter().map(|r| (r.row, r.id.clone())).collect::<Vec<_>>(),
            e.outputs,
            e.rows.first().map(|r| r.saw.clone()),
        )
    };
    let id = |n: usize| format!("r{n}");
    assert_eq!(found(1), (vec![(1, id(1))], vec![json!({"action": "s"})], Some(json!({"event.data.a": 1}))));
    assert_eq!(found(7), (vec![], vec![], None));
    let both = vec![json!({"action": "x"}), json!({"action": "y"})];
    assert_eq!(found(15), (vec![(1, id(1)), (2, id(2))], both, Some(json!({"level": 30}))));
    let row = &model.evaluate(&event(json!({"a": 10}))).expect("decides").rows[0];
    assert_eq!((row.row, &row.output), (2, &json!({"action": "y"})));
}

#[test]
fn passing_through_changes_no_output() {
    let mut content = common::table_content("first", &["event.data.a"], &["action"], &common::rows(&[&["> 1", "'x'"]]));
    content["passThrough"] = json!(true);
    let model = compile(&common::document(&content).to_string()).expect("compiles");
    let outputs = |a: i64| model.evaluate(&event(json!({"a": a}))).expect("decides").outputs;
    assert_eq!(outputs(2), [json!({"action": "x"})]);
    assert_eq!(outputs(0), Vec::<Value>::new());
    let mut graph = graph();
    graph["nodes"][2]["content"]["passThrough"] = json!(true);
    let model = compile(&graph.to_string()).expect("compiles");
    let outputs = |a: i64| model.evaluate(&event(json!({"a": a}))).expect("decides").outputs;
    assert_eq!(outputs(2), [json!({"action": "s"})]);
    assert_eq!(outputs(7), Vec::<Value>::new());
}

#[test]
fn an_input_schema_is_enforced() {
    let mut document: Value =
        serde_json::from_str(&table("first", &["event.data.a"], &["action"], &[&["", "'x'"]])).expect("JSON");
    let schema = json!({"type": "object", "properties": {"event": {"type": "object", "required": ["subject"]}}});
    document["nodes"][0]["content"] = json!({"schema": schema.to_string()});
    let model = compile(&document.to_string()).unwrap_or_else(|f| panic!("{:?}", told(&f)));
    let problem = model.evaluate(&event(json!({}))).expect_err("no subject");
    assert_eq!(problem.code, Code::DecisionFailed);
    let mut good = event(json!({}));
    good.subject = Some("pump-01".into());
    assert_eq!(model.evaluate(&good).expect("decides").outputs, [json!({"action": "x"})]);
}

#[test]
fn failing_cases_say_what_came_instead() {
    let case = |event: &str, expect: &str, place: &str, detail: &str| {
        let decision =
            format!("table = 't'\non.type = ['t']\n[[cases]]\nname = 'c'\nevent = {event}\nexpect = {expect}\n");
        let model =
            compile_with(&decision, &table("first", &["event.data.a"], &["action", "n"], &[&["> 1", "'x'", "2"]]))
                .unwrap_or_else(|f| panic!("{:?}", told(&f)));
        let found = told(&model.run_cases());
        let expected: Vec<String> = [format!("{place}: {detail}")].into_iter().filter(|_| !detail.is_empty()).collect();
        assert_eq!(found, expected, "{event} {expect}");
    };
    let (hit, other, at) = (
        "{ id = '1', source = 's', type = 't', data.a = 2 }",
        "{ id = '1', source = 's', type = 'u' }",
        "decisions/d.toml line 3 column 1",
    );
    case(hit, "{ rows = [1], actions = ['x'], output = { n = 2.0 } }", at, "");
    case(hit, "{}", at, "");
    case(other, "{ rows = [], actions = [] }", at, "");
    case(hit, "{ rows = [2] }", at, "case \"c\": expected rows [2], found [1]");
    case(
        hit,
        "{ actions = [], output = { n = 3, m = 1 } }",
        at,
        "case \"c\": expected actions [], found [\"x\"]; expected output.m = 1, found null; expected output.n = 3, found 2",
    );
    case(
        other,
        "{ rows = [1] }",
        at,
        "case \"c\": the decision is not [on] such an event; expected rows [1], found []",
    );
}
