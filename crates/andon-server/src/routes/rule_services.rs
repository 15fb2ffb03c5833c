//! Decisions for other callers, in the shape of SAP Build's rule services.
//!
//! ```text
//! POST /v2/rule-services
//! {"RuleServiceId":"0123456789abcdef0123456789abcdef","Vocabulary":[{"EventInfo":{"SourceSystem":"AWS"}}]}
//! {"Result":[{"ActionInfo":{"ActionId":"refill-silo"}}]}
//! ```
//!
//! A caller that asks SAP Build at `<api>/public/rule/runtime/rest` asks Andon by another address. What no row fits is
//! answered 200 with an empty `Result`. In version 1 objects carry their name as `__type__`, in question and answer;
//! its answer is not documented by SAP, so that it follows the form of the question. The parameter `environmentId` and
//! the header `api-key` mean nothing here.
//!
//! Asking reads tables and nothing else: no event is stored, no action runs. Every token may ask: one of the role
//! `intake` learns what a table says about its events, which it sees in their documents as well.

use std::sync::Arc;

use andon_model::{Code, Problem};
use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::auth::{Ask, Caller};
use crate::error::{ApiError, Failure};
use crate::extract::ApiJson;
use crate::schema;

/// Most data objects of one question.
const MAX_OBJECTS: usize = 100;
/// What names an object of version 1.
const TYPE: &str = "__type__";

/// The question.
#[derive(Deserialize)]
pub(crate) struct Question {
    #[serde(rename = "RuleServiceId")]
    service: String,
    #[serde(rename = "Vocabulary")]
    vocabulary: Vec<Map<String, Value>>,
}

/// How objects carry their names.
#[derive(Clone, Copy)]
enum Version {
    V1,
    V2,
}

/// Ask a decision, as SAP Build's rule services are asked.
///
/// `RuleServiceId` is the name of a decision or its `rule_service_id`. Role: intake, viewer, operator or admin.
#[utoipa::path(post, path = "/v2/rule-services", tag = "decisions", operation_id = "ask_rule_service",
    request_body = schema::RuleQuestion,
    responses((status = 200, description = "one result per row that fits", body = schema::RuleAnswer),
        (status = "4XX", description = "not answered", body = schema::RuleError)))]
pub(crate) async fn ask(State(api): State<Arc<Api>>, request: Request) -> Result<Json<Value>, Refused> {
    answer(&api, request, Version::V2).await.map_err(Refused)
}

/// Ask a decision in the older form.
///
/// Objects carry their names as `__type__`. Role: intake, viewer, operator or admin.
#[utoipa::path(post, path = "/v1/rule-services", tag = "decisions", operation_id = "ask_rule_service_v1",
    request_body = schema::RuleQuestion,
    responses((status = 200, description = "one result per row that fits", body = schema::RuleAnswer),
        (status = "4XX", description = "not answered", body = schema::RuleError)))]
pub(crate) async fn ask_v1(State(api): State<Arc<Api>>, request: Request) -> Result<Json<Value>, Refused> {
    answer(&api, request, Version::V1).await.map_err(Refused)
}

async fn answer(api: &Arc<Api>, request: Request, version: Version) -> Result<Json<Value>, ApiError> {
    let (mut parts, body) = request.into_parts();
    Caller::<Ask>::from_request_parts(&mut parts, api).await?;
    let ApiJson(question) = ApiJson::<Question>::from_request(Request::from_parts(parts, body), api).await?;
    let determination = api.handle.determine(&question.service, objects(question.vocabulary)?)??;
    let name = &determination.result_object;
    let results: Vec<Value> = determination.outputs.into_iter().map(|output| result(version, name, output)).collect();
    Ok(Json(json!({ "Result": results })))
}

/// The data objects by name, in whichever form they are written.
fn objects(vocabulary: Vec<Map<String, Value>>) -> Result<Map<String, Value>, ApiError> {
    let mut objects = Map::new();
    for mut element in vocabulary {
        match element.remove(TYPE) {
            Some(Value::String(name)) => add(&mut objects, name, Value::Object(element))?,
            Some(other) => return Err(ApiError::bad_request(format!("{TYPE} is {other}, not a name"))),
            None => element.into_iter().try_for_each(|(name, value)| add(&mut objects, name, value))?,
        }
    }
    Ok(objects)
}

fn add(objects: &mut Map<String, Value>, name: String, value: Value) -> Result<(), ApiError> {
    let Value::Object(mut attributes) = value else {
        return Err(ApiError::bad_request(format!("the data object {name} has no attributes")));
    };
    attributes.remove(TYPE);
    if objects.len() == MAX_OBJECTS {
        return Err(Problem::new(Code::TooLarge, format!("at most {MAX_OBJECTS} data objects are read")).into());
    }
    if objects.contains_key(&name) {
        return Err(ApiError::bad_request(format!("the data object {name} is there twice")));
    }
    objects.insert(name, Value::Object(attributes));
    Ok(())
}

fn result(version: Version, name: &str, output: Value) -> Value {
    match (version, output) {
        (Version::V1, Value::Object(mut output)) => {
            output.insert(TYPE.to_owned(), name.into());
            Value::Object(output)
        }
        (_, output) => json!({ name: output }),
    }
}

/// A refusal in SAP's form: `{"error":{"code":"AND-1201","message":"…"}}`.
#[derive(Debug)]
pub(crate) struct Refused(pub(super) ApiError);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (mut parts, _) = self.0.into_response().into_parts();
        let problem = parts.extensions.get::<Failure>().map(|failure| failure.0.clone());
        let error = problem.map(|problem| json!({ "code": problem.code, "message": message(&problem) }));
        // A question that cannot be understood is 400 for SAP's callers, whatever is wrong with it.
        if parts.status == StatusCode::UNPROCESSABLE_ENTITY || parts.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            parts.status = StatusCode::BAD_REQUEST;
        }
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        parts.headers.remove(http::header::CONTENT_LENGTH);
        (parts, json!({ "error": error }).to_string()).into_response()
    }
}

fn message(problem: &Problem) -> String {
    match &problem.place {
        Some(place) => format!("{} ({place})", problem.detail),
        None => problem.detail.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_in_both_forms() {
        let check = |vocabulary: Value, expected: Result<Value, u16>| {
            let read = objects(serde_json::from_value(vocabulary.clone()).unwrap());
            let read = read.map(Value::Object).map_err(|error| error.into_response().status().as_u16());
            assert_eq!(read, expected, "{vocabulary}");
        };
        check(json!([]), Ok(json!({})));
        check(json!([{"A": {"x": 1}}, {"B": {}}]), Ok(json!({"A": {"x": 1}, "B": {}})));
        check(json!([{"A": {"x": 1}, "B": {"y": 2}}]), Ok(json!({"A": {"x": 1}, "B": {"y": 2}})));
        check(json!([{"__type__": "A", "x": 1}]), Ok(json!({"A": {"x": 1}})));
        check(json!([{"A": {"__type__": "A", "x": 1}}]), Ok(json!({"A": {"x": 1}})));
        check(json!([{"__type__": 1}]), Err(400));
        check(json!([{"A": 1}]), Err(400));
        check(json!([{"A": {}}, {"A": {}}]), Err(400));
        let many: Vec<Value> = (0..=MAX_OBJECTS).map(|n| json!({ format!("A{n}"): {} })).collect();
        check(many.into(), Err(413));
    }

    #[test]
    fn results_carry_the_name_of_their_object() {
        let output = json!({"ActionId": "7"});
        assert_eq!(result(Version::V2, "ActionInfo", output.clone()), json!({"ActionInfo": {"ActionId": "7"}}));
        assert_eq!(result(Version::V1, "ActionInfo", output), json!({"__type__": "ActionInfo", "ActionId": "7"}));
    }
}
