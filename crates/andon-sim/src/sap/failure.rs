//! Refusals, and the many shapes in which SAP words them.
//!
//! | origin | shape |
//! |---|---|
//! | framework (unknown path, unknown property) | 32-hex code, no `innererror` |
//! | application (a value is refused) | as [`ErrorShape`] says |
//! | entity runtime (preconditions) | SADL |
//! | anything, JSON not asked for | XML |
//! | anything, OData V4 | plain message, `details`, severities of the `SAP__common` vocabulary |

use andon_model::Timestamp;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::config::ErrorShape;
use super::dialect::Dialect;
use super::fields::Service;
use super::reply;
use crate::faults::fingerprint;

/// Code of the detail that closes most lists of details.
const GENERIC_DETAIL: &str = "/IWBEP/CX_MGW_BUSI_EXCEPTION";
/// Where the long texts of messages are read.
const LONGTEXTS: &str = "/sap/opu/odata/iwbep/message_text;o=LOCAL/T100_longtexts";
const RESOLUTION: &str = "Ask an administrator to look up the transaction in the error log (/IWFND/ERROR_LOG)";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Framework,
    Application,
    Runtime,
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    code: String,
    message: String,
    target: String,
    origin: Origin,
}

/// What an error document tells besides the failure itself.
pub(crate) struct Circumstances<'a> {
    pub(crate) service: Option<&'a Service>,
    pub(crate) request: u64,
    pub(crate) now: Timestamp,
    pub(crate) wants_json: bool,
    pub(crate) shape: ErrorShape,
    pub(crate) dialect: Dialect,
}

impl Failure {
    /// Refused by the framework: code is a 32-hex exception id.
    pub(crate) fn framework(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        let code = format!("005056A509B11EE1{:016X}", fingerprint([status.as_str().as_bytes()]));
        Self { status, code, message, target: String::new(), origin: Origin::Framework }
    }

    /// 400 by the framework: the body or the query is not of the right form.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::framework(StatusCode::BAD_REQUEST, message)
    }

    /// 404 by the framework.
    pub(crate) fn not_found(segment: &str) -> Self {
        Self::framework(StatusCode::NOT_FOUND, format!("Resource not found for the segment '{segment}'."))
    }

    /// 400 by the application: code is message class and number.
    pub(crate) fn application(code: &str, message: impl Into<String>, target: &str) -> Self {
        let (code, message, target) = (code.to_owned(), message.into(), target.to_owned());
        Self { status: StatusCode::BAD_REQUEST, code, message, target, origin: Origin::Application }
    }

    /// A precondition is missing or does not hold.
    pub(crate) fn precondition(status: StatusCode, code: &str, message: &str) -> Self {
        let target = "/#TRANSIENT#".to_owned();
        Self { status, code: code.to_owned(), message: message.to_owned(), target, origin: Origin::Runtime }
    }

    /// 423: somebody else works on the object.
    pub(crate) fn locked() -> Self {
        let message = "Object requested is currently locked by user CB9980000014";
        Self { status: StatusCode::LOCKED, ..Self::application("MC/601", message, "") }
    }

    /// The same refusal with another code.
    pub(crate) fn with_code(self, code: &str) -> Self {
        Self { code: code.to_owned(), ..self }
    }

    /// The answer that tells the client.
    pub(crate) fn answer(&self, circumstances: &Circumstances<'_>) -> Response {
        match (circumstances.dialect, self.shape(circumstances)) {
            (_, ErrorShape::Html) => return reply::html(self.status, &self.message),
            (_, ErrorShape::Text) => return reply::text(self.status, self.message.clone()),
            (Dialect::V4, _) => return reply::json(self.status, self.v4(circumstances).to_string()),
            _ => {}
        }
        if !circumstances.wants_json {
            return reply::xml(self.status, self.xml(circumstances));
        }
        let body = match self.shape(circumstances) {
            ErrorShape::Xml => return reply::xml(self.status, self.xml(circumstances)),
            ErrorShape::Gateway => self.gateway(circumstances, &self.plain_details()),
            ErrorShape::Sadl => self.gateway(circumstances, &self.sadl_details()),
            ErrorShape::DetailMessageObject => self.envelope(Some(json!({"errordetails": self.object_details()}))),
            ErrorShape::NoInner | ErrorShape::Mixed | ErrorShape::Html | ErrorShape::Text => self.envelope(None),
        };
        reply::json(self.status, body.to_string())
    }

    fn shape(&self, circumstances: &Circumstances<'_>) -> ErrorShape {
        const ROUND: [ErrorShape; 7] = [
            ErrorShape::Gateway,
            ErrorShape::Sadl,
            ErrorShape::NoInner,
            ErrorShape::DetailMessageObject,
            ErrorShape::Html,
            ErrorShape::Xml,
            ErrorShape::Text,
        ];
        match (self.origin, circumstances.shape) {
            (Origin::Framework, _) => ErrorShape::NoInner,
            (Origin::Runtime, _) => ErrorShape::Sadl,
            (Origin::Application, ErrorShape::Mixed) => reply::choose(&ROUND, circumstances.request),
            (Origin::Application, shape) => shape,
        }
    }

    /// The error document of OData V4.
    fn v4(&self, circumstances: &Circumstances<'_>) -> Value {
        let detail = json!({
            "code": self.code, "message": self.message, "target": self.target, "@SAP__common.numericSeverity": 4,
        });
        json!({"error": {
            "code": self.code,
            "message": self.message,
            "target": self.target,
            "details": [detail],
            "@SAP__common.numericSeverity": 4,
            "innererror": {"ErrorDetails": {
                "@SAP__common.Application": {
                    "ComponentId": circumstances.service.map_or("", |service| service.component),
                    "ServiceRepository": "SRVD_A2X",
                    "ServiceId": circumstances.service.map_or("", |service| service.name),
                    "ServiceVersion": "0001",
                },
                "@SAP__common.TransactionId": transaction(circumstances.request),
                "@SAP__common.Timestamp": abap_stamp(circumstances.now),
            }},
        }})
    }

    fn envelope(&self, inner: Option<Value>) -> Value {
        let mut error = json!({"code": self.code, "message": {"lang": "en", "value": self.message}});
        if let Some(inner) = inner {
            error["innererror"] = inner;
        }
        json!({ "error": error })
    }

    fn gateway(&self, circumstances: &Circumstances<'_>, details: &Value) -> Value {
        self.envelope(Some(json!({
            "application": {
                "component_id": circumstances.service.map_or("", |service| service.component),
                "service_namespace": "/SAP/",
                "service_id": circumstances.service.map_or("", |service| service.name),
                "service_version": "0001",
            },
            "transactionid": transaction(circumstances.request),
            "timestamp": abap_stamp(circumstances.now),
            "Error_Resolution": {"SAP_Transaction": RESOLUTION, "SAP_Note": "See SAP Note 1797736"},
            "errordetails": details,
        })))
    }

    fn plain_details(&self) -> Value {
        json!([
            detail(&self.code, &self.message, &self.target),
            detail(GENERIC_DETAIL, "The business logic raised an exception", ""),
        ])
    }

    fn sadl_details(&self) -> Value {
        let (class, number) = self.code.split_once('/').unwrap_or((&self.code, ""));
        let longtext = format!("{LONGTEXTS}(MSGID='{class}',MSGNO='{number}')/$value");
        json!([{
            "ContentID": "",
            "code": self.code,
            "message": self.message,
            "longtext_url": longtext,
            "propertyref": "",
            "severity": "error",
            "transition": false,
            "target": self.target,
        }])
    }

    fn object_details(&self) -> Value {
        json!([{"code": self.code, "message": {"lang": "en", "value": self.message}, "severity": "error"}])
    }

    /// The XML form, whatever was asked for.
    pub(crate) fn xml(&self, circumstances: &Circumstances<'_>) -> String {
        let (code, message) = (reply::escape_xml(&self.code), reply::escape_xml(&self.message));
        let id = transaction(circumstances.request);
        let stamp = abap_stamp(circumstances.now);
        let target = reply::escape_xml(&self.target);
        format!(
            "<error xmlns=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\"><code>{code}</code>\
             <message xml:lang=\"en\">{message}</message><innererror><transactionid>{id}</transactionid>\
             <timestamp>{stamp}</timestamp><errordetails><errordetail><code>{code}</code><message>{message}</message>\
             <propertyref/><severity>error</severity><target>{target}</target></errordetail></errordetails>\
             </innererror></error>"
        )
    }
}

fn detail(code: &str, message: &str, target: &str) -> Value {
    json!({"code": code, "message": message, "propertyref": target, "severity": "error", "target": target})
}

/// The id under which an administrator would find the request.
fn transaction(request: u64) -> String {
    format!("5F9F0A2B3C4D5E6F{request:016X}")
}

/// `YYYYMMDDhhmmss.0000000`.
fn abap_stamp(now: Timestamp) -> String {
    let digits: String = now.to_string().chars().take(19).filter(char::is_ascii_digit).collect();
    format!("{digits}.{:06}0", now.as_micros().rem_euclid(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_written_as_abap_does() {
        let at: Timestamp = "2020-10-27T15:09:20.744765Z".parse().unwrap();
        assert_eq!(abap_stamp(at), "20201027150920.7447650");
    }
}
