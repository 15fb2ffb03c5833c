//! Configuration that tests at every level use: a small decision table and steps for the simulator of SAP.

use serde_json::{Value, json};

/// A decision table in JDM that looks at one field of the event: the first row whose cell holds names the
/// action. A cell is an expression over the field's value, empty where it always holds.
///
/// `first_hit_table("event.data.service", &[("\"z\"", "notify-z"), ("", "notify")])`
pub fn first_hit_table(field: &str, rows: &[(&str, &str)]) -> String {
    let rule = |(number, (cell, action)): (usize, &(&str, &str))| json!({ "_id": format!("row-{}", number + 1), "cell": cell, "action": format!("\"{action}\"") });
    let rules: Vec<Value> = rows.iter().enumerate().map(rule).collect();
    let content = json!({
        "hitPolicy": "first",
        "inputs": [{ "id": "cell", "name": "Field", "field": field }],
        "outputs": [{ "id": "action", "name": "Action", "field": "action" }],
        "rules": rules,
    });
    let node = |id, kind, x| json!({ "id": id, "type": kind, "name": id, "position": { "x": x, "y": 0 } });
    let mut table = node("table", "decisionTableNode", 200);
    table["content"] = content;
    let edge = |id, from, to| json!({ "id": id, "type": "edge", "sourceId": from, "targetId": to });
    let document = json!({
        "nodes": [node("event", "inputNode", 0), table, node("decision", "outputNode", 400)],
        "edges": [edge("in", "event", "table"), edge("out", "table", "decision")],
    });
    document.to_string()
}
