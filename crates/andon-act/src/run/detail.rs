//! What the timeline shows of requests and searches.

use serde_json::{Value, json};

use crate::{ChangesetPart, ProbeQuery, Request};

/// Longest body that the timeline shows, in characters.
const MAX_SHOWN_BODY_CHARS: usize = 4_096;

/// What is sent; the content in the first attempt only, since every further one sends the same bytes.
pub(super) fn sending_detail(request: &Request, attempt: u32) -> Value {
    let mut detail = json!({ "method": request.method, "path": request.path, "key": request.key });
    if attempt > 1 {
        return detail;
    }
    if let Some(body) = &request.body {
        detail["body"] = shortened(body).into();
    }
    if !request.changeset.is_empty() {
        let part = |part: &ChangesetPart| json!({ "method": part.method, "path": part.path, "body": part.body.as_deref().map(shortened) });
        detail["changeset"] = request.changeset.iter().map(part).collect();
    }
    if let Some(attachment) = &request.attachment {
        detail["attachment"] = attachment.digest.as_str().into();
    }
    detail
}

fn shortened(body: &str) -> String {
    body.chars().take(MAX_SHOWN_BODY_CHARS).collect()
}

pub(super) fn probing_detail(query: &ProbeQuery) -> Value {
    let mut detail = json!({ "path": query.path, "field": query.field, "key": query.key });
    if query.value != query.key.as_str() {
        detail["value"] = query.value.as_str().into();
    }
    detail
}
