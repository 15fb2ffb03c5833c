//! Answers by content type.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};

pub(crate) const DATA_SERVICE_VERSION: HeaderName = HeaderName::from_static("dataserviceversion");

const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");

/// An answer with a body.
pub(crate) fn with_type(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// An OData answer in JSON.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    versioned(with_type(status, "application/json", body))
}

/// An answer of OData V4.
pub(crate) fn json_v4(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = with_type(status, "application/json;odata.metadata=minimal;charset=utf-8", body);
    response.headers_mut().insert(ODATA_VERSION, HeaderValue::from_static("4.0"));
    response
}

/// An OData answer in XML; the declaration is added.
pub(crate) fn xml(status: StatusCode, body: impl AsRef<str>) -> Response {
    let text = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{}", body.as_ref());
    versioned(with_type(status, "application/xml", text))
}

/// Plain text.
pub(crate) fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    with_type(status, "text/plain;charset=utf-8", body)
}

/// A page as the web layer in front of the application server sends it.
pub(crate) fn html(status: StatusCode, what: &str) -> Response {
    let what = escape_xml(what);
    let page = format!("<html><head><title>{what}</title></head><body><h1>{what}</h1><p>Simulated</p></body></html>");
    with_type(status, "text/html;charset=utf-8", page)
}

/// Adds a header; a value that cannot be one is left out.
pub(crate) fn put(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// One of several, by a number.
pub(crate) fn choose<T: Copy>(from: &[T], number: u64) -> T {
    from[usize::try_from(number % from.len() as u64).unwrap_or(0)]
}

/// Escapes text for XML content and attributes.
pub(crate) fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Control characters have no place in XML 1.0, not even escaped.
            c if c.is_control() && !matches!(c, '\n' | '\t' | '\r') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

fn versioned(mut response: Response) -> Response {
    response.headers_mut().insert(DATA_SERVICE_VERSION, HeaderValue::from_static("2.0"));
    response
}
