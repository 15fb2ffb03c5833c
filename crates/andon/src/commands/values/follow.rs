//! Following values: the server's stream of events, line by line.
//!
//! Server-Sent Events are lines of `name: value`, and an empty line behind each event
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::time::Duration;

use andon_model::Code;
use andon_server::schema::Point;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Latest, value_text};
use crate::client::Client;
use crate::output::{Failure, Output};

/// Longest line that is taken; a value's text has at most a kilobyte.
const MAX_LINE_BYTES: usize = 1 << 20;
/// A stream ends when its reader wants.
const ENDLESS: Duration = Duration::from_hours(24 * 365);

/// Prints events until the stream ends.
pub(super) async fn run(client: &Client, wanted: &Latest, output: Output) -> anyhow::Result<()> {
    let mut query: Vec<(&str, &str)> = wanted.assets.iter().map(|asset| ("asset", asset.as_str())).collect();
    query.extend(wanted.property.iter().map(|property| ("property", property.as_str())));
    query.extend((!wanted.assets.is_empty()).then_some(("latest", "true")));
    let path = "/api/v1/values/stream";
    let mut answer = client.open(Method::GET, path, |request| request.query(&query).timeout(ENDLESS)).await?;
    let mut events = Events::default();
    while let Some(bytes) = answer.chunk().await? {
        for (event, data) in events.take(&bytes)? {
            print(output, &event, &data)?;
        }
    }
    let place = format!("GET {}{path}", client.base());
    Err(Failure::new(Code::ServerUnreachable, "the server has ended the stream").at(place).into())
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
            format!("{}  {} alarm {}: {from} -> {to}", word("at"), word("asset"), word("alarm"))
        }
        "asset" => format!("asset {} was created", word("asset")),
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
}

impl Events {
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
            let (event, data) = (std::mem::take(&mut self.event), std::mem::take(&mut self.data));
            return (!data.is_empty()).then_some((event, data));
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.event),
            "data" => self.data.push_str(value),
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
        check("missed", json!({ "updates": 3 }), "updates were missed (3): ask for the latest values");
    }
}
