//! The state of an alarm: the JSON text inside a value.

use serde_json::{Map, Value};

/// What the text says, spelled in one way.
#[derive(Debug)]
pub(super) struct State {
    /// `NORMAL`, `ACTIVE`, `ACKNOWLEDGED`, `LATCHED`, `SNOOZE_DISABLED`, `DISABLED`, or a word of the sender.
    pub(super) name: String,
    /// What was measured when the rule was evaluated.
    pub(super) value: Option<Value>,
    /// `LESS`, `LESS_OR_EQUAL`, `EQUAL`, `NOT_EQUAL`, `GREATER_OR_EQUAL`, `GREATER`.
    pub(super) operator: Option<String>,
    pub(super) threshold: Option<Value>,
    /// What a person did: `ENABLE`, `DISABLE`, `SNOOZE`, `ACKNOWLEDGE`, `RESET`.
    pub(super) action: Option<String>,
    /// What the person wrote.
    pub(super) note: Option<String>,
    /// The whole text as it came, parsed.
    pub(super) detail: Map<String, Value>,
}

impl State {
    /// Reads the text; the error says what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let detail: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| format!("the state of an alarm is JSON text: {error}"))?;
        let name = detail.get("stateName").and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = normalised(name.ok_or("the state of an alarm has the text stateName")?);
        let action = detail.get("customerAction");
        Ok(Self {
            name,
            value: rule(&detail, "inputProperty", "inputPropertyValue"),
            operator: rule(&detail, "operator", "operator").as_ref().and_then(Value::as_str).map(operator),
            threshold: rule(&detail, "threshold", "thresholdValue"),
            action: action.and_then(|a| a.get("actionName")).and_then(Value::as_str).map(normalised),
            note: action.and_then(note),
            detail,
        })
    }
}

/// A member of the evaluated rule, by the name that SiteWise or that `IoT` Events gives it.
fn rule(detail: &Map<String, Value>, sitewise: &str, iot_events: &str) -> Option<Value> {
    let evaluation = detail.get("ruleEvaluation")?;
    let found = match evaluation.get("simpleRule") {
        Some(rule) => rule.get(sitewise),
        None => evaluation.get("simpleRuleEvaluation")?.get(iot_events),
    };
    found.filter(|value| !value.is_null()).cloned()
}

/// The note stands in a member that is named like the action.
fn note(action: &Value) -> Option<String> {
    let mut members = action.as_object()?.values();
    members.find_map(|member| member.get("note")?.as_str()).map(str::to_owned)
}

/// `SnoozeDisabled`, `snooze-disabled` and `SNOOZE_DISABLED` are the same word: the last one.
pub(super) fn normalised(word: &str) -> String {
    let mut out = String::new();
    let mut after_lower = false;
    for c in word.trim().chars() {
        if c.is_uppercase() && after_lower {
            out.push('_');
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
        match c {
            ' ' | '-' => out.push('_'),
            other => out.extend(other.to_uppercase()),
        }
    }
    out
}

fn operator(given: &str) -> String {
    match given.trim() {
        "<" => "LESS".into(),
        "<=" => "LESS_OR_EQUAL".into(),
        "=" | "==" => "EQUAL".into(),
        "!=" => "NOT_EQUAL".into(),
        ">=" => "GREATER_OR_EQUAL".into(),
        ">" => "GREATER".into(),
        word => normalised(word),
    }
}
