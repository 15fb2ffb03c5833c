//! Letters: what people are told by mail about a device or a client.

use std::sync::Arc;

use andon_devices::registry::Letter;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::devices::port;
use super::paging::rows;
use crate::api::Api;
use crate::auth::{Administer, Caller, Operate, Read};
use crate::devices::{LetterWish, MailTest};
use crate::error::ApiError;
use crate::extract::{ApiJson, ApiQuery};
use crate::schema;

/// Which letters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    after: Option<String>,
    limit: Option<usize>,
}

/// A page of letters.
#[derive(Serialize)]
pub(crate) struct LetterPage {
    letters: Vec<Letter>,
    /// What `after` is for the next page; none after the last.
    next: Option<String>,
}

/// Write a letter: about a device, with a new refresh token for a client, or both.
///
/// It is queued, and sent as soon as the mail server takes it, also after a restart; the list shows how far it is. The same
/// letter that waits, or was sent within a day, is not written a second time unless `again` says so. A private key is never
/// in it. Role: admin.
#[utoipa::path(post, path = "/api/v1/letters", tag = "devices", operation_id = "write_letter",
    request_body = schema::WantedLetter,
    responses((status = 202, description = "it is queued", body = schema::Letter),
        (status = 200, description = "the same letter waits or was sent within a day", body = schema::Letter)))]
pub(crate) async fn create(
    caller: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiJson(wish): ApiJson<LetterWish>,
) -> Result<(StatusCode, Json<Letter>), ApiError> {
    let work = api.clone();
    let port = port(&api.door.state()).unwrap_or(api.office.settings.mqtt_port);
    let (letter, new) = api.detached(async move { work.office.write_letter(wish, port).await }).await??;
    if !new {
        return Ok((StatusCode::OK, Json(letter)));
    }
    tracing::info!(letter = letter.id, author = %caller.name, "letter written");
    Ok((StatusCode::ACCEPTED, Json(letter)))
}

/// The same letter, if there is one.
#[derive(Serialize)]
pub(crate) struct KnownLetter {
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<Letter>,
}

/// Check whether a letter can be written, before its device is onboarded; nothing is stored.
///
/// Recipient, client and mail server's settings are looked at; the device may be one that does not exist yet. Role: admin.
#[utoipa::path(post, path = "/api/v1/letters/check", tag = "devices", operation_id = "check_letter",
    request_body = schema::WantedLetter,
    responses((status = 200, description = "it can be written; whether the same one is under way",
        body = schema::KnownLetter)))]
pub(crate) async fn check(
    _: Caller<Administer>,
    State(api): State<Arc<Api>>,
    ApiJson(wish): ApiJson<LetterWish>,
) -> Result<Json<KnownLetter>, ApiError> {
    Ok(Json(KnownLetter { known: api.office.check_letter(&wish).await? }))
}

/// List letters: those that wait, and those that ended within a week.
///
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/letters", tag = "devices", operation_id = "list_letters",
    params(("after" = Option<String>, Query, description = "the member `next` of the page before"),
        ("limit" = Option<usize>, Query, description = "rows of a page, 1 to 1,000; 100 when absent")),
    responses((status = 200, description = "a page, in the order of ids", body = schema::LetterPage)))]
pub(crate) async fn list(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<LetterPage>, ApiError> {
    let limit = rows(query.limit)?;
    let found = api.office.letters(&query.after.unwrap_or_default(), limit).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.value.id.clone());
    Ok(Json(LetterPage { letters: found.into_iter().map(|found| found.value).collect(), next }))
}

/// Try the mail server: connect and sign in, and send nothing.
///
/// Role: operator or admin.
#[utoipa::path(post, path = "/api/v1/letters/test", tag = "devices", operation_id = "test_mail",
    responses((status = 200, description = "whether it answers", body = schema::MailTest)))]
pub(crate) async fn test(_: Caller<Operate>, State(api): State<Arc<Api>>) -> Json<MailTest> {
    Json(api.office.test_mail().await)
}
