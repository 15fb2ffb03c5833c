//! What a request brings besides its headers: a text, a change set, or bytes that Andon keeps.

use andon_act::{Answer, AttachmentBody, Request};
use andon_journal::Attachments;
use andon_model::{Code, Problem};
use bytes::Bytes;

use super::connection::refused;
use crate::odata::batch;

/// A body with its media type: the same bytes in every attempt.
#[derive(Debug, Clone)]
pub(super) struct Payload {
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

/// The body of a request, if it has one. Whatever fails here fails before anything is sent.
pub(super) async fn load(request: &Request, kept: &dyn Attachments) -> Result<Option<Payload>, Answer> {
    if let Some(wanted) = &request.attachment {
        let bytes = attachment(wanted, kept).await?;
        return Ok(Some(Payload { content_type: media_type(request, "application/octet-stream"), bytes }));
    }
    if !request.changeset.is_empty() {
        let (content_type, bytes) = batch::write(&request.key, &request.changeset).map_err(refused)?;
        return Ok(Some(Payload { content_type, bytes }));
    }
    let text = request.body.as_ref();
    let payload = |text: &String| Payload {
        content_type: media_type(request, "application/json"),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    };
    Ok(text.map(payload))
}

fn media_type(request: &Request, default: &str) -> String {
    request.content_type.clone().unwrap_or_else(|| default.to_owned())
}

/// The bytes of an attachment. A journal that cannot be read now may be read later.
async fn attachment(wanted: &AttachmentBody, kept: &dyn Attachments) -> Result<Bytes, Answer> {
    let place = format!("attachment {}", wanted.digest);
    let missing = || refused(Problem::new(Code::MissingAttachment, GONE).at(place.clone()));
    let found = kept.attachment(&wanted.digest).await;
    let found =
        found.map_err(|error| Answer::Busy { problem: Problem::from(&error).at(place.clone()), after: None })?;
    let bytes = found.ok_or_else(missing)?.bytes;
    if bytes.len() as u64 > wanted.max_bytes {
        let what = format!("the attachment has {} bytes, the step sends at most {}", bytes.len(), wanted.max_bytes);
        return Err(refused(Problem::new(Code::TooLarge, what).at(place)));
    }
    Ok(bytes)
}

const GONE: &str = "no event has these bytes: the event came without them, or retention has removed them";
