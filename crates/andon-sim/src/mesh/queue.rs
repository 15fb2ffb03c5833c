//! A queue of the mesh: its binding, what it holds, what became of it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::lock::hold;
use crate::sap::MeshMessage;

/// Most messages that a queue ever takes.
const MAX_MESSAGES: usize = 10_000;
/// Statuses kept of one message.
const MAX_STATUSES: usize = 1_000;

/// How a queue is bound: what it subscribes to, and where it delivers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueBinding {
    /// Name of the queue.
    pub name: String,
    /// Topics: levels between slashes, `*` for any one level, `>` at the end for one level or more.
    #[serde(default)]
    pub subscriptions: Vec<String>,
    /// Address that messages are posted to, `http://…`.
    pub deliver_to: String,
    /// Headers sent beside those of the message, such as `Authorization`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Pause before a message is delivered again, in milliseconds.
    #[serde(default = "usual_pause")]
    pub pause_millis: u64,
    /// How long the consumer may take to answer, in milliseconds.
    #[serde(default = "usual_wait")]
    pub wait_millis: u64,
    /// After so many redeliveries a message is dead; 0 for never.
    #[serde(default)]
    pub max_redeliveries: u32,
}

const fn usual_pause() -> u64 {
    250
}

const fn usual_wait() -> u64 {
    30_000
}

impl QueueBinding {
    /// A binding with the usual pause and wait, redelivering for ever.
    pub fn new(name: &str, subscription: &str, deliver_to: &str) -> Self {
        Self {
            name: name.to_owned(),
            subscriptions: vec![subscription.to_owned()],
            deliver_to: deliver_to.to_owned(),
            headers: BTreeMap::new(),
            pause_millis: usual_pause(),
            wait_millis: usual_wait(),
            max_redeliveries: 0,
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("a queue has a name".to_owned());
        }
        if !self.deliver_to.starts_with("http://") {
            return Err("deliver_to is an address that starts with http://".to_owned());
        }
        let malformed = self.headers.iter().find(|(name, value)| header(name, value).is_none());
        malformed.map_or(Ok(()), |(name, _)| Err(format!("header {name:?} is malformed")))
    }

    /// Whether a topic belongs into the queue.
    pub(super) fn subscribes(&self, topic: &str) -> bool {
        self.subscriptions.iter().any(|subscription| fits(subscription, topic))
    }

    pub(super) fn extra_headers(&self) -> HeaderMap {
        self.headers.iter().filter_map(|(name, value)| header(name, value)).collect()
    }
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
}

fn fits(subscription: &str, topic: &str) -> bool {
    let mut levels = topic.split('/');
    for wanted in subscription.split('/') {
        match (wanted, levels.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// A message on its way.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) topic: Option<String>,
    pub(super) id: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether it is delivered once more after it was acknowledged.
    pub(super) again: bool,
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Queued,
    Acknowledged,
    Dead,
}

struct Slot {
    message: Message,
    statuses: Vec<u16>,
    state: State,
}

/// A queue. Messages stay after they were delivered, for the report.
pub(super) struct Queue {
    binding: QueueBinding,
    slots: Mutex<Vec<Slot>>,
    arrived: Notify,
}

impl Queue {
    pub(super) fn new(binding: QueueBinding) -> Self {
        Self { binding, slots: Mutex::default(), arrived: Notify::new() }
    }

    pub(super) fn binding(&self) -> &QueueBinding {
        &self.binding
    }

    /// Takes a message; false when the queue is full.
    pub(super) fn put(&self, message: Message) -> bool {
        let mut slots = hold(&self.slots);
        if slots.len() >= MAX_MESSAGES {
            return false;
        }
        slots.push(Slot { message, statuses: Vec::new(), state: State::Queued });
        self.arrived.notify_one();
        true
    }

    /// Waits for the message at a place.
    pub(super) async fn message(&self, at: usize) -> Message {
        loop {
            if let Some(slot) = hold(&self.slots).get(at) {
                return slot.message.clone();
            }
            self.arrived.notified().await;
        }
    }

    /// Notes a delivery; 0 stands for no answer.
    pub(super) fn note(&self, at: usize, status: u16, state: State) {
        if let Some(slot) = hold(&self.slots).get_mut(at) {
            slot.state = state;
            if slot.statuses.len() < MAX_STATUSES {
                slot.statuses.push(status);
            }
        }
    }

    pub(super) fn report(&self) -> Vec<MeshMessage> {
        let entry = |(index, slot): (usize, &Slot)| MeshMessage {
            number: index as u64 + 1,
            topic: slot.message.topic.clone(),
            queue: self.binding.name.clone(),
            message_id: slot.message.id.clone(),
            statuses: slot.statuses.clone(),
            state: match slot.state {
                State::Queued => "queued",
                State::Acknowledged => "acknowledged",
                State::Dead => "dead",
            }
            .to_owned(),
        };
        hold(&self.slots).iter().enumerate().map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn subscriptions_fit_topics() {
        for (subscription, topic, expect) in [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/*", "a/b", true),
            ("a/*", "a", false),
            ("a/>", "a/b/c", true),
            ("a/>", "a", false),
            (">", "a", true),
            ("a/b", "a/c", false),
        ] {
            assert_eq!(fits(subscription, topic), expect, "{subscription} {topic}");
        }
    }
}
