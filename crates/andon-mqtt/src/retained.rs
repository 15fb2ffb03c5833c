//! Retained messages, in memory and limited in number and bytes.
//!
//! RMQTT's own store holds the tree of topics; here it is switched on and bounded. A message that would exceed a limit is
//! forwarded like any other and not retained.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rmqtt::retain::{DefaultRetainStorage, RetainStorage};
use rmqtt::types::{Retain, TopicFilter, TopicName};

use crate::Limits;

/// The retained messages of a broker.
pub(crate) struct Retained {
    tree: DefaultRetainStorage,
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
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            tree: DefaultRetainStorage::new(),
            held: Mutex::default(),
            most: limits.retained,
            most_bytes: limits.retained_bytes,
        }
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
