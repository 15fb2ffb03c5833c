//! Retained messages, in memory and limited in number and bytes.
//!
//! RMQTT's own store holds the tree of topics; here it is switched on and bounded. A message that would exceed a limit
//! is forwarded like any other and not retained.

use std::collections::HashMap;
use std::time::Duration;

use andon_journal::MemoryEntry;
use andon_model::Timestamp;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use parking_lot::Mutex;
use rmqtt::retain::{DefaultRetainStorage, RetainStorage};
use rmqtt::types::{Retain, TopicFilter, TopicName};
use serde::{Deserialize, Serialize};

use crate::Limits;
use crate::memory::{Memory, read};

/// The retained messages of a broker.
pub(crate) struct Retained {
    tree: DefaultRetainStorage,
    memory: Memory,
    held: Mutex<Held>,
    most: usize,
    most_bytes: usize,
}

/// What is held: bytes by topic, and their sum.
#[derive(Debug, Default)]
struct Held {
    by_topic: HashMap<TopicName, usize>,
    bytes: usize,
}

impl Held {
    /// Notes that `topic` holds `bytes`, none of them to forget it; `false` when that would be too much.
    fn set(&mut self, topic: &TopicName, bytes: usize, most: usize, most_bytes: usize) -> bool {
        let before = self.by_topic.get(topic).copied();
        let after = self.bytes - before.unwrap_or(0) + bytes;
        let count = self.by_topic.len() + usize::from(before.is_none());
        if bytes > 0 && (after > most_bytes || count > most) {
            return false;
        }
        self.bytes = after;
        if bytes == 0 {
            self.by_topic.remove(topic);
        } else {
            self.by_topic.insert(topic.clone(), bytes);
        }
        true
    }

    /// Forgets what `is_held` no longer names.
    fn keep(&mut self, mut is_held: impl FnMut(&TopicName) -> bool) {
        self.by_topic.retain(|topic, _| is_held(topic));
        self.bytes = self.by_topic.values().sum();
    }
}

impl Retained {
    pub(crate) fn new(limits: &Limits, memory: Memory) -> Self {
        Self {
            tree: DefaultRetainStorage::new(),
            memory,
            held: Mutex::default(),
            most: limits.retained,
            most_bytes: limits.retained_bytes,
        }
    }

    /// Takes what was retained before the process began.
    pub(crate) async fn restore(
        &self,
        entries: impl Iterator<Item = &MemoryEntry>,
        now: Timestamp,
    ) -> rmqtt::Result<()> {
        for entry in entries {
            let Some(kept) = read::<Form>(entry) else { continue };
            let left = kept.expires.map(|at| Timestamp::from_micros(at).since(now));
            let payload = BASE64.decode(&kept.payload).unwrap_or_default();
            let mut retain = kept.retain;
            retain.publish.payload = payload.into();
            let topic = TopicName::from(entry.name.as_str());
            let expired = left.is_some_and(|left| left.is_zero());
            if !expired && self.note(&topic, &retain) {
                self.tree.set_with_timeout(&topic, retain, left).await?;
            }
        }
        Ok(())
    }

    /// Removes what has expired.
    async fn expire(&self) -> rmqtt::Result<()> {
        if self.tree.remove_expired_messages().await > 0 {
            let (left, _) = self.tree.get_all_paginated(0, usize::MAX >> 1).await?;
            let left: std::collections::HashSet<_> = left.into_iter().map(|(topic, ..)| topic).collect();
            self.held.lock().keep(|topic| left.contains(topic) || topic.starts_with('$'));
        }
        Ok(())
    }

    fn note(&self, topic: &TopicName, retain: &Retain) -> bool {
        let payload = retain.publish.payload.len();
        let bytes = if payload == 0 { 0 } else { payload + topic.len() };
        self.held.lock().set(topic, bytes, self.most, self.most_bytes)
    }
}

/// How a retained payload is remembered. The payload stands beside the rest, as RMQTT writes bytes as a list of
/// numbers.
#[derive(Serialize, Deserialize)]
struct Form {
    v: u8,
    retain: Retain,
    payload: String,
    /// When it expires, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

/// Nothing where the payload is empty: it forgets what was there.
fn form(retain: &Retain, expiry: Option<Duration>) -> rmqtt::Result<Option<String>> {
    if retain.publish.payload.is_empty() {
        return Ok(None);
    }
    let created = Timestamp::from_micros(retain.publish.create_time.unwrap_or(0).saturating_mul(1_000));
    let expires = expiry.map(|expiry| created.after(expiry).as_micros());
    let payload = BASE64.encode(&retain.publish.payload);
    let mut retain = retain.clone();
    retain.publish.payload = Bytes::new();
    Ok(Some(serde_json::to_string(&Form { v: 1, retain, payload, expires })?))
}

#[async_trait]
impl RetainStorage for Retained {
    fn enable(&self) -> bool {
        true
    }

    /// The expiry that RMQTT hands over has its default for messages in general; a retained one expires only when its
    /// publisher says so.
    async fn set(&self, topic: &TopicName, retain: Retain, _expiry: Option<Duration>) -> rmqtt::Result<()> {
        let own = retain.publish.properties.as_ref().and_then(|properties| properties.message_expiry_interval);
        let expiry = own.map(|seconds| Duration::from_secs(u64::from(seconds.get())));
        let mut fits = self.note(topic, &retain);
        if !fits {
            self.expire().await?;
            fits = self.note(topic, &retain);
        }
        if !fits {
            tracing::warn!(%topic, "retained messages are at their limit: this one is not retained");
            return Ok(());
        }
        self.memory.retained(topic, form(&retain, expiry)?).await?;
        self.tree.set_with_timeout(topic, retain, expiry).await
    }

    async fn get(&self, filter: &TopicFilter) -> rmqtt::Result<Vec<(TopicName, Retain)>> {
        self.tree.get_message(filter).await
    }

    async fn count(&self) -> isize {
        self.tree.count().await
    }

    async fn max(&self) -> isize {
        self.tree.max().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_bytes_are_limited() {
        let mut held = Held::default();
        let mut check = |topic: &'static str, bytes: usize, expect: bool| {
            assert_eq!(held.set(&TopicName::from_static(topic), bytes, 2, 100), expect, "{topic} {bytes}");
            assert!(held.bytes <= 100);
        };
        check("a", 60, true);
        check("b", 50, false);
        check("b", 40, true);
        check("c", 1, false);
        check("a", 10, true);
        check("b", 0, true);
        check("c", 90, true);
        check("nothing", 0, true);
    }
}
