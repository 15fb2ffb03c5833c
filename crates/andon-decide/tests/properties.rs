//! What holds for any table and any event, and for any text at all.
#![allow(clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use andon_decide::Evaluation;
use common::{compile, compile_with, document, event, table_content, told};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use zen_engine::model::GraphContent;
use zen_engine::{Decision, EvaluationOptions};
use zen_expression::Variable;

const FIELDS: [&str; 4] = ["event.data.a", "event.data.b", "asset.plant", "len(event.data.c)"];

/// What cells test for and events contain.
const VALUES: [&str; 12] =
    ["0", "1", "1.5", "2", "-1", "'a'", "'b'", "'1010'", "true", "false", "null", "'2024-03-05'"];

fn literal() -> impl Strategy<Value = &'static str> {
    select(&VALUES[..])
}

fn number() -> impl Strategy<Value = &'static str> {
    select(&VALUES[..5])
}

fn comparison() -> impl Strategy<Value = String> {
    let order = (select(vec![">", ">=", "<", "<="]), number()).prop_map(|(op, n)| format!("{op} {n}"));
    let equal = (select(vec!["==", "!="]), literal()).prop_map(|(op, v)| format!("{op} {v}"));
    prop_oneof![order, equal]
}

/// One test without commas.
fn simple_test() -> impl Strategy<Value = String> {
    let list = (select(vec!["", "in ", "not in "]), prop::collection::vec(literal(), 1..4))
        .prop_map(|(op, values)| format!("{op}[{}]", values.join(", ")));
    let range = (select(vec!["[", "("]), number(), number(), select(vec!["]", ")"]), select(vec!["", "not in "]))
        .prop_map(|(open, a, b, close, not)| format!("{not}{open}{a}..{b}{close}"));
    prop_oneof![1 => literal().prop_map(str::to_owned), 2 => comparison(), 1 => list, 1 => range]
}

fn cell() -> impl Strategy<Value = String> {
    let not = comparison().prop_map(|test| format!("not($ {test})"));
    let opaque = select(vec![
        "> event.data.b",
        "event.data.a",
        "len($) > 1",
        "contains($, 'a')",
        "$ == 'a' or event.data.b == 1",
        "asset.plant",
        "$ + 1 > 2",
        "type($) == 'number'",
        "event.data.a == 'a' ? 'b' : 1",
        "d('2024-03-05')",
        "upper($) == 'A'",
    ]);
    prop_oneof![
        4 => Just(String::new()),
        8 => simple_test(),
        2 => prop::collection::vec(simple_test(), 2..4).prop_map(|tests| tests.join(", ")),
        2 => (simple_test(), simple_test()).prop_map(|(a, b)| format!("{a} and {b}")),
        1 => not,
        2 => opaque.prop_map(str::to_owned),
    ]
}

/// The cells of a row: four tests, an action, a nested output.
fn row() -> impl Strategy<Value = Vec<String>> {
    let action = select(vec!["'x'", "'none'", "['y', 'x']", ""]).prop_map(str::to_owned);
    let note =
        select(vec!["'n'", "1.50", "event.data.a", "null", "{ k: [1, event.data.b] }", ""]).prop_map(str::to_owned);
    (prop::collection::vec(cell(), FIELDS.len()), action, note).prop_map(|(mut cells, action, note)| {
        cells.extend([action, note]);
        cells
    })
}

fn rows() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(row(), 0..30)
}

fn data() -> impl Strategy<Value = Value> {
    let value = select(vec![
        json!(0),
        json!(1),
        json!(1.5),
        json!(2),
        json!(1.75),
        json!(-1),
        json!(7),
        json!("a"),
        json!("b"),
        json!("c"),
        json!("1010"),
        json!("2024-03-05"),
        json!(true),
        json!(false),
        Value::Null,
        json!([]),
        json!(["a", 1]),
        json!({}),
        json!({"a": 1}),
    ]);
    let members = prop::collection::vec(prop::option::weighted(0.9, value), 3);
    (members, select(vec!["pump-01", "pump-02"])).prop_map(|(members, equipment)| {
        let named = ["a", "b", "c"].into_iter().zip(members);
        let mut object: Map<String, Value> = named.filter_map(|(k, v)| Some((k.to_owned(), v?))).collect();
        object.insert("equipment".into(), json!(equipment));
        Value::Object(object)
    })
}

fn table(policy: &str, rows: &[Vec<String>]) -> Value {
    document(&table_content(policy, &FIELDS, &["action", "note.text"], rows))
}

fn evaluate(table: &Value, data: &Value) -> Evaluation {
    let model = compile(&table.to_string()).unwrap_or_else(|f| panic!("{:?}", told(&f)));
    let once = model.evaluate(&event(data.clone())).expect("decides");
    let again = model.evaluate(&event(data.clone())).expect("decides");
    assert_eq!(once, again, "the same event, the same decision (C1)");
    once
}

/// Rows and outputs as ZEN's engine itself finds them, without any index.
fn by_zen(table: &Value, context: Value) -> (Vec<usize>, Vec<Value>) {
    let document: GraphContent = serde_json::from_value(table.clone()).expect("JDM");
    let decision = Decision::from(Arc::new(document));
    let options = EvaluationOptions { trace: true, ..EvaluationOptions::default() };
    let future = pin!(decision.evaluate_with_opts(Variable::from(context), options));
    let Poll::Ready(Ok(response)) = future.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("evaluates at once")
    };
    let trace = response.trace.and_then(zen_engine::EvaluationTrace::into_graph).expect("a trace");
    let rows = match trace["t"].trace_data.as_ref().map(Variable::to_value) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(rows)) => rows,
        Some(row) => vec![row],
    };
    let numbers = rows.iter().map(|row| usize::try_from(row["index"].as_u64().expect("an index")).expect("small") + 1);
    let outputs = match trace["t"].output.to_value() {
        Value::Null => Vec::new(),
        Value::Array(outputs) => outputs,
        output => vec![output],
    };
    (numbers.collect(), outputs)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_and_outputs_are_those_of_zen(rows in rows(), policy in select(vec!["first", "collect"]), data in data()) {
        let table = table(policy, &rows);
        let found = evaluate(&table, &data);
        let event = serde_json::to_value(event(data)).expect("JSON");
        let (rows, outputs) = by_zen(&table, json!({"event": event, "asset": found.lookups["asset"]}));
        prop_assert_eq!(found.rows.iter().map(|row| row.row).collect::<Vec<_>>(), rows);
        prop_assert_eq!(found.outputs, outputs);
    }

    #[test]
    fn first_is_the_first_of_collect(rows in rows(), data in data()) {
        let first = evaluate(&table("first", &rows), &data);
        let collect = evaluate(&table("collect", &rows), &data);
        prop_assert_eq!(&first.rows[..], &collect.rows[..collect.rows.len().min(1)]);
        prop_assert_eq!(&first.outputs[..], &collect.outputs[..collect.outputs.len().min(1)]);
    }

    #[test]
    fn what_is_warned_of_is_so(rows in rows(), events in prop::collection::vec(data(), 20)) {
        let model = compile(&table("first", &rows).to_string()).unwrap_or_else(|f| panic!("{:?}", told(&f)));
        let findings = told(&model.check());
        let hits: Vec<usize> = events
            .iter()
            .flat_map(|data| model.evaluate(&event(data.clone())).expect("decides").rows)
            .map(|row| row.row)
            .collect();
        for row in hits {
            let dead = format!("row {row} never fires");
            prop_assert!(!findings.iter().any(|finding| finding.contains(&dead)), "row {} hits: {:?}", row, findings);
        }
        let catch_all = rows.iter().any(|row| row[..FIELDS.len()].iter().all(String::is_empty));
        let gap = findings.iter().any(|finding| finding.contains("no row covers"));
        prop_assert!(!(catch_all && gap), "{:?}", findings);
    }

    #[test]
    fn broken_documents_never_panic(at in any::<prop::sample::Index>(), put in ".{0,3}", cut in 0_usize..20, rows in rows()) {
        let mut text = table("first", &rows).to_string();
        let from = text.floor_char_boundary(at.index(text.len()));
        let to = text.floor_char_boundary((from + cut).min(text.len()));
        text.replace_range(from..to, &put);
        if let Ok(model) = compile(&text) {
            let _ = (model.check(), model.evaluate(&event(json!({"a": 1}))));
        }
    }

    #[test]
    fn any_cell_never_panics(test in "[ -~äß\u{1F600}]{0,12}", output in "[ -~äß\u{1F600}]{0,12}", data in data()) {
        let table = document(&table_content("collect", &["event.data.a"], &["action"], &[vec![test, output]]));
        if let Ok(model) = compile(&table.to_string()) {
            let _ = (model.check(), model.evaluate(&event(data)));
        }
    }

    #[test]
    fn any_text_never_panics(decision in any::<String>(), table in any::<Vec<u8>>()) {
        let table = String::from_utf8_lossy(&table);
        let _ = compile_with(&decision, &table);
        let _ = compile_with("table = 't'", &table);
    }
}

/// `len(event.data.c)` of what is missing is nothing: no test matches it, an empty cell does.
#[test]
fn a_row_that_hits_where_nothing_can_be_computed_is_not_called_dead() {
    let row = |cells: [&str; 6]| cells.map(str::to_owned).to_vec();
    let rows = [row(["", "", "", "!= 1.5, 1.5", "'x'", "'n'"]), row(["", "> 0", "", "", "'x'", "'n'"])];
    let model = compile(&table("first", &rows).to_string()).unwrap_or_else(|f| panic!("{:?}", told(&f)));
    let found = model.evaluate(&event(json!({"b": 1}))).expect("decides");
    assert_eq!(found.rows.iter().map(|row| row.row).collect::<Vec<_>>(), [2]);
    let findings = told(&model.check());
    assert!(!findings.iter().any(|finding| finding.contains("row 2 never fires")), "{findings:?}");
}
