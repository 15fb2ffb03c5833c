//! Whether an event that the journal knows already is a repetition, or another one under a `source` and `id` that somebody
//! used first.
//!
//! **Constraints.** One `(source, id)` is one event (J4): the first one stays as it is. Who repeats an event is the one who
//! sent it; any device may write any `source` and `id` into a payload, so an event that another device had sent is not
//! acknowledged away: it goes to quarantine, whole and with the reason.
//!
//! Sources that Andon asks itself are not compared: their checkpoint moves with the first append, and no device is behind them.
//!
//! **Life of an event that is known.** The journal answers with the offset of the first; that one is read again and compared.
//! Killed in between, the sender was not answered and repeats.

use andon_journal::{Appended, JournalError};
use andon_model::{Code, Event, Offset, Problem};
use bytes::Bytes;
use serde_json::Value;

use crate::engine::Shared;
use crate::screening::DEVICE;

/// Takes out of `appended` the events of `sent` that were known and are no repetitions.
pub(crate) async fn take_out_others(
    shared: &Shared,
    sent: Vec<Event>,
    appended: &mut Appended,
) -> Result<Vec<(Problem, Bytes)>, JournalError> {
    let (mut places, mut others) = (Vec::with_capacity(sent.len()), Vec::new());
    for (event, place) in sent.into_iter().zip(std::mem::take(&mut appended.events)) {
        match why_another(shared, &event, place).await? {
            None => places.push(place),
            Some(problem) => others.push((problem, Bytes::from(serde_json::to_vec(&event).unwrap_or_default()))),
        }
    }
    appended.events = places;
    Ok(others)
}

/// Why an event is not the one at its place in the journal.
async fn why_another(shared: &Shared, event: &Event, place: (Offset, bool)) -> Result<Option<Problem>, JournalError> {
    let (offset, is_new) = place;
    if is_new {
        return Ok(None);
    }
    let first = shared.journal.event(offset).await?.map(|stored| stored.event);
    let why = match &first {
        Some(first) if is_repetition(first, event) => return Ok(None),
        Some(first) => format!("{} sent event {offset} with this source and id before", sender(first)),
        // It was removed as too old: nobody can tell any more whose it was.
        None if device(event).is_none() => return Ok(None),
        None => format!("event {offset} had this source and id, and is not kept any more to be compared"),
    };
    let problem = Problem::new(Code::BadCloudEvent, format!("{why}: an id is unique within its source"));
    Ok(Some(problem.at(format!("event {}", event.id))))
}

/// A sender repeats what it sent. Where a device is on one side alone, as when a gateway forwards what a device sends
/// itself, both have to say the same.
fn is_repetition(first: &Event, again: &Event) -> bool {
    match (device(first), device(again)) {
        (first, again) if first == again => true,
        (Some(_), Some(_)) => false,
        _ => (&first.kind, &first.subject, &first.data) == (&again.kind, &again.subject, &again.data),
    }
}

fn device(event: &Event) -> Option<&str> {
    event.extensions.get(DEVICE).and_then(Value::as_str)
}

fn sender(event: &Event) -> String {
    device(event)
        .map_or_else(|| "a sender without a device's certificate".to_owned(), |name| format!("the device {name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(device: Option<&str>, value: i64) -> Event {
        let mut event = Event::new("/plant/rv-2", "alarm-1", "alarm", json!({ "v": value }));
        event.extensions.extend(device.map(|name| (DEVICE.to_owned(), json!(name))));
        event
    }

    #[test]
    fn only_its_sender_repeats_an_event() {
        let check = |first: (Option<&str>, i64), again: (Option<&str>, i64), expect: bool| {
            let [first, again] = [first, again].map(|(device, value)| event(device, value));
            assert_eq!(is_repetition(&first, &again), expect, "{first:?} {again:?}");
        };
        let (fz, rv) = (Some("fz-2"), Some("rv-2"));
        check((rv, 1), (rv, 1), true);
        check((rv, 1), (rv, 2), true);
        check((None, 1), (None, 2), true);
        check((fz, 1), (rv, 1), false);
        check((fz, 1), (rv, 2), false);
        check((fz, 1), (None, 2), false);
        check((None, 1), (rv, 2), false);
        check((fz, 1), (None, 1), true);
        check((None, 1), (rv, 1), true);
    }
}
