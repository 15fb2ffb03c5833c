//! Following values: the server's stream of events, line by line.
//!
//! Server-Sent Events are lines of `name: value`, and an empty line behind each event
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! **Life of a stream.** It is opened, and opened again whenever it ends, with the id of the last event, so that nothing
//! is left out. It ends for good when the server refuses it.

use std::time::Duration;

use andon_model::Code;
use andon_server::schema::{AssetDetail, Point};
use bytes::Bytes;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::{Latest, value_text};
use crate::client::Client;
use crate::commands::assets::path;
use crate::output::{Failure, Output, since};

/// Longest line that is taken; a value's text has at most a kilobyte.
const MAX_LINE_BYTES: usize = 1 << 20;
/// Longest time without a word; the server says every 15 seconds that there is nothing new.
const SILENCE: Duration = Duration::from_secs(45);
/// First wait before the next attempt; doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// A stream ends when its reader wants.
const ENDLESS: Duration = Duration::from_hours(24 * 365);

/// Prints events until it is interrupted.
pub(super) async fn run(client: &Client, wanted: &Latest, output: Output) -> anyhow::Result<()> {
    for asset in &wanted.assets {
        // One that is not there yet would be followed in silence, for ever if its name is misspelt.
        client.get::<AssetDetail>(&path(asset)).await?;
    }
    let mut answer = open(client, wanted, None).await?;
    let mut events = Events::default();
    loop {
        while let Some(bytes) = next(&mut answer).await {
            for (event, data) in events.take(&bytes)? {
                print(output, &event, &data)?;
            }
        }
        output.remark("the stream has ended; connecting again")?;
        let place = events.begin_anew();
        answer = open_again(client, wanted, place).await?;
    }
}

/// What comes next; `None` at the end, also when the connection is lost or silent.
async fn next(answer: &mut Response) -> Option<Bytes> {
    tokio::time::timeout(SILENCE, answer.chunk()).await.ok()?.ok()?
}

async fn open(client: &Client, wanted: &Latest, last: Option<String>) -> anyhow::Result<Response> {
    let mut query: Vec<(&str, &str)> = wanted.assets.iter().map(|asset| ("asset", asset.as_str())).collect();
    query.extend(wanted.property.iter().map(|property| ("property", property.as_str())));
    query.extend((!wanted.assets.is_empty()).then_some(("latest", "true")));
    let build = |request: RequestBuilder| {
        let request = request.query(&query).timeout(ENDLESS);
        last.into_iter().fold(request, |request, last| request.header("last-event-id", last))
    };
    client.open(Method::GET, "/api/v1/values/stream", build).await
}

/// Waits for a server that is there.
async fn open_again(client: &Client, wanted: &Latest, last: Option<String>) -> anyhow::Result<Response> {
    let mut wait = FIRST_WAIT;
    loop {
        tokio::time::sleep(wait).await;
        match open(client, wanted, last.clone()).await {
            Err(error) if !is_refused(&error) => wait = (wait * 2).min(LONGEST_WAIT),
            answered => return answered,
        }
    }
}

/// Whether the server does not want the caller: it will not later either.
fn is_refused(error: &anyhow::Error) -> bool {
    let code = error.downcast_ref::<Failure>().map(|failure| failure.problem.code);
    matches!(code, Some(Code::Unauthenticated | Code::Forbidden | Code::BadRequest))
}

fn print(output: Output, event: &str, data: &str) -> anyhow::Result<()> {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    if output.is_json() {
        return Output::bytes(format!("{}\n", json!({ "event": event, "data": data })).as_bytes());
    }
    output.note(&line(event, &data))
}

/// An event as people read it.
fn line(event: &str, data: &Value) -> String {
    let word = |name: &str| data[name].as_str().unwrap_or_default();
    match event {
        "value" => {
            let point = serde_json::from_value::<Point>(data.clone()).ok();
            let late = if data["late"] == true { " (late)" } else { "" };
            let value = value_text(point.as_ref(), None);
            format!("{}  {} {} = {value}{late}", word("ts"), word("asset"), word("property"))
        }
        "alarm" => {
            let (from, to) = (word("from"), word("to"));
            let change = if from == to { format!("is {to}") } else { format!("{from} -> {to}") };
            format!("{}  {} alarm {}: {change}", since(word("at")), word("asset"), word("alarm"))
        }
        "asset" => format!("asset {} was created", word("asset")),
        "missed" if data["updates"].is_null() => "updates were missed; the latest values follow".to_owned(),
        "missed" => format!("updates were missed ({}): ask for the latest values", data["updates"]),
        other => format!("{other}: {data}"),
    }
}

/// Events that come in pieces.
#[derive(Default)]
struct Events {
    rest: Vec<u8>,
    event: String,
    data: String,
    id: Option<String>,
    /// The id of the last event that is complete.
    place: Option<String>,
}

impl Events {
    /// Forgets what is not complete; gives the place to go on from.
    fn begin_anew(&mut self) -> Option<String> {
        let place = self.place.take();
        *self = Self { place: place.clone(), ..Self::default() };
        place
    }

    /// The events that are complete with `bytes`.
    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<Vec<(String, String)>> {
        self.rest.extend_from_slice(bytes);
        let mut complete = Vec::new();
        while let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            complete.extend(self.line(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n'])));
        }
        if self.rest.len() > MAX_LINE_BYTES {
            return Err(Failure::new(Code::ServerUnreachable, "the stream has a line without an end").into());
        }
        Ok(complete)
    }

    /// An empty line ends an event; one without data is none.
    fn line(&mut self, line: &str) -> Option<(String, String)> {
        if line.is_empty() {
            self.place = self.id.take().or(self.place.take());
            let (event, data) = (std::mem::take(&mut self.event), std::mem::take(&mut self.data));
            return (!data.is_empty()).then_some((event, data));
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.event),
            "data" => self.data.push_str(value),
            "id" => self.id = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_pieces() {
        let text = ": nothing new\n\nevent: value\nid: 5\ndata: {\"a\":1}\n\nevent: missed\r\ndata:{}\r\n\r\n";
        let expect = [("value".to_owned(), "{\"a\":1}".to_owned()), ("missed".to_owned(), "{}".to_owned())];
        for size in 1..=text.len() {
            let mut events = Events::default();
            let found: Vec<_> =
                text.as_bytes().chunks(size).flat_map(|piece| events.take(piece).expect("events")).collect();
            assert_eq!(found, expect, "pieces of {size}");
            // Of an event that is cut off neither data nor id count.
            events.take(b"event: value\nid: 6\n").expect("events");
            assert_eq!(events.begin_anew().as_deref(), Some("5"));
            assert_eq!(events.take(b"\nid: 7\n\n").expect("events"), []);
            assert_eq!(events.begin_anew().as_deref(), Some("7"));
        }
        assert!(Events::default().take(&vec![b'x'; MAX_LINE_BYTES + 1]).is_err());
    }

    #[test]
    fn events_are_lines_for_people() {
        let check = |event: &str, data: Value, expect: &str| assert_eq!(line(event, &data), expect);
        let ts = "2026-04-02T06:00:00Z";
        let value = json!({ "asset": "p1", "property": "t", "ts": ts, "value": 1.5, "quality": "BAD", "late": true });
        check("value", value, "2026-04-02T06:00:00Z  p1 t = 1.5 (BAD) (late)");
        let alarm = json!({ "asset": "p1", "alarm": "hot", "at": ts, "from": "NORMAL", "to": "ACTIVE" });
        check("alarm", alarm, "2026-04-02T06:00:00Z  p1 alarm hot: NORMAL -> ACTIVE");
        let state = json!({ "asset": "p1", "alarm": "hot", "at": ts, "from": "ACTIVE", "to": "ACTIVE" });
        check("alarm", state, "2026-04-02T06:00:00Z  p1 alarm hot: is ACTIVE");
        check("missed", json!({ "updates": null }), "updates were missed; the latest values follow");
        check("missed", json!({ "updates": 3 }), "updates were missed (3): ask for the latest values");
    }
}
