//! What is in the bucket, and the answer to each request.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use andon_model::{Clock, SystemClock, Timestamp};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_NONE_MATCH, LAST_MODIFIED, RANGE};
use http::request::Parts;
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::listing::{self, Wanted};
use crate::lock::hold;

/// An object.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) bytes: Bytes,
    pub(super) tag: String,
    pub(super) changed: Timestamp,
}

/// The objects by `<bucket>/<key>`, and uploads whose parts come one by one.
#[derive(Default)]
pub(super) struct Objects {
    by_path: Mutex<BTreeMap<String, Object>>,
    uploads: Mutex<BTreeMap<String, BTreeMap<u32, Bytes>>>,
    counter: AtomicU64,
}

impl Objects {
    pub(super) fn count(&self) -> usize {
        hold(&self.by_path).len()
    }

    pub(super) fn answer(&self, parts: &Parts, body: Bytes) -> Response {
        let path = decode(parts.uri.path().trim_start_matches('/'));
        let query = query_of(parts);
        let upload = query.get("uploadId");
        match (&parts.method, upload) {
            (&Method::PUT, Some(upload)) => self.put_part(upload, &query, body),
            (&Method::PUT, None) => self.put(path, parts, body),
            (&Method::POST, Some(upload)) => self.complete(path, upload),
            (&Method::POST, None) if query.contains_key("uploads") => self.begin_upload(),
            (&Method::POST, None) if query.contains_key("delete") => self.delete_all(&path, &body),
            (&Method::DELETE, Some(upload)) => {
                hold(&self.uploads).remove(upload);
                StatusCode::NO_CONTENT.into_response()
            }
            (&Method::DELETE, None) => {
                hold(&self.by_path).remove(&path);
                StatusCode::NO_CONTENT.into_response()
            }
            (&Method::GET, None) if query.contains_key("list-type") => self.list(&path, &query),
            (&Method::GET | &Method::HEAD, None) => self.get(&path, parts),
            _ => StatusCode::NOT_IMPLEMENTED.into_response(),
        }
    }

    fn put(&self, path: String, parts: &Parts, bytes: Bytes) -> Response {
        let mut objects = hold(&self.by_path);
        if parts.headers.contains_key(IF_NONE_MATCH) && objects.contains_key(&path) {
            return StatusCode::PRECONDITION_FAILED.into_response();
        }
        let (tag, object) = self.object(bytes);
        objects.insert(path, object);
        [(ETAG, tag)].into_response()
    }

    fn object(&self, bytes: Bytes) -> (String, Object) {
        let tag = format!("\"{:032x}\"", self.counter.fetch_add(1, Ordering::Relaxed));
        (tag.clone(), Object { bytes, tag, changed: SystemClock.now() })
    }

    fn get(&self, path: &str, parts: &Parts) -> Response {
        let Some(object) = hold(&self.by_path).get(path).cloned() else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let size = object.bytes.len();
        let headers = [(ETAG, object.tag), (LAST_MODIFIED, mail_date(object.changed))];
        if parts.method == Method::HEAD {
            return (headers, [(CONTENT_LENGTH, size.to_string())]).into_response();
        }
        let range = parts.headers.get(RANGE).and_then(|range| range.to_str().ok());
        match range.map(|range| range_of(range, size)) {
            None => (headers, object.bytes).into_response(),
            Some(None) => StatusCode::RANGE_NOT_SATISFIABLE.into_response(),
            Some(Some(range)) => {
                let place = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
                let part = object.bytes.slice(range);
                (StatusCode::PARTIAL_CONTENT, headers, [(CONTENT_RANGE, place)], part).into_response()
            }
        }
    }

    fn list(&self, bucket: &str, query: &BTreeMap<String, String>) -> Response {
        let text = |name: &str| query.get(name).map_or("", String::as_str);
        let wanted = Wanted {
            prefix: text("prefix"),
            delimiter: text("delimiter"),
            after: text("start-after").max(text("continuation-token")),
        };
        let bucket = format!("{}/", bucket.trim_end_matches('/'));
        let objects = hold(&self.by_path);
        let below =
            objects.range(bucket.clone()..).map_while(|(path, object)| Some((path.strip_prefix(&bucket)?, object)));
        listing::page(below, &wanted).into_response()
    }

    fn delete_all(&self, bucket: &str, body: &Bytes) -> Response {
        let text = String::from_utf8_lossy(body);
        let keys = text.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
        let mut objects = hold(&self.by_path);
        for (key, _) in keys {
            objects.remove(&format!("{}/{}", bucket.trim_end_matches('/'), listing::unescape(key)));
        }
        "<DeleteResult></DeleteResult>".into_response()
    }

    fn begin_upload(&self) -> Response {
        let id = format!("upload-{}", self.counter.fetch_add(1, Ordering::Relaxed));
        hold(&self.uploads).insert(id.clone(), BTreeMap::new());
        format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>")
            .into_response()
    }

    fn put_part(&self, upload: &str, query: &BTreeMap<String, String>, bytes: Bytes) -> Response {
        let number = query.get("partNumber").and_then(|number| number.parse().ok());
        match (hold(&self.uploads).get_mut(upload), number) {
            (Some(parts), Some(number)) => {
                parts.insert(number, bytes);
                [(ETAG, format!("\"part-{number}\""))].into_response()
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    fn complete(&self, path: String, upload: &str) -> Response {
        let Some(parts) = hold(&self.uploads).remove(upload) else { return StatusCode::NOT_FOUND.into_response() };
        let (tag, object) = self.object(parts.into_values().flatten().collect());
        hold(&self.by_path).insert(path, object);
        let tag = listing::escape(&tag);
        format!("<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>").into_response()
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn query_of(parts: &Parts) -> BTreeMap<String, String> {
    let pairs = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// `bytes=a-b`, `bytes=a-` or `bytes=-n` of so many bytes.
fn range_of(text: &str, size: usize) -> Option<Range<usize>> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) => from..to.saturating_add(1).min(size),
        (Ok(from), Err(_)) if to.is_empty() => from..size,
        (Err(_), Ok(last)) if from.is_empty() => size.saturating_sub(last)..size,
        _ => return None,
    };
    (range.start < range.end).then_some(range)
}

/// As RFC 5322 has it, without the day of the week.
fn mail_date(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let part = |range: Range<usize>| text.get(range).unwrap_or("00");
    let month = part(5..7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?)).unwrap_or(&"Jan");
    format!("{} {month} {} {} +0000", part(8..10), part(0..4), part(11..19))
}
