//! Calls of a language model become steps of the kind `summary`: they never hold up, change or lose a document.
//!
//! Read are the forms of Anthropic on Bedrock (`/invoke`) and of `OpenAI` (`/chat/completions`), with one message of
//! the user. Any other call stays the request that it was.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::text::{comment, toml_text};

/// Where answers of the two forms hold the text.
pub(super) const TEXT_PATHS: [&str; 2] = [".content[0].text", ".choices[0].message.content"];

/// Most tokens that a summary may ask for.
const MAX_TOKENS: u64 = 16_384;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModelCall {
    api: &'static str,
    model: Option<String>,
    system: Option<String>,
    prompt: String,
    max_tokens: Option<u64>,
    /// Members that a summary has no counterpart for.
    pub(super) dropped: Vec<String>,
}

impl ModelCall {
    /// Reads a payload; `None` when it is no such call.
    pub(super) fn read(payload: &str, path: &str) -> Option<Self> {
        let Ok(Value::Object(members)) = serde_json::from_str::<Value>(payload) else { return None };
        let api = api(&members, path)?;
        let messages = members.get("messages")?.as_array()?;
        let (mut system, mut prompts) = (members.get("system").and_then(text), Vec::new());
        for message in messages {
            let content = text(message.get("content")?)?;
            match message.get("role")?.as_str()? {
                "system" if system.is_none() => system = Some(content),
                "user" => prompts.push(content),
                _ => return None,
            }
        }
        let [prompt] = <[String; 1]>::try_from(prompts).ok()?;
        let known = ["anthropic_version", "messages", "system", "model", "max_tokens"];
        let dropped = members.keys().filter(|name| !known.contains(&name.as_str())).cloned().collect();
        let max_tokens = members.get("max_tokens").and_then(Value::as_u64).map(|count| count.clamp(1, MAX_TOKENS));
        let model = members.get("model").and_then(Value::as_str).map(str::to_owned);
        Some(Self { api, model, system, prompt, max_tokens, dropped })
    }

    /// Its lines of the step, with the templates rewritten.
    pub(super) fn lines(&self, path: &str, rewrite: impl Fn(&str) -> String) -> String {
        let mut text = format!("api = \"{}\"\npath = {}\n", self.api, toml_text(path));
        let prompt = Some(self.prompt.clone());
        for (name, value) in [("model", &self.model), ("system", &self.system), ("prompt", &prompt)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{name} = {}", toml_text(&rewrite(value)));
            }
        }
        if let Some(count) = self.max_tokens {
            let _ = writeln!(text, "max_tokens = {count}");
        }
        text.push_str(&comment(
            "The text when the model gives none in time; write what a reader should know at least.",
        ));
        text.push_str("fallback = \"${{stringify(event.data)}}\"\n");
        text
    }
}

fn api(members: &Map<String, Value>, path: &str) -> Option<&'static str> {
    if members.contains_key("anthropic_version") {
        return Some("anthropic");
    }
    path.split('?').next().is_some_and(|path| path.ends_with("/chat/completions")).then_some("openai")
}

/// A text, or the texts of a list of parts.
fn text(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Option<Vec<&str>> = parts.iter().map(|part| part.get("text")?.as_str()).collect();
            texts.filter(|texts| !texts.is_empty()).map(|texts| texts.join("\n"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_both_forms_are_read_and_others_left_alone() {
        let check = |payload: &str, path: &str, expect: Option<(&str, &str, usize)>| {
            let read = ModelCall::read(payload, path);
            let found = read.as_ref().map(|call| (call.api, call.prompt.as_str(), call.dropped.len()));
            assert_eq!(found, expect, "{payload}");
        };
        let claude = r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":99999,"temperature":0.2,
                         "messages":[{"role":"user","content":[{"type":"text","text":"Why? ${{event.data.x}}"}]}]}"#;
        check(claude, "/invoke", Some(("anthropic", "Why? ${{event.data.x}}", 1)));
        assert_eq!(ModelCall::read(claude, "/invoke").and_then(|call| call.max_tokens), Some(16_384));
        let gpt = r#"{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Why?"}]}"#;
        check(gpt, "/chat/completions?api-version=2023-05-15", Some(("openai", "Why?", 0)));
        check(gpt, "/converse", None);
        check(
            r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#,
            "/chat/completions",
            None,
        );
        check(r#"{"messages":[]}"#, "/chat/completions", None);
        check(r#"{"messages": ${{stringify(event.data)}}}"#, "/invoke", None);
    }
}
