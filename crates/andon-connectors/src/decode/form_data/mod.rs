//! `multipart/form-data` (RFC 7578): an event and, beside it, what is attached to it.
//!
//! **Constraints.** The part `event` holds one event in the form that the source's decoder reads; every other
//! part is attached to it and named in its data under the part's name. A form is stored as a whole or not at
//! all: whatever is wrong with one part, the whole body goes to quarantine under its own media type, so that a
//! replay has the attachments again. At most [`MAX_ATTACHMENTS`] attachments; the parts are slices of the body,
//! nothing is copied.
//!
//! **Life of a form.** [`FormData`] stands around the decoder of every push. It cuts the body into
//! parts, gives the part `event` to the decoder with the media type of that part, and attaches the
//! others to the event that comes back. Any other body goes through untouched.

mod parts;

use std::sync::Arc;

use andon_journal::{
    AttachedFile, Decoded, Decoder, Delivery, MAX_ATTACHMENTS, NewAttachment, UNKNOWN_CONTENT_TYPE, attach,
};
use andon_model::{Code, Event, MAX_JSON_DEPTH, Problem, is_too_deep};

use super::lines::one_fault;
use super::text::fault;
use super::{Part, PartDecoder, Position};
use parts::FormPart;

/// Name of the part that holds the event.
const EVENT: &str = "event";

/// A decoder that takes its payload with attachments, too.
#[derive(Debug)]
pub struct FormData<D: ?Sized>(pub Arc<D>);

impl<D: Decoder + ?Sized> Decoder for FormData<D> {
    fn decode(&self, delivery: &Delivery) -> Decoded {
        let Some(boundary) = delivery.content_type.as_deref().and_then(parts::boundary) else {
            return self.0.decode(delivery);
        };
        let form = boundary.and_then(|boundary| parts::split(&delivery.body, &boundary)).and_then(Form::of);
        let decoded = form.and_then(|form| form.decode(self.0.as_ref(), delivery));
        decoded.unwrap_or_else(|problem| one_fault(problem, delivery.body.clone()))
    }
}

impl PartDecoder for FormData<dyn PartDecoder> {
    /// Parts are asked for by buckets, whose objects are no forms.
    fn decode_part(&self, delivery: &Delivery, from: Position, max_events: usize) -> Part {
        self.0.decode_part(delivery, from, max_events)
    }

    fn companion(&self, path: &str) -> Option<String> {
        self.0.companion(path)
    }
}

/// A form's parts by what they are for.
struct Form {
    event: FormPart,
    files: Vec<FormPart>,
}

impl Form {
    fn of(parts: Vec<FormPart>) -> Result<Self, Problem> {
        let (mut events, files): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.name == EVENT);
        let (Some(event), true) = (events.pop(), events.is_empty()) else {
            return Err(fault("form", "exactly one part with the name event is expected"));
        };
        if files.len() > MAX_ATTACHMENTS {
            let what = format!("{} attachments, an event has at most {MAX_ATTACHMENTS}", files.len());
            return Err(Problem::new(Code::TooLarge, what).at("form"));
        }
        Ok(Self { event, files })
    }

    fn decode(self, by: &(impl Decoder + ?Sized), delivery: &Delivery) -> Result<Decoded, Problem> {
        let content_type = Some(self.event.content_type.unwrap_or_else(|| usual_type(delivery).to_owned()));
        let mut decoded = by.decode(&Delivery { content_type, body: self.event.bytes, ..delivery.clone() });
        if let Some((problem, _)) = decoded.faults.drain(..).next() {
            let place = problem.place.as_ref().map_or_else(String::new, |place| format!(", {place}"));
            return Err(problem.at(format!("part {EVENT}{place}")));
        }
        match decoded.events.as_mut_slice() {
            // The format says that this is no event: there is nothing to attach to.
            [] => {}
            [event] => decoded.attachments = attach_all(event, self.files)?,
            events => {
                let what = format!("{} events where one is expected", events.len());
                return Err(fault(format!("part {EVENT}"), what));
            }
        }
        Ok(decoded)
    }
}

/// The media type of an event part that names none: the one of structured mode, or that of the data where
/// the event's attributes are in the headers.
fn usual_type(delivery: &Delivery) -> &'static str {
    let is_binary = delivery.headers.iter().any(|(name, _)| name.starts_with("ce-"));
    if is_binary { "application/json" } else { "application/cloudevents+json" }
}

fn attach_all(event: &mut Event, files: Vec<FormPart>) -> Result<Vec<NewAttachment>, Problem> {
    let attached = files.into_iter().map(|file| {
        let part = format!("part {}", file.name);
        attach_part(event, file).map_err(|problem| problem.at(part))
    });
    let attached = attached.collect::<Result<_, _>>()?;
    refuse_too_deep(event)?;
    Ok(attached)
}

fn attach_part(event: &mut Event, part: FormPart) -> Result<NewAttachment, Problem> {
    let file = AttachedFile {
        name: part.file_name.unwrap_or_else(|| part.name.clone()),
        content_type: part.content_type.unwrap_or_else(|| UNKNOWN_CONTENT_TYPE.to_owned()),
        bytes: part.bytes,
    };
    attach(event, &part.name, file)
}

/// An event that could not be stored is refused here, where its attachments are still at hand.
fn refuse_too_deep(event: &Event) -> Result<(), Problem> {
    if !is_too_deep(&event.data) {
        return Ok(());
    }
    let what = format!("the payload is nested deeper than {MAX_JSON_DEPTH} levels");
    Err(Problem::new(Code::TooLarge, what).at(format!("part {EVENT}")))
}

#[cfg(test)]
mod tests;
