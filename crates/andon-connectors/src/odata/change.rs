//! Who changed an entity last, as far as it tells.

use andon_model::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// Names under which SAP's services tell who it was.
const WHO: [&str; 5] = ["LastChangedByUser", "LastChangedBy", "ChangedByUser", "LastChangeUser", "ModifiedBy"];

/// Names under which they tell when.
const WHEN: [&str; 5] =
    ["LastChangeDateTime", "LastChangedDateTime", "ChangedDateTime", "LastModifiedDateTime", "ModifiedAt"];

/// Longest value that is taken over, in characters.
const MAX_CHARS: usize = 100;

/// `by MEIER at 2026-02-03T10:00:00Z`, or what is known of it.
pub(crate) fn last_change(body: &Value) -> Option<String> {
    let entity = body.get("d").unwrap_or(body);
    let text = |names: &[&str]| names.iter().find_map(|name| entity.get(*name)?.as_str().filter(|t| !t.is_empty()));
    let who = text(&WHO).map(|who| format!("by {}", short(who)));
    let when = text(&WHEN).map(|when| format!("at {}", moment(when)));
    let known: Vec<String> = who.into_iter().chain(when).collect();
    (!known.is_empty()).then(|| known.join(" "))
}

/// `/Date(1770112800000+0000)/` as a time; anything else as it is.
fn moment(text: &str) -> String {
    let inner = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/"));
    let millis = inner.and_then(|inner| inner.split(['+', '-']).next()?.parse().ok());
    millis.map_or_else(|| short(text), |millis| Timestamp::default().after(Duration::from_millis(millis)).to_string())
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_changed_it_is_told() {
        let check = |body: Value, expect: Option<&str>| assert_eq!(last_change(&body).as_deref(), expect, "{body}");
        let stamp = "/Date(1770112800000+0000)/";
        check(
            json!({"d": {"LastChangedByUser": "MEIER", "LastChangeDateTime": stamp}}),
            Some("by MEIER at 2026-02-03T10:00:00Z"),
        );
        check(json!({"LastChangeDateTime": "2026-02-03T10:00:00Z"}), Some("at 2026-02-03T10:00:00Z"));
        check(json!({"d": {"LastChangedByUser": "", "LastChangedBy": "A\nB"}}), Some("by AB"));
        check(json!({"LastChangeDateTime": "/Date(x)/"}), Some("at /Date(x)/"));
        check(json!({"Text": "x"}), None);
        check(json!(null), None);
    }
}
