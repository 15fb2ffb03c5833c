//! What an event from outside may not say of itself, and what it may not hold.
//!
//! **Constraints.** Every event that a sender made passes here, by whichever way it came; what Andon tells of itself does
//! not ([`crate::Handle::tell_own`]). What is taken out goes to quarantine whole, with the reason.

use andon_model::{Code, Event, MAX_JSON_DEPTH, Problem, is_too_deep};
use bytes::Bytes;

/// What opens the sources of the events that Andon tells of itself: nobody else may use one, so that a scenario may
/// believe it.
const OWN_SOURCES: &str = "/andon/";

/// The extension attribute that names the device by whose certificate an event came.
pub(crate) const DEVICE: &str = "andondevice";

/// Takes out the events that cannot be taken. The others carry the name of `device`, if one sent them by its
/// certificate; nobody says so of itself.
pub(crate) fn screen(events: &mut Vec<Event>, device: Option<&str>) -> Vec<(Problem, Bytes)> {
    let (mut kept, mut faults) = (Vec::with_capacity(events.len()), Vec::new());
    for mut event in events.drain(..) {
        if let Some(problem) = refusal(&event) {
            let raw = serde_json::to_vec(&event).unwrap_or_default();
            faults.push((problem.at(format!("event {}", event.id)), Bytes::from(raw)));
            continue;
        }
        event.extensions.remove(DEVICE);
        event.extensions.extend(device.map(|name| (DEVICE.to_owned(), name.into())));
        kept.push(event);
    }
    *events = kept;
    faults
}

/// Why an event is not taken: it says to be Andon's own, or could not be read back from inside an envelope.
fn refusal(event: &Event) -> Option<Problem> {
    if event.source.starts_with(OWN_SOURCES) {
        let detail = format!("sources that begin with {OWN_SOURCES} are those of Andon itself");
        return Some(Problem::new(Code::BadCloudEvent, detail));
    }
    let too_deep = is_too_deep(&event.data) || event.extensions.values().any(is_too_deep);
    let detail = || format!("the payload is nested deeper than {MAX_JSON_DEPTH} levels");
    too_deep.then(|| Problem::new(Code::TooLarge, detail()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
    }

    #[test]
    fn events_that_could_not_be_read_back_are_taken_out_whole() {
        let event = |id: &str, levels| Event::new("/test", id, "anomaly", nested(levels));
        let mut events = vec![event("flat", 0), event("limit", MAX_JSON_DEPTH), event("deep", MAX_JSON_DEPTH + 1)];
        let faults = screen(&mut events, None);
        assert_eq!(events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["flat", "limit"]);
        let (problem, raw) = &faults[0];
        assert_eq!((problem.code, problem.place.as_deref()), (Code::TooLarge, Some("event deep")));
        assert_eq!(serde_json::from_slice::<Event>(raw).expect("readable"), event("deep", MAX_JSON_DEPTH + 1));
    }

    #[test]
    fn nobody_else_is_andon() {
        let check = |source: &str, taken: bool| {
            let mut events = vec![Event::new(source, "e-1", "anomaly", Value::Null)];
            let faults = screen(&mut events, None);
            assert_eq!((events.len(), faults.len()), (usize::from(taken), usize::from(!taken)), "{source}");
            assert!(faults.iter().all(|(problem, _)| problem.code == Code::BadCloudEvent), "{source}");
        };
        check("/andon/devices", false);
        check("/andon/", false);
        check("/andonia/devices", true);
        check("https://plant.example/andon/", true);
    }

    #[test]
    fn who_sent_an_event_is_known_by_the_certificate_alone() {
        let check = |said: Option<&str>, device: Option<&str>| {
            let mut event = Event::new("/test", "e-1", "anomaly", Value::Null);
            event.extensions.extend(said.map(|name| (DEVICE.to_owned(), json!(name))));
            let mut events = vec![event];
            assert!(screen(&mut events, device).is_empty());
            assert_eq!(
                events[0].extensions.get(DEVICE),
                device.map(|name| json!(name)).as_ref(),
                "{said:?} {device:?}"
            );
        };
        check(None, None);
        check(None, Some("pump-01"));
        check(Some("pump-02"), Some("pump-01"));
        check(Some("pump-02"), None);
    }
}
