//! Retained messages, in memory and limited in number and bytes.
//!
//! RMQTT's own store holds the tree of topics; here it is switched on and bounded. A message that would exceed a limit
//! is refused, before its lane has it; a will is forwarded and not retained, as nobody is left who could be told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use andon_journal::MemoryEntry;
use andon_model::Timestamp;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use parking_lot::Mutex;
use rmqtt::retain::{DefaultRetainStorage, RetainStorage};
use rmqtt::types::{ClientId, From, FromType, Publish, Retain, TopicFilter, TopicName};
use serde::{Deserialize, Serialize};

use crate::Limits;
use crate::memory::{Memory, read};

/// The retained messages of a broker.
pub(crate) struct Retained {
    tree: DefaultRetainStorage,
    memory: Memory,
    held: Mutex<Held>,
    room: Room,
}

/// What may be held.
#[derive(Debug, Clone, Copy)]
struct Room {
    topics: usize,
    bytes: usize,
    /// Topics of one client.
    share: usize,
    /// Bytes of one client.
    share_bytes: usize,
}

/// What a client has.
#[derive(Debug, Default, Clone, Copy)]
struct Share {
    topics: usize,
    bytes: usize,
}

/// What stands at a topic.
#[derive(Debug)]
struct Slot {
    bytes: usize,
    /// Who put it there; nobody's when it came by the API.
    owner: Option<ClientId>,
}

/// What is held: by topic, what each client has of it, and all bytes.
#[derive(Debug, Default)]
struct Held {
    by_topic: HashMap<TopicName, Slot>,
    shares: HashMap<ClientId, Share>,
    bytes: usize,
}

impl Held {
    /// Whether `owner` may have `topic` hold `bytes`.
    fn has_room(&self, topic: &TopicName, owner: Option<&ClientId>, bytes: usize, room: Room) -> bool {
        let before = self.by_topic.get(topic);
        let after = self.bytes - before.map_or(0, |slot| slot.bytes) + bytes;
        let topics = self.by_topic.len() + usize::from(before.is_none());
        let has_share = owner.is_none_or(|owner| {
            let share = self.shares.get(owner).copied().unwrap_or_default();
            let own = before.filter(|slot| slot.owner.as_ref() == Some(owner));
            share.topics + usize::from(own.is_none()) <= room.share
                && share.bytes - own.map_or(0, |slot| slot.bytes) + bytes <= room.share_bytes
        });
        bytes == 0 || (after <= room.bytes && topics <= room.topics && has_share)
    }

    /// Notes that `topic` holds `bytes` of `owner`, none of them to forget it; `false` when that would be too much.
    fn set(&mut self, topic: &TopicName, owner: Option<ClientId>, bytes: usize, room: Room) -> bool {
        if !self.has_room(topic, owner.as_ref(), bytes, room) {
            return false;
        }
        self.remove(topic);
        if bytes > 0 {
            self.bytes += bytes;
            if let Some(owner) = &owner {
                let share = self.shares.entry(owner.clone()).or_default();
                (share.topics, share.bytes) = (share.topics + 1, share.bytes + bytes);
            }
            self.by_topic.insert(topic.clone(), Slot { bytes, owner });
        }
        true
    }

    fn remove(&mut self, topic: &TopicName) {
        let Some(Slot { bytes, owner }) = self.by_topic.remove(topic) else { return };
        self.bytes -= bytes;
        let Some(owner) = owner else { return };
        if let Some(share) = self.shares.get_mut(&owner) {
            (share.topics, share.bytes) = (share.topics - 1, share.bytes - bytes);
            if share.topics == 0 {
                self.shares.remove(&owner);
            }
        }
    }

    /// Forgets what `is_held` no longer names.
    fn keep(&mut self, is_held: impl Fn(&TopicName) -> bool) {
        let gone: Vec<_> = self.by_topic.keys().filter(|topic| !is_held(topic)).cloned().collect();
        for topic in &gone {
            self.remove(topic);
        }
    }
}

/// Whose share a message counts against.
fn owner(from: &From) -> Option<ClientId> {
    (!matches!(from.typ(), FromType::Admin)).then(|| from.id.client_id.clone())
}

impl Retained {
    pub(crate) fn new(limits: &Limits, memory: Memory) -> Self {
        let Limits { retained: topics, retained_bytes: bytes, .. } = *limits;
        let room = Room { topics, bytes, share: limits.retained_share, share_bytes: limits.retained_share_bytes };
        Self { tree: DefaultRetainStorage::new(), memory, held: Mutex::default(), room }
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

    /// Whether a message of `owner` may be retained at its topic.
    pub(crate) async fn has_room(&self, owner: Option<&ClientId>, publish: &Publish) -> rmqtt::Result<bool> {
        let (topic, bytes) = (&publish.topic, size(publish));
        let has_room = || self.held.lock().has_room(topic, owner, bytes, self.room);
        if !has_room() {
            self.expire().await?;
        }
        Ok(has_room())
    }

    fn note(&self, topic: &TopicName, retain: &Retain) -> bool {
        self.held.lock().set(topic, owner(&retain.from), size(&retain.publish), self.room)
    }
}

/// Bytes that count against the limit; none where the payload is empty.
fn size(publish: &Publish) -> usize {
    let payload = publish.payload.len();
    if payload == 0 { 0 } else { payload + publish.topic.len() }
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

/// The retained messages as RMQTT asks for them.
pub(crate) struct Handed(pub Arc<Retained>);

#[async_trait]
impl RetainStorage for Handed {
    fn enable(&self) -> bool {
        true
    }

    /// The expiry that RMQTT hands over has its default for messages in general; a retained one expires only when its
    /// publisher says so.
    async fn set(&self, topic: &TopicName, retain: Retain, _expiry: Option<Duration>) -> rmqtt::Result<()> {
        let own = retain.publish.properties.as_ref().and_then(|properties| properties.message_expiry_interval);
        let expiry = own.map(|seconds| Duration::from_secs(u64::from(seconds.get())));
        let Self(retained) = self;
        let fits =
            retained.has_room(owner(&retain.from).as_ref(), &retain.publish).await? && retained.note(topic, &retain);
        if !fits {
            tracing::warn!(%topic, "retained messages are at their limit: this one is not retained");
            let is_will = matches!(retain.from.typ(), FromType::LastWill);
            return if is_will { Ok(()) } else { Err(rmqtt::Error::msg("retained messages are at their limit")) };
        }
        retained.memory.retained(topic, form(&retain, expiry)?).await?;
        retained.tree.set_with_timeout(topic, retain, expiry).await
    }

    async fn get(&self, filter: &TopicFilter) -> rmqtt::Result<Vec<(TopicName, Retain)>> {
        self.0.tree.get_message(filter).await
    }

    async fn count(&self) -> isize {
        self.0.tree.count().await
    }

    async fn max(&self) -> isize {
        self.0.tree.max().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { topics: 3, bytes: 100, share: 2, share_bytes: 40 };

    fn set(held: &mut Held, owner: &'static str, topic: &'static str, bytes: usize) -> bool {
        let owner = (!owner.is_empty()).then(|| ClientId::from_static(owner));
        held.set(&TopicName::from_static(topic), owner, bytes, ROOM)
    }

    #[test]
    fn number_and_bytes_are_limited() {
        let mut held = Held::default();
        let mut check = |topic: &'static str, bytes: usize, expect: bool| {
            assert_eq!(set(&mut held, "", topic, bytes), expect, "{topic} {bytes}");
            assert!(held.bytes <= 100);
        };
        check("a", 60, true);
        check("b", 50, false);
        check("b", 30, true);
        check("c", 1, true);
        check("d", 1, false);
        check("a", 10, true);
        check("b", 0, true);
        check("d", 80, true);
        check("nothing", 0, true);
    }

    #[test]
    fn nobody_takes_the_room_of_all() {
        let mut held = Held::default();
        let mut check = |owner: &'static str, topic: &'static str, bytes: usize, expect: bool| {
            assert_eq!(set(&mut held, owner, topic, bytes), expect, "{owner} {topic} {bytes}");
        };
        check("pump-01", "a", 1, true);
        check("pump-01", "b", 1, true);
        check("pump-01", "c", 1, false);
        check("pump-01", "b", 40, false);
        check("pump-01", "b", 39, true);
        check("pump-02", "c", 1, true);
        check("pump-02", "b", 1, true);
        check("pump-02", "a", 1, false);
        check("pump-02", "c", 0, true);
        check("pump-02", "a", 1, true);
        held.keep(|topic| **topic == *"b");
        assert_eq!((held.bytes, held.shares.len(), held.by_topic.len()), (1, 1, 1));
    }
}
