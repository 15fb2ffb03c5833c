//! The header `sap-message`: warnings and infos beside a success.

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

fn from_json(entry: &Value) -> Vec<String> {
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let details = entry["details"].as_array().map(Vec::as_slice).unwrap_or_default();
    let all = std::iter::once(entry).chain(details);
    all.filter_map(|e| line(&text(e, "code"), &text(e, "message"), &text(e, "severity"))).collect()
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
        check(r#"{"code":"A/1","message":"Ger\u00e4t"}"#, &["A/1 Gerät"]);
        check("something else", &["something else"]);
        check("", &[]);
    }
}
