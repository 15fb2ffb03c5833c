//! Error documents, in every shape that SAP and what stands before it send.
//!
//! | shape | from |
//! |---|---|
//! | `{"error":{"code","message":{"value"},"innererror":{"transactionid","errordetails":[…]}}}` | SAP Gateway, V2 |
//! | `{"error":{"code","message":"…","details":[…],"innererror":{"ErrorDetails":{"@SAP__common.TransactionId"}}}}` | SAP, V4 |
//! | the same without `innererror`, or with messages as objects or plain texts | frameworks, SADL |
//! | `<error><code/><message/><innererror>…` | SAP Gateway when JSON was not asked for |
//! | `{"fault":{"faultstring"}}`, `{"message"}`, `{"error","error_description"}` | SAP API Management, others |
//! | HTML and plain text | ICM, proxies, logon pages |

use serde_json::Value;

use super::xml::texts;

/// Longest text that is taken over, in characters.
const MAX_CHARS: usize = 500;

/// Most further texts that are taken over.
const MAX_DETAILS: usize = 5;

/// A detail that SAP Gateway always adds and that says nothing.
const GENERIC: &str = "/IWBEP/CX_MGW_BUSI_EXCEPTION";

/// What an error document says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SapError {
    /// Message class and number as in `IM/125`, or another code.
    pub(crate) code: String,
    /// What is wrong, in the words of the application.
    pub(crate) message: String,
    /// Key of the entry in the gateway's error log.
    pub(crate) transaction: String,
    /// Further messages, `code message`.
    pub(crate) details: Vec<String>,
}

impl SapError {
    /// Reads an error document leniently; something always comes of it.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let error = match serde_json::from_str::<Value>(&text) {
            Ok(value) => Self::from_json(&value),
            Err(_) if text.trim_start().starts_with('<') => Self::from_markup(&text),
            Err(_) => Self { message: text.into_owned(), ..Self::default() },
        };
        error.shortened()
    }

    fn from_json(value: &Value) -> Self {
        let error = value.get("error").filter(|e| e.is_object()).unwrap_or(value);
        let inner = &error["innererror"];
        let v4_transaction = &inner["ErrorDetails"]["@SAP__common.TransactionId"];
        let code = ["code", "errorCode"].iter().find_map(|name| plain(&error[*name]));
        let mut found = Self {
            code: code.or_else(|| plain(&value["fault"]["detail"]["errorcode"])).unwrap_or_default(),
            message: json_message(value, error).unwrap_or_default(),
            transaction: plain(&inner["transactionid"]).or_else(|| plain(v4_transaction)).unwrap_or_default(),
            details: Vec::new(),
        };
        let details = [&inner["errordetails"], &error["details"]].into_iter().filter_map(Value::as_array).flatten();
        for detail in details {
            let message = message_text(&detail["message"]).unwrap_or_default();
            found.add_detail(&plain(&detail["code"]).unwrap_or_default(), &message);
        }
        found
    }

    fn from_markup(text: &str) -> Self {
        let texts = texts(text);
        let ends_in = |path: &str| texts.iter().find(|(p, _)| p == path).map(|(_, t)| t.clone());
        let Some(message) = ends_in("error/message") else { return Self::from_html(text) };
        let mut found = Self {
            code: ends_in("error/code").unwrap_or_default(),
            message,
            transaction: ends_in("error/innererror/transactionid").unwrap_or_default(),
            details: Vec::new(),
        };
        let mut code = String::new();
        for (path, text) in &texts {
            match path.strip_prefix("error/innererror/errordetails/errordetail/") {
                Some("code") => code.clone_from(text),
                Some("message") => found.add_detail(&std::mem::take(&mut code), text),
                _ => {}
            }
        }
        found
    }

    /// Title and headings of a page, without its markup.
    fn from_html(text: &str) -> Self {
        let mut words = String::new();
        let mut inside = false;
        for character in text.chars().take(MAX_CHARS * 20) {
            match character {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    words.push(' ');
                }
                other if !inside => words.push(other),
                _ => {}
            }
        }
        Self { message: format!("a page: {words}"), ..Self::default() }
    }

    fn add_detail(&mut self, code: &str, message: &str) {
        let known = message.is_empty() || message == self.message || code == GENERIC;
        if !known && self.details.len() < MAX_DETAILS {
            self.details.push(shorten(&format!("{code} {message}")));
        }
    }

    fn shortened(self) -> Self {
        Self {
            code: shorten(&self.code),
            message: shorten(&self.message),
            transaction: shorten(&self.transaction),
            details: self.details,
        }
    }

    /// Whether the text says that somebody holds the object at the moment: worth another try later.
    pub(crate) fn is_lock(&self) -> bool {
        let text = self.message.to_lowercase();
        let said = ["locked by", "is locked", "being processed by", "wird bearbeitet", "gesperrt"];
        self.code == "MC/601" || said.iter().any(|words| text.contains(words))
    }

    /// One line for people.
    pub(crate) fn to_line(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        parts.extend((!self.code.is_empty()).then(|| self.code.clone()));
        parts.extend((!self.message.is_empty()).then(|| self.message.clone()));
        let mut line = parts.join(" ");
        for detail in &self.details {
            line.push_str("; ");
            line.push_str(detail);
        }
        if !self.transaction.is_empty() {
            line.push_str(" (transaction id ");
            line.push_str(&self.transaction);
            line.push(')');
        }
        line
    }
}

fn json_message(value: &Value, error: &Value) -> Option<String> {
    let places = [
        &error["message"],
        &value["fault"]["faultstring"],
        &value["error_description"],
        &value["detail"],
        &error["errorMessage"],
        &value["error"],
        value,
    ];
    places.into_iter().find_map(message_text)
}

/// A message as a plain text, or as `{"lang","value"}`.
fn message_text(value: &Value) -> Option<String> {
    plain(value).or_else(|| plain(value.get("value")?))
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// On one line and not too long.
fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, line: &str) {
        assert_eq!(SapError::parse(body.as_bytes()).to_line(), line, "for {body}");
    }

    #[test]
    fn json_shapes_are_read() {
        check(
            r#"{"error":{"code":"IM/310","message":{"lang":"en","value":"Plant 9 is unknown"},"innererror":{"transactionid":"4711",
            "errordetails":[{"code":"IM/310","message":"Plant 9 is unknown"},{"code":"IM/311","message":"Check the plant"},
            {"code":"/IWBEP/CX_MGW_BUSI_EXCEPTION","message":"An exception was raised"}]}}}"#,
            "IM/310 Plant 9 is unknown; IM/311 Check the plant (transaction id 4711)",
        );
        check(r#"{"error":{"code":"005A","message":{"value":"No such set"}}}"#, "005A No such set");
        check(
            r#"{"error":{"code":"QD/9","message":"Plain","details":[{"code":"QD/10","message":{"value":"As object"}}]}}"#,
            "QD/9 Plain; QD/10 As object",
        );
        check(
            r#"{"error":{"code":"ME/083","message":"Enter Plant","target":"_Item(0)/Plant","details":[{"code":"ME/083",
            "message":"Enter Plant"},{"code":"ME/084","message":"Check it"}],"@SAP__common.numericSeverity":4,
            "innererror":{"ErrorDetails":{"@SAP__common.TransactionId":"5F9F"}}}}"#,
            "ME/083 Enter Plant; ME/084 Check it (transaction id 5F9F)",
        );
        check(r#"{"fault":{"faultstring":"Invalid key","detail":{"errorcode":"oauth.v2"}}}"#, "oauth.v2 Invalid key");
        check(r#"{"error":"invalid_client","error_description":"unknown"}"#, "unknown");
        check(r#"{"message":"not found","code":404}"#, "404 not found");
        check("[1]", "");
        check("\"just a text\"", "just a text");
    }

    #[test]
    fn xml_html_and_plain_text_are_read() {
        check(
            "<?xml version=\"1.0\"?><error xmlns=\"m\"><code>IM/310</code><message xml:lang=\"en\">A &amp; B</message>\
             <innererror><transactionid>47</transactionid><errordetails><errordetail><code>IM/4</code><message>More\
             </message></errordetail></errordetails></innererror></error>",
            "IM/310 A & B; IM/4 More (transaction id 47)",
        );
        check("<html><head><title>Logon</title></head><body><h1>Failed</h1></body>", "a page: Logon Failed");
        check("CSRF token\n validation failed", "CSRF token validation failed");
        check("", "");
    }

    #[test]
    fn locks_are_recognised() {
        let error = |message: &str| SapError { message: message.into(), ..SapError::default() };
        assert!(error("Notification 10000042 is locked by user MILLER").is_lock());
        assert!(error("Auftrag wird bearbeitet von MEIER").is_lock());
        assert!(!error("Equipment 7 does not exist").is_lock());
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(SapError::parse("x ".repeat(5_000).as_bytes()).message.chars().count(), MAX_CHARS);
    }
}
