//! Values as they change, as Server-Sent Events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! **Constraints.** One stream holds one place of a limited number and a view of the plant, never a queue of its own: a
//! reader that is slower than the plant is told what it has missed. A stream that has nothing to say says so every
//! [`KEEP_ALIVE`], and ends when the server stops.
//!
//! **Events.** `value` is a change of a value, `alarm` a transition of an alarm, `asset` the creation of one, `missed` says
//! that updates were left out. The id of a value is its time in microseconds since 1970: who comes back with it as
//! `Last-Event-ID` gets the newer values that are in memory first, of the assets that it names. A value may come twice,
//! and is the same by asset, property and time.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::Duration;

use andon_assets::{Change, Point};
use andon_engine::plant::{LiveItem, LiveUpdate, LiveValues, PlantHandle};
use andon_model::Timestamp;
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

/// How long a stream is silent at most.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A comment, which readers pass over.
const NOTHING: &str = ": nothing new\n\n";

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
    /// Values that are newer than this time.
    Behind(Timestamp),
}

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
    // First the subscription: what changes while the beginning is gathered comes twice, not never.
    let live = plant.watch(watched.assets.clone(), watched.properties.clone());
    let begin = Some(Bytes::from(beginning(plant, watched, begin)));
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
            Err(_) => Some(Bytes::from_static(NOTHING.as_bytes())),
            Ok(item) => item.map(|item| Bytes::from(text(&item))),
        }
    }
}

fn beginning(plant: &PlantHandle, watched: &Watched, begin: Begin) -> String {
    let mut text = NOTHING.to_owned();
    let behind = match begin {
        Begin::Now => return text,
        // Of all assets there may be too many in memory to send them at once.
        Begin::Behind(_) if watched.assets.is_empty() => {
            push(&mut text, "missed", None, &json!({ "updates": null }));
            return text;
        }
        Begin::Latest => None,
        Begin::Behind(time) => Some(time),
    };
    for asset in &watched.assets {
        let Some(detail) = plant.asset(asset) else { continue };
        let named = |property: &str| watched.properties.is_empty() || watched.properties.contains(property);
        for value in detail.values.into_iter().filter(|value| named(&value.property)) {
            let points = match behind {
                None => value.latest.into_iter().collect(),
                Some(_) => plant.window(asset, &value.property).unwrap_or_default(),
            };
            let newer = points.into_iter().filter(|point| behind.is_none_or(|time| point.ts > time));
            newer.for_each(|point| push_value(&mut text, &change(asset, &value.property, point)));
        }
    }
    text
}

fn change(asset: &str, property: &str, point: Point) -> Change {
    Change { asset: asset.into(), property: property.into(), point, late: false }
}

fn text(item: &LiveItem) -> String {
    let mut text = String::new();
    match item {
        LiveItem::Missed(updates) => push(&mut text, "missed", None, &json!({ "updates": updates })),
        LiveItem::Update(LiveUpdate { changes, transitions, created }) => {
            for asset in created {
                push(&mut text, "asset", None, &json!({ "asset": &**asset }));
            }
            for change in changes {
                push_value(&mut text, change);
            }
            for transition in transitions {
                push(&mut text, "alarm", None, transition);
            }
        }
    }
    text
}

fn push_value(text: &mut String, change: &Change) {
    push(text, "value", Some(change.point.ts), change);
}

/// JSON has no line ends, so that one `data` line is enough.
fn push(text: &mut String, event: &str, id: Option<Timestamp>, data: &impl Serialize) {
    let id = id.map(|id| format!("id: {}\n", id.as_micros())).unwrap_or_default();
    let data = serde_json::to_string(data).unwrap_or_default();
    // Writing into a text cannot fail.
    let _ = write!(text, "event: {event}\n{id}data: {data}\n\n");
}

#[cfg(test)]
mod tests {
    use andon_assets::Scalar;

    use super::*;

    #[test]
    fn every_event_has_the_form_of_the_standard() {
        let at = Timestamp::from_micros(1_700_000_000_000_000);
        let value = change("p1", "t", Point::good(at, Scalar::Double(21.5)));
        let update = LiveUpdate { changes: vec![value], transitions: Vec::new(), created: vec!["p1".into()] };
        let expect = "event: asset\ndata: {\"asset\":\"p1\"}\n\nevent: value\nid: 1700000000000000\n\
            data: {\"asset\":\"p1\",\"property\":\"t\",\"ts\":\"2023-11-14T22:13:20Z\",\"value\":21.5,\
            \"quality\":\"GOOD\",\"late\":false}\n\n";
        assert_eq!(text(&LiveItem::Update(update)), expect);
        assert_eq!(text(&LiveItem::Missed(3)), "event: missed\ndata: {\"updates\":3}\n\n");
        let lines = change("p1", "t", Point::good(at, Scalar::String("a\nb".into())));
        let mut text = String::new();
        push_value(&mut text, &lines);
        assert_eq!(text.lines().count(), 4, "{text:?}");
    }
}
