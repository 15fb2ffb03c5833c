//! Values as they change, as Server-Sent Events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! **Constraints.** One stream holds one place of a limited number and a view of the plant, never a queue of its own: a
//! reader that is slower than the plant is told what it has missed. A stream that has nothing to say says so every
//! [`KEEP_ALIVE`], and ends when the server stops.
//!
//! **Events.** `value` is a change of a value, `alarm` a transition of an alarm, `asset` the creation of one, `missed` says
//! that updates were left out. The last event of an update has its place as its id ([`LivePlace`]), and so has a comment:
//! who comes back with it as `Last-Event-ID` gets everything behind it, whatever its times are. Where that is not known any
//! more, `missed` comes first, then the latest values and the states of the alarms of the assets that are named. A value
//! may come twice, and is the same by asset, property and time.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::Duration;

use andon_assets::{AlarmView, Change, Point};
use andon_engine::plant::{AssetDetail, LiveItem, LivePlace, LiveUpdate, LiveValues, PlantHandle};
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

/// How long a stream is silent at most.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What is watched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Watched {
    /// These assets; empty: all.
    pub(crate) assets: BTreeSet<String>,
    /// Of their values these properties; empty: all.
    pub(crate) properties: BTreeSet<String>,
}

/// What a stream begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// What changes from now on.
    Now,
    /// The latest value of each property.
    Latest,
    /// What has changed behind this place; `None` for one that says nothing.
    Behind(Option<LivePlace>),
}

/// An event: its kind and its data.
type Event = (&'static str, String);

struct Stream {
    /// What goes out first.
    begin: Option<Bytes>,
    live: LiveValues,
    stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

/// The body of an endless answer. Dropping it gives the place back.
pub(crate) fn body(
    plant: &PlantHandle,
    watched: &Watched,
    begin: Begin,
    stop: watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) -> Body {
    let resumed = match begin {
        Begin::Behind(Some(at)) => plant.resume(at, watched.assets.clone(), watched.properties.clone()),
        _ => None,
    };
    let begin = if resumed.is_some() { Begin::Now } else { begin };
    // First the subscription: what changes while the beginning is gathered comes twice, not never.
    let live = resumed.unwrap_or_else(|| plant.watch(watched.assets.clone(), watched.properties.clone()));
    let begin = Some(Bytes::from(text(&beginning(plant, watched, begin), live.place())));
    let stream = Stream { begin, live, stop, _place: place };
    Body::from_stream(stream::unfold(stream, |mut stream| async move {
        let bytes = stream.next().await?;
        Some((Ok::<_, Infallible>(bytes), stream))
    }))
}

impl Stream {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(begin) = self.begin.take() {
            return Some(begin);
        }
        if *self.stop.borrow() {
            return None;
        }
        let item = tokio::select! {
            _ = self.stop.changed() => return None,
            item = timeout(KEEP_ALIVE, self.live.next()) => item,
        };
        match item {
            Err(_) => Some(Bytes::from(text(&[], self.live.place()))),
            Ok(item) => item.map(|item| Bytes::from(text(&events(&item), self.live.place()))),
        }
    }
}

fn beginning(plant: &PlantHandle, watched: &Watched, begin: Begin) -> Vec<Event> {
    let missed = matches!(begin, Begin::Behind(_));
    let mut events: Vec<_> = missed.then(|| event("missed", &json!({ "updates": null }))).into_iter().collect();
    if begin == Begin::Now {
        return events;
    }
    // Of all assets there may be too many in memory to send them at once.
    for detail in watched.assets.iter().filter_map(|asset| plant.asset(asset)) {
        events.extend(latest(&detail, watched));
        events.extend(detail.alarms.iter().filter(|_| missed).map(state));
    }
    events
}

fn latest(detail: &AssetDetail, watched: &Watched) -> Vec<Event> {
    let named = |property: &str| watched.properties.is_empty() || watched.properties.contains(property);
    let values = detail.values.iter().filter(|value| named(&value.property));
    let points = values.filter_map(|value| Some(change(&detail.asset.id, &value.property, value.latest.clone()?)));
    points.map(|change| event("value", &change)).collect()
}

fn change(asset: &str, property: &str, point: Point) -> Change {
    Change { asset: asset.into(), property: property.into(), point, late: false }
}

/// How an alarm is, in the form of a transition that changes nothing.
fn state(alarm: &AlarmView) -> Event {
    let AlarmView { asset, alarm, state, since, episode, .. } = alarm;
    event(
        "alarm",
        &json!({ "asset": asset, "alarm": alarm, "episode": episode, "from": state, "to": state, "at": since }),
    )
}

fn events(item: &LiveItem) -> Vec<Event> {
    match item {
        LiveItem::Missed(updates) => vec![event("missed", &json!({ "updates": updates }))],
        LiveItem::Update(LiveUpdate { changes, transitions, created }) => {
            let created = created.iter().map(|asset| event("asset", &json!({ "asset": &**asset })));
            let changes = changes.iter().map(|change| event("value", change));
            let transitions = transitions.iter().map(|transition| event("alarm", transition));
            created.chain(changes).chain(transitions).collect()
        }
    }
}

fn event(kind: &'static str, data: &impl Serialize) -> Event {
    (kind, serde_json::to_string(data).unwrap_or_default())
}

/// Events as the standard has them; JSON has no line ends, so that one `data` line is enough. The last has the place that
/// is reached with it, so that who goes before it gets all of them again. Without events, a comment has the place.
fn text(events: &[Event], place: LivePlace) -> String {
    let Some(((kind, data), before)) = events.split_last() else { return format!(": nothing new\nid: {place}\n\n") };
    let mut text = String::new();
    for (kind, data) in before {
        // Writing into a text cannot fail.
        let _ = write!(text, "event: {kind}\ndata: {data}\n\n");
    }
    let _ = write!(text, "event: {kind}\nid: {place}\ndata: {data}\n\n");
    text
}

#[cfg(test)]
mod tests {
    use andon_assets::Scalar;
    use andon_model::Timestamp;

    use super::*;

    #[test]
    fn every_event_has_the_form_of_the_standard() {
        let at = Timestamp::from_micros(1_700_000_000_000_000);
        let place = "5-7".parse().expect("a place");
        let value = change("p1", "t", Point::good(at, Scalar::Double(21.5)));
        let update = LiveUpdate { changes: vec![value], transitions: Vec::new(), created: vec!["p1".into()] };
        let expect = "event: asset\ndata: {\"asset\":\"p1\"}\n\nevent: value\nid: 5-7\n\
            data: {\"asset\":\"p1\",\"property\":\"t\",\"ts\":\"2023-11-14T22:13:20Z\",\"value\":21.5,\
            \"quality\":\"GOOD\",\"late\":false}\n\n";
        assert_eq!(text(&events(&LiveItem::Update(update)), place), expect);
        let missed = "event: missed\nid: 5-7\ndata: {\"updates\":3}\n\n";
        assert_eq!(text(&events(&LiveItem::Missed(3)), place), missed);
        assert_eq!(text(&[], place), ": nothing new\nid: 5-7\n\n");
        let lines = event("value", &change("p1", "t", Point::good(at, Scalar::String("a\nb".into()))));
        assert_eq!(text(&[lines], place).lines().count(), 4);
    }
}
