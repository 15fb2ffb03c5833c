//! Warnings and infos beside a success: header `sap-message` (V2), header `sap-messages` and the property
//! `SAP__Messages` of an entity (V4).

use serde_json::Value;

use super::xml::texts;

/// Most messages that are taken over.
const MAX_MESSAGES: usize = 20;

/// The messages as lines `code text (severity)`. A header in an unknown form is taken as it is.
pub(crate) fn warnings(header: &str) -> Vec<String> {
    let mut found = match serde_json::from_str::<Value>(header) {
        Ok(Value::Array(entries)) => entries.iter().flat_map(from_json).collect(),
        Ok(entry) => from_json(&entry),
        Err(_) if header.trim_start().starts_with('<') => from_xml(header),
        Err(_) => Vec::new(),
    };
    if found.is_empty() && !header.trim().is_empty() {
        found.push(header.chars().take(500).collect());
    }
    found.truncate(MAX_MESSAGES);
    found
}

/// The messages that a V4 entity brings about itself.
pub(crate) fn bound(entity: &Value) -> Vec<String> {
    let entries = entity.get("SAP__Messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    entries.iter().take(MAX_MESSAGES).flat_map(from_json).take(MAX_MESSAGES).collect()
}

fn from_json(entry: &Value) -> Vec<String> {
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let details = entry["details"].as_array().map(Vec::as_slice).unwrap_or_default();
    let all = std::iter::once(entry).chain(details);
    all.filter_map(|e| line(&text(e, "code"), &text(e, "message"), &severity(e))).collect()
}

/// A word in V2; in V4 a number, by the vocabulary `com.sap.vocabularies.Common.v1`.
fn severity(entry: &Value) -> String {
    let number = entry.get("numericSeverity").or_else(|| entry.get("@SAP__common.numericSeverity"));
    match number.and_then(Value::as_u64) {
        Some(1) => "success".to_owned(),
        Some(2) => "info".to_owned(),
        Some(3) => "warning".to_owned(),
        Some(4) => "error".to_owned(),
        _ => entry["severity"].as_str().unwrap_or_default().to_owned(),
    }
}

/// Elements `code`, `message`, `severity` in any order, once for the whole and once per detail.
fn from_xml(document: &str) -> Vec<String> {
    let mut groups: Vec<(String, [String; 3])> = Vec::new();
    for (path, text) in texts(document) {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path.as_str()));
        let Some(at) = ["code", "message", "severity"].iter().position(|known| *known == name) else { continue };
        let same = groups.last().is_some_and(|(of, parts)| of == parent && parts[at].is_empty());
        if !same {
            groups.push((parent.to_owned(), Default::default()));
        }
        if let Some((_, parts)) = groups.last_mut() {
            parts[at] = text;
        }
    }
    groups.iter().filter_map(|(_, [code, message, severity])| line(code, message, severity)).collect()
}

fn line(code: &str, message: &str, severity: &str) -> Option<String> {
    let severity = if severity.is_empty() { String::new() } else { format!(" ({severity})") };
    (!message.is_empty()).then(|| format!("{code} {message}{severity}").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expect: &[&str]) {
        assert_eq!(warnings(header), expect, "for {header}");
    }

    #[test]
    fn both_forms_are_read() {
        let expect = ["IM/9 Date is in the past (warning)", "IM/10 Priority was set (info)"];
        check(
            r#"{"code":"IM/9","message":"Date is in the past","severity":"warning","target":"","details":[
            {"code":"IM/10","message":"Priority was set","severity":"info","target":"MaintPriority"}]}"#,
            &expect,
        );
        check(
            "<notification><code>IM/9</code><message>Date is in the past</message><severity>warning</severity><details>\
             <detail><code>IM/10</code><message>Priority was set</message><severity>info</severity></detail></details>\
             </notification>",
            &expect,
        );
        check(
            r#"[{"code":"IM/9","message":"Date is in the past","numericSeverity":3},
            {"code":"IM/10","message":"Priority was set","@SAP__common.numericSeverity":2}]"#,
            &expect,
        );
        let entity = serde_json::json!({"SAP__Messages": [{"code": "A/1", "message": "m", "numericSeverity": 3}]});
        assert_eq!((bound(&entity), bound(&Value::Null)), (vec!["A/1 m (warning)".to_owned()], Vec::new()));
        check(r#"{"code":"A/1","message":"Ger\u00e4t"}"#, &["A/1 Gerät"]);
        check("something else", &["something else"]);
        check("", &[]);
    }
}
