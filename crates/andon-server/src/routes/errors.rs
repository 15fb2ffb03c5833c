//! The pages that explain errors: where the member `type` of every problem leads.

use andon_model::Code;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

use crate::error::ApiError;
use crate::extract::ApiPath;

/// Explain an error code.
///
/// Open to everybody: the pages say nothing about this installation.
#[utoipa::path(get, path = "/errors/{code}", tag = "operations", operation_id = "explain_error", security(()),
    params(("code" = String, Path, description = "the code, as in `AND-4003`")),
    responses((status = 200, description = "its page; for browsers as HTML", body = String,
        content_type = "text/markdown")))]
pub(crate) async fn page(ApiPath(code): ApiPath<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    // Pages link to each other as files.
    let code = code.strip_suffix(".md").unwrap_or(&code);
    let code: Code = code.parse().map_err(|_| ApiError::not_found(format_args!("the error code {code}")))?;
    let (kind, text) = if wants_html(&headers) {
        ("text/html; charset=utf-8", html(code))
    } else {
        ("text/markdown; charset=utf-8", code.page().to_owned())
    };
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// The page as it is written, in a document that browsers show instead of saving it.
fn html(code: Code) -> String {
    let text = code.page().replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{code}</title>\n\
         <pre style=\"white-space: pre-wrap; max-width: 75ch\">{text}</pre>\n</html>\n"
    )
}
