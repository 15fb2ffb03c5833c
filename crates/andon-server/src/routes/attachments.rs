//! What is attached to an event.

use std::fmt::Write as _;
use std::sync::Arc;

use andon_journal::AttachmentInfo;
use andon_model::Offset;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use crate::api::Api;
use crate::auth::{Caller, Read};
use crate::error::ApiError;
use crate::extract::ApiPath;
use crate::schema;

/// Download what is attached to an event.
///
/// With the media type and the name that the event gives it; never shown by a browser as if it were ours.
/// Role: viewer, operator or admin.
#[utoipa::path(get, path = "/api/v1/events/{offset}/attachments/{digest}", tag = "events",
    operation_id = "download_attachment",
    params(("offset" = i64, Path, description = "place of the event in the journal"),
        ("digest" = String, Path, description = "SHA-256 of the bytes in lower-case hexadecimal")),
    responses((status = 200, description = "the bytes, as they came", body = schema::RawBytes,
        content_type = "application/octet-stream")))]
pub(crate) async fn download(
    _: Caller<Read>,
    State(api): State<Arc<Api>>,
    ApiPath((offset, digest)): ApiPath<(Offset, String)>,
) -> Result<Response, ApiError> {
    let missing = || ApiError::not_found(format_args!("attachment {digest} of event {offset}"));
    let of_event = api.attachments.attachments_of(offset).await?;
    let info = of_event.into_iter().find(|info| info.digest == digest).ok_or_else(missing)?;
    let stored = api.attachments.attachment(&digest).await?.ok_or_else(missing)?;
    Ok(answer(&info, stored.bytes))
}

/// Foreign bytes: saved, not shown, whatever their media type says. Every answer forbids to guess another one.
fn answer(info: &AttachmentInfo, bytes: Bytes) -> Response {
    let content_type = HeaderValue::from_str(&info.content_type);
    let headers = [
        (CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("application/octet-stream"))),
        (CONTENT_DISPOSITION, disposition(&info.name)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    (headers, bytes).into_response()
}

/// The file's name in both forms of RFC 6266: what ASCII has of it, and all of it as UTF-8.
fn disposition(name: &str) -> HeaderValue {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let plain: String = name.chars().map(|c| if c.is_ascii() && is_plain(c as u8) { c } else { '_' }).collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        // Writing to a String cannot fail.
        let _ = if is_plain(byte) { write!(encoded, "{}", char::from(byte)) } else { write!(encoded, "%{byte:02X}") };
    }
    let text = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_quotes() {
        let check = |name: &str, expected: &str| assert_eq!(disposition(name), expected, "for {name:?}");
        check("7.jpg", "attachment; filename=\"7.jpg\"; filename*=UTF-8''7.jpg");
        check("\"; x=\u{e4}", "attachment; filename=\"___x__\"; filename*=UTF-8''%22%3B%20x%3D%C3%A4");
        check("../a\r\n", "attachment; filename=\".._a__\"; filename*=UTF-8''..%2Fa%0D%0A");
    }
}
