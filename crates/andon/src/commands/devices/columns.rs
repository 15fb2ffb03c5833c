//! What lists of profiles, groups, policies and claims show of each.

use serde_json::{Value, json};

use super::definitions::Shelf;
use crate::output::{Grid, one_line};

/// Most names of one cell; how many more there are is said.
const MAX_NAMES: usize = 5;

/// The list of what stands on a shelf.
pub(super) fn table(shelf: Shelf, all: &[Value]) -> Grid {
    match shelf {
        Shelf::Profiles => grid(
            [
                ("profile", "/name"),
                ("key", "/key"),
                ("days", "/certificate_days"),
                ("gateway", "/gateway"),
                ("policies", "/policies"),
                ("requires", "/required_attributes"),
                ("what", "/description"),
            ],
            "no profiles",
            all,
        ),
        Shelf::Groups => {
            grid([("group", "/name"), ("policies", "/policies"), ("what", "/description")], "no groups", all)
        }
        Shelf::Policies => {
            let all: Vec<Value> = all.iter().map(outlined).collect();
            grid([("policy", "/name"), ("statements", "/statements"), ("changed", "/changed")], "no policies", &all)
        }
        Shelf::Claims => grid(
            [
                ("client", "/client"),
                ("may onboard", "/allow"),
                ("profiles", "/profiles"),
                ("groups", "/groups"),
                ("attributes", "/attributes"),
                ("ends", "/expires"),
                ("hook", "/hook/url"),
            ],
            "no claims",
            all,
        ),
    }
}

/// Columns, each with the place of its value in an entry.
fn grid<const N: usize>(columns: [(&'static str, &'static str); N], empty: &'static str, all: &[Value]) -> Grid {
    let mut grid = Grid::new(columns.map(|(title, _)| title), empty);
    for one in all {
        grid.row(columns.map(|(_, place)| one.pointer(place).map(text).unwrap_or_default().into()));
    }
    grid
}

fn text(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(false) => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::String(text) => one_line(text),
        Value::Array(names) => {
            let shown: Vec<String> = names.iter().take(MAX_NAMES).map(text).collect();
            let more = names.len().saturating_sub(MAX_NAMES);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}{rest}", shown.join(" "))
        }
        other => other.to_string(),
    }
}

/// A policy with its statements as `Allow iot:Connect; Deny iot:Publish`, without the resources.
fn outlined(policy: &Value) -> Value {
    let document: Value =
        policy["document"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let statements = match &document["Statement"] {
        Value::Array(list) => list.iter().map(outline).collect::<Vec<_>>().join("; "),
        one => outline(one),
    };
    json!({ "name": policy["name"], "changed": policy["changed"], "statements": statements })
}

fn outline(statement: &Value) -> String {
    format!("{} {}", text(&statement["Effect"]), text(&statement["Action"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_show_what_they_hold() {
        let check = |shelf, one: Value, shown: &[&str]| {
            let drawn = table(shelf, &[one]).render(false);
            let last = drawn.lines().last().unwrap_or_default().to_owned();
            assert!(shown.iter().all(|part| last.contains(part)), "{shown:?} in {last:?}");
        };
        check(Shelf::Profiles, json!({ "name": "s1", "certificate_days": 90, "gateway": true }), &["s1", "90", "yes"]);
        check(Shelf::Groups, json!({ "name": "line-4", "policies": ["a", "b"] }), &["line-4", "a b"]);
        let deny = json!({ "Effect": "Deny", "Action": ["iot:Publish", "iot:Receive"], "Resource": "*" });
        let both = json!({ "Statement": [{ "Effect": "Allow", "Action": "iot:Connect" }, deny] }).to_string();
        let outline = "Allow iot:Connect; Deny iot:Publish iot:Receive";
        check(Shelf::Policies, json!({ "name": "p1", "document": both }), &["p1", outline]);
        let alone = json!({ "Statement": deny }).to_string();
        check(Shelf::Policies, json!({ "name": "p1", "document": alone }), &["Deny iot:Publish iot:Receive"]);
        let claim = json!({ "client": "installers", "allow": ["a", "b", "c", "d", "e", "f"], "groups": ["line-4"],
            "hook": { "url": "https://hooks.plant.example" } });
        check(Shelf::Claims, claim, &["installers", "a b c d e and 1 more", "line-4", "https://hooks.plant.example"]);
    }
}
