//! The picture of a result: another object of the same bucket, attached to the result's event.
//!
//! **Constraints.** Only objects below the source's prefix are read, whatever an event says. How long a result
//! has waited is kept in memory, for at most [`MAX_WAITING`] results: after a restart it waits anew, which delays
//! it and loses nothing. One that does not come stops nobody else.
//!
//! **Life of a result.** Its decoder says in `data.image.path` where the picture should be. Is it there, it is
//! attached under `image`. Is it not, or still being written, the result is left for a later listing or push
//! until `image_wait` is over. Then, if the picture is required, the object goes to quarantine as a whole, so
//! that a replay reads it again with its picture; if it is optional, the event goes on without.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use andon_journal::{
    AttachedFile, Decoded, Delivery, MAX_ATTACHMENT_BYTES, NewAttachment, UNKNOWN_CONTENT_TYPE, attach,
};
use andon_model::{Code, Event, Problem, Timestamp};
use object_store::path::Path;
use object_store::{Attribute, Error, GetResult, ObjectStoreExt as _};
use serde_json::Value;

use super::Bucket;
use super::listing::below_prefix;

/// Member of an event's data that names the picture and gets its digest.
const IMAGE: &str = "image";

/// Most results whose waiting time is remembered; further ones do not wait.
const MAX_WAITING: usize = 10_000;

/// Most bytes of pictures that one object brings at once (128 MiB).
const MAX_PICTURED_BYTES: usize = 128 << 20;

/// Events with pictures that are decoded at once, so that their pictures fit into memory together.
pub(super) const MAX_PICTURED_EVENTS: usize = 4;

/// What became of the pictures of an object's events.
#[derive(Debug)]
pub(super) enum Pictured {
    /// The events, with what is attached to them.
    Done(Decoded),
    /// This picture is not there, or still being written: ask again later.
    NotYet(String),
    /// The object cannot be used, because a picture that it needs cannot.
    Without(Problem),
}

/// A picture as it was looked for.
enum Picture {
    Here(AttachedFile),
    /// It has changed a moment ago and may change again.
    Unsettled(AttachedFile),
    Missing,
    Unusable(Problem),
}

/// Since when results wait, by path and version.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<HashMap<(String, String), Timestamp>>);

impl Waiting {
    /// Whether an object that lacks a picture at `now` still has time to wait.
    fn may_wait(&self, object: &Delivery, wait: Duration, now: Timestamp) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MAX_WAITING {
            // Those that nobody asked for again are gone.
            waiting.retain(|_, since| now.since(*since) <= wait.saturating_mul(2));
        }
        let has_room = waiting.len() < MAX_WAITING;
        let key = (object.path.clone(), object.version.clone());
        match waiting.get(&key) {
            Some(since) => now.since(*since) < wait,
            None if has_room && !wait.is_zero() => waiting.insert(key, now).is_none(),
            None => false,
        }
    }

    fn forget(&self, object: &Delivery) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&(object.path.clone(), object.version.clone()));
    }
}

impl Bucket {
    /// Attaches their pictures to the events of an object. Fails when the bucket cannot be read.
    pub(super) async fn pictured(
        &self,
        object: &Delivery,
        mut decoded: Decoded,
        now: Timestamp,
    ) -> Result<Pictured, Problem> {
        let Some(images) = self.spec.images else { return Ok(Pictured::Done(decoded)) };
        let mut room = MAX_PICTURED_BYTES;
        for event in &mut decoded.events {
            let Some(path) = image_path(event) else { continue };
            let found = self.picture(&path, now).await?;
            let lacks = matches!(found, Picture::Missing | Picture::Unsettled(_));
            if lacks && self.waiting.may_wait(object, images.wait, now) {
                return Ok(Pictured::NotYet(path));
            }
            match taken(found, &path, images.wait).and_then(|file| attached(event, file, &mut room)) {
                Ok(attachment) => decoded.attachments.push(attachment),
                Err(problem) if images.required => {
                    self.waiting.forget(object);
                    return Ok(Pictured::Without(problem));
                }
                Err(problem) => tracing::warn!(source = %self.source, %problem, "an event goes on without its picture"),
            }
        }
        self.waiting.forget(object);
        Ok(Pictured::Done(decoded))
    }

    async fn picture(&self, path: &str, now: Timestamp) -> Result<Picture, Problem> {
        let location = Path::parse(path).ok().filter(|_| below_prefix(&self.spec, path).is_some());
        let Some(location) = location else {
            return Ok(unusable(Code::Undecodable, path, "lies outside of the source's prefix"));
        };
        let found = match self.store().await?.get(&location).await {
            Ok(found) if found.meta.size > 0 => found,
            Ok(_) | Err(Error::NotFound { .. }) => return Ok(Picture::Missing),
            Err(error) => return Err(self.failed(path, &error.to_string())),
        };
        if found.meta.size > MAX_ATTACHMENT_BYTES as u64 {
            let what = format!("has {} bytes, at most {MAX_ATTACHMENT_BYTES} are kept", found.meta.size);
            return Ok(unusable(Code::TooLarge, path, &what));
        }
        let modified = Timestamp::from_micros(found.meta.last_modified.timestamp_micros());
        let is_settled = self.is_in_s3() || now.since(modified) >= self.spec.settle;
        let (name, content_type) = (name_of(path), content_type_of(path, &found));
        let bytes = found.bytes().await.map_err(|error| self.failed(path, &error.to_string()))?;
        let file = AttachedFile { name, content_type, bytes };
        Ok(if is_settled { Picture::Here(file) } else { Picture::Unsettled(file) })
    }

    fn is_in_s3(&self) -> bool {
        self.spec.location.bucket().is_some()
    }
}

/// Where the decoder says that the picture should be.
fn image_path(event: &Event) -> Option<String> {
    event.data.get(IMAGE)?.get("path").and_then(Value::as_str).map(str::to_owned)
}

/// The picture, when the time to wait is over: one that still changes is taken as it is.
fn taken(found: Picture, path: &str, waited: Duration) -> Result<AttachedFile, Problem> {
    match found {
        Picture::Here(file) | Picture::Unsettled(file) => Ok(file),
        Picture::Missing => Err(picture_problem(Code::Undecodable, path, &format!("did not come within {waited:?}"))),
        Picture::Unusable(problem) => Err(problem),
    }
}

fn attached(event: &mut Event, file: AttachedFile, room: &mut usize) -> Result<NewAttachment, Problem> {
    let Some(rest) = room.checked_sub(file.bytes.len()) else {
        let what = format!("the object's pictures have more than {MAX_PICTURED_BYTES} bytes together");
        return Err(Problem::new(Code::TooLarge, what).at(format!("event {}", event.id)));
    };
    *room = rest;
    attach(event, IMAGE, file)
}

fn unusable(code: Code, path: &str, what: &str) -> Picture {
    Picture::Unusable(picture_problem(code, path, what))
}

fn picture_problem(code: Code, path: &str, what: &str) -> Problem {
    Problem::new(code, format!("the picture {what}")).at(format!("path {path}"))
}

fn name_of(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// What the bucket says, if it says more than that there are bytes; otherwise what the name says.
fn content_type_of(path: &str, found: &GetResult) -> String {
    let told = found.attributes.get(&Attribute::ContentType).map(|value| value.to_string());
    told.filter(|told| !told.ends_with("/octet-stream")).unwrap_or_else(|| by_ending(path).to_owned())
}

fn by_ending(path: &str) -> &'static str {
    let ending = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "bmp" => "image/bmp",
        "tif" | "tiff" => "image/tiff",
        "pdf" => "application/pdf",
        _ => UNKNOWN_CONTENT_TYPE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_media_types_come_from_the_path() {
        let check =
            |path, name, content_type| assert_eq!((name_of(path).as_str(), by_ending(path)), (name, content_type));
        check("in/cam-2/7.JPG", "7.JPG", "image/jpeg");
        check("7.png", "7.png", "image/png");
        check("in/7", "7", UNKNOWN_CONTENT_TYPE);
    }

    #[test]
    fn a_result_waits_from_when_it_was_first_without() {
        let waiting = Waiting::default();
        let second = |n: i64| Timestamp::from_micros(n * 1_000_000);
        let object = |version: &str| Delivery { path: "a".into(), version: version.into(), ..Delivery::default() };
        let may_wait = |version, at| waiting.may_wait(&object(version), Duration::from_secs(5), second(at));
        assert!(may_wait("1", 10) && may_wait("1", 14) && !may_wait("1", 15));
        assert!(may_wait("2", 15), "another version waits for itself");
        waiting.forget(&object("1"));
        assert!(may_wait("1", 20));
        assert!(!waiting.may_wait(&object("3"), Duration::ZERO, second(20)));
    }
}
