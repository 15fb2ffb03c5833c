//! What a door must find again after a restart: who has a session, what it subscribes to, and what is retained.
//!
//! **Constraints.** The texts are the door's own; whoever keeps them does not look inside. They name no secret.
//!
//! **Life of an entry.** The door changes it before it acknowledges what led to the change, and reads all of them once,
//! when it opens.

use async_trait::async_trait;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemoryKind {
    /// A session; its owner is the client id, its name empty.
    Session,
    /// A subscription; its owner is the client id, its name the filter.
    Subscription,
    /// A retained payload; its owner is empty, its name the topic.
    Retained,
    /// A message that waits for a client; its owner is the client id, its name a number that grows with each message.
    Waiting,
}

impl MemoryKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Session, Self::Subscription, Self::Retained, Self::Waiting];

    /// The word under which it is stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Subscription => "subscription",
            Self::Retained => "retained",
            Self::Waiting => "waiting",
        }
    }
}

/// An entry. Kind, owner and name together are its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryEntry {
    /// What it is about.
    pub kind: MemoryKind,
    /// Whose it is.
    pub owner: String,
    /// Its name among those of its owner.
    pub name: String,
    /// The text, in JSON.
    pub value: String,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemoryChange {
    /// Keeps an entry, in place of one with the same key.
    Keep(MemoryEntry),
    /// Forgets the entry with this key, if there is one.
    Forget {
        /// What it is about.
        kind: MemoryKind,
        /// Whose it is.
        owner: String,
        /// Its name.
        name: String,
    },
    /// Forgets the session of a client, with its subscriptions and all that waits for it.
    ForgetClient(String),
}

/// Why something is not remembered; whether it was changed is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the memory of the door: {0}")]
pub struct MemoryError(pub String);

/// Where a door keeps what outlives it.
#[async_trait]
pub trait DoorMemory: Send + Sync {
    /// Every entry.
    async fn load(&self) -> Result<Vec<MemoryEntry>, MemoryError>;

    /// Makes the changes, in their order and all or none, and answers when they are durable.
    async fn change(&self, changes: Vec<MemoryChange>) -> Result<(), MemoryError>;
}
