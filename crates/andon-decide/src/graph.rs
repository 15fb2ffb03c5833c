//! Evaluation of a document with more than one table in it, by ZEN's own engine and its trace.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use andon_model::RowHit;
use serde_json::{Map, Value};
use zen_engine::model::GraphContent;
use zen_engine::{Decision, DecisionGraphTrace, EvaluationOptions};
use zen_expression::Variable;

use crate::jdm;

/// What came out: the rows that hit, table by table in the order of their execution, and the document's result.
pub(crate) struct GraphResult {
    pub(crate) rows: Vec<RowHit>,
    pub(crate) result: Value,
}

/// Evaluates the document. The error says what ZEN found.
pub(crate) fn evaluate(document: &Arc<GraphContent>, context: Variable) -> Result<GraphResult, String> {
    let decision = Decision::from(Arc::clone(document));
    let options = EvaluationOptions { trace: true, ..EvaluationOptions::default() };
    let response = at_once(decision.evaluate_with_opts(context, options))
        .ok_or("the evaluation waited for something, which it never should")?
        .map_err(|error| error.to_string())?;
    let trace = response.trace.and_then(zen_engine::EvaluationTrace::into_graph).unwrap_or_default();
    let mut tables: Vec<&DecisionGraphTrace> =
        jdm::tables(document).iter().filter_map(|(node, ..)| trace.get(&node.id)).collect();
    tables.sort_by_key(|table| table.order);
    let rows = tables.into_iter().flat_map(row_hits).collect();
    Ok(GraphResult { rows, result: Value::from(response.result) })
}

/// Drives a future that never waits.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// The rows in a table's trace. ZEN writes one object under `first`, a list under `collect`, a list of either when the
/// table runs once per item of a list.
fn row_hits(trace: &DecisionGraphTrace) -> Vec<RowHit> {
    let Some(data) = &trace.trace_data else { return Vec::new() };
    let mut rows = Vec::new();
    collect_rows(&data.to_value(), &trace.output.to_value(), &mut rows);
    rows
}

fn collect_rows(data: &Value, output: &Value, rows: &mut Vec<RowHit>) {
    match data {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                collect_rows(item, output.get(at).unwrap_or(&Value::Null), rows);
            }
        }
        Value::Object(row) => rows.extend(row_hit(row, output)),
        _ => {}
    }
}

fn row_hit(row: &Map<String, Value>, output: &Value) -> Option<RowHit> {
    let index = row.get("index")?.as_u64()?;
    let rule =
        |key: &str| row.get("rule").and_then(|rule| rule.get(key)).and_then(Value::as_str).unwrap_or("").to_owned();
    Some(RowHit {
        row: usize::try_from(index).ok()? + 1,
        id: rule("_id"),
        note: rule("_description"),
        saw: row.get("reference_map").cloned().unwrap_or_default(),
        output: output.clone(),
    })
}
