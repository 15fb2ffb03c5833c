//! Bulk onboarding: a file goes in, a line for each device comes out while it is worked on.

use std::convert::Infallible;
use std::sync::Arc;

use andon_devices::enrolment::file_digest;
use andon_devices::registry::{Import, get, list as list_records};
use andon_model::{Code, Problem};
use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};

use super::devices::DeviceAnswer;
use super::paging::rows;
use crate::api::Api;
use crate::auth::{Caller, ManageDevices, SeeDevices};
use crate::body::Hold;
use crate::devices::{Bulk, ImportPart, LineOutcome, Office, format_of};
use crate::error::ApiError;
use crate::extract::{ApiPath, ApiQuery};
use crate::schema;

/// What came of a line of the file.
#[derive(Serialize)]
struct LineAnswer {
    line: u64,
    /// `onboarded`, `unchanged` or `fault`.
    outcome: &'static str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    device: Option<DeviceAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// Onboard the devices of a file, as CSV with a header or as JSON Lines.
///
/// The answer has a line of JSON for each device, and comes while the file is worked on; `x-import` names the report.
/// A file that broke off is sent again: devices that are there are passed over. Lines with a `csr` have no key to lose. A
/// long file may be sent in parts, one after the other, as JSON Lines that say the `line` that they are of the file: each
/// part names the file by `of`, and its own number by `part`. Role: operator or admin, or the scope andon/devices.
#[utoipa::path(post, path = "/api/v1/device-imports", tag = "devices", operation_id = "import_devices",
    params(("file" = Option<String>, Query, description = "the file's name, for the list of imports"),
        ("of" = Option<String>, Query, description = "SHA-256 of the whole file in hex, when this is a part of it"),
        ("part" = Option<u32>, Query, description = "the number of the part, from 1; 1 when absent"),
        ("more" = Option<bool>, Query, description = "whether further parts follow; false when absent")),
    request_body(content = schema::RawBytes, content_type = "text/csv"),
    responses((status = 200, description = "a line for each device", content_type = "application/x-ndjson",
        body = schema::ImportLine)))]
pub(crate) async fn create(State(api): State<Arc<Api>>, request: Request) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::<ManageDevices>::from_request_parts(&mut parts, &api).await?;
    let ApiQuery(query) = ApiQuery::<ImportQuery>::from_request_parts(&mut parts, &api).await?;
    query.check()?;
    let media_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let format = format_of(media_type.split(';').next().unwrap_or_default().trim())?;
    let payload = api.bodies.read(&parts.headers, body, api.settings.sources_body_bytes).await?;
    let ImportQuery { file, of, part, more } = query;
    let id = of.unwrap_or_else(|| file_digest(&payload.bytes));
    tracing::info!(author = %caller.name, import = id, part, "devices are imported");
    let wanted = ImportPart { id: id.clone(), file, format, part, more, bytes: payload.bytes };
    let bulk = api.office.begin_import(wanted).await?;
    let answer = lines(api, bulk, payload.hold);
    Ok(([("content-type", "application/x-ndjson"), ("x-import", id.as_str())], answer).into_response())
}

/// Longest name of a file, in bytes.
const MAX_FILE_NAME: usize = 255;

/// What is said of the file beside its bytes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportQuery {
    file: Option<String>,
    of: Option<String>,
    #[serde(default = "first_part")]
    part: u32,
    #[serde(default)]
    more: bool,
}

fn first_part() -> u32 {
    1
}

impl ImportQuery {
    fn check(&self) -> Result<(), Problem> {
        let refuse = |place: &str, why: &str| Err(Problem::new(Code::BadRequest, why).at(format!("query {place}")));
        let is_digest =
            |text: &String| text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let is_name = |text: &String| (1..=MAX_FILE_NAME).contains(&text.len()) && !text.chars().any(char::is_control);
        match self {
            Self { file: Some(file), .. } if !is_name(file) => {
                refuse("file", "1 to 255 bytes without control characters")
            }
            Self { of: Some(of), .. } if !is_digest(of) => refuse("of", "a SHA-256 is 64 hex digits, in lower case"),
            Self { part: 0, .. } => refuse("part", "parts are counted from 1"),
            Self { of: None, part, more, .. } if *part > 1 || *more => {
                refuse("of", "a part names the whole file that it is of")
            }
            _ => Ok(()),
        }
    }
}

/// The next batch is worked on when the one before was taken.
fn lines(api: Arc<Api>, bulk: Bulk, hold: Hold) -> Body {
    let start = Some((api, bulk, hold));
    Body::from_stream(stream::unfold(start, |state| async {
        let (api, mut bulk, hold) = state?;
        match api.office.next_batch(&mut bulk).await {
            Ok(None) => None,
            Ok(Some(outcomes)) => {
                let text = text(outcomes, &api.office);
                Some((Ok::<_, Infallible>(text), Some((api, bulk, hold))))
            }
            Err(problem) => {
                tracing::warn!(%problem, "an import of devices broke off");
                Some((Ok(broken_off(problem)), None))
            }
        }
    }))
}

fn text(outcomes: Vec<LineOutcome>, office: &Office) -> Bytes {
    let mut text = Vec::new();
    for told in outcomes {
        let outcome = told.word();
        let LineOutcome { line, result } = told;
        let answer = match result {
            Ok(onboarded) => {
                LineAnswer { line, outcome, device: Some(DeviceAnswer::handing_over(onboarded, office)), problem: None }
            }
            Err(problem) => LineAnswer { line, outcome, device: None, problem: Some(problem) },
        };
        text.extend(serde_json::to_vec(&answer).unwrap_or_default());
        text.push(b'\n');
    }
    text.into()
}

/// Line 0 tells why there are no more.
fn broken_off(problem: Problem) -> Bytes {
    let answer = LineAnswer { line: 0, outcome: "fault", device: None, problem: Some(problem) };
    let mut text = serde_json::to_vec(&answer).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

/// Which page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    after: Option<String>,
    limit: Option<usize>,
}

/// List bulk onboardings, each with its report.
///
/// Role: viewer, operator or admin, or the scope andon/devices.
#[utoipa::path(get, path = "/api/v1/device-imports", tag = "devices", operation_id = "list_imports",
    params(("after" = Option<String>, Query, description = "the last id of the page before"),
        ("limit" = Option<usize>, Query, description = "rows of a page, 1 to 1,000; 100 when absent")),
    responses((status = 200, description = "a page, in the order of ids", body = Vec<schema::Import>)))]
pub(crate) async fn list(
    _: Caller<SeeDevices>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<Vec<Import>>, ApiError> {
    let after = query.after.unwrap_or_default();
    let found = list_records::<Import>(api.office.registry.as_ref(), &after, rows(query.limit)?).await;
    Ok(Json(found.map_err(Problem::from)?.into_iter().map(|found| found.value).collect()))
}

/// Show how far a bulk onboarding is, and what came of it.
///
/// Role: viewer, operator or admin, or the scope andon/devices.
#[utoipa::path(get, path = "/api/v1/device-imports/{id}", tag = "devices", operation_id = "show_import",
    params(("id" = String, Path, description = "SHA-256 of the file, in hex")),
    responses((status = 200, description = "the report", body = schema::Import)))]
pub(crate) async fn show(
    _: Caller<SeeDevices>,
    State(api): State<Arc<Api>>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<Import>, ApiError> {
    let found = get::<Import>(api.office.registry.as_ref(), &id).await.map_err(Problem::from)?;
    let found = found.ok_or_else(|| ApiError::not_found(format_args!("the import {id}")))?;
    Ok(Json(found.value))
}
