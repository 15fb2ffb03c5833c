//! Values as they change, for whoever watches.
//!
//! **Constraints.** The lane never waits for a watcher. One that is slower than the plant is told how many updates it has
//! missed, and goes on with the newest ones; the latest values can be asked for at any time.

use std::collections::BTreeSet;
use std::sync::Arc;

use andon_assets::{Change, Transition};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// What a few inputs have changed together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LiveUpdate {
    /// New values, in order.
    pub changes: Vec<Change>,
    /// Alarms that went to another state, in order.
    pub transitions: Vec<Transition>,
    /// Ids of assets that were created.
    pub created: Vec<Arc<str>>,
}

impl LiveUpdate {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.transitions.is_empty() && self.created.is_empty()
    }

    /// What concerns these assets, and of their values these properties. Empty sets leave nothing out.
    fn only(&self, assets: &BTreeSet<String>, properties: &BTreeSet<String>) -> Self {
        let watched = |asset: &str| assets.is_empty() || assets.contains(asset);
        let named = |property: &str| properties.is_empty() || properties.contains(property);
        let changes = self.changes.iter().filter(|change| watched(&change.asset) && named(&change.property));
        let transitions = self.transitions.iter().filter(|transition| watched(&transition.asset));
        Self {
            changes: changes.cloned().collect(),
            transitions: transitions.cloned().collect(),
            created: self.created.iter().filter(|asset| watched(asset)).cloned().collect(),
        }
    }
}

/// What a watcher gets.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveItem {
    /// Something has changed.
    Update(LiveUpdate),
    /// So many updates were missed: the watcher is too slow. Ask for the latest values.
    Missed(u64),
}

/// A watcher's view of the plant.
pub struct LiveValues {
    updates: broadcast::Receiver<Arc<LiveUpdate>>,
    assets: BTreeSet<String>,
    properties: BTreeSet<String>,
}

impl LiveValues {
    pub(super) const fn new(
        updates: broadcast::Receiver<Arc<LiveUpdate>>,
        assets: BTreeSet<String>,
        properties: BTreeSet<String>,
    ) -> Self {
        Self { updates, assets, properties }
    }

    /// What changes next of what is watched; `None` when the plant stops. Safe to cancel.
    pub async fn next(&mut self) -> Option<LiveItem> {
        loop {
            match self.updates.recv().await {
                Ok(update) => {
                    let update = update.only(&self.assets, &self.properties);
                    if !update.is_empty() {
                        return Some(LiveItem::Update(update));
                    }
                }
                Err(RecvError::Lagged(missed)) => return Some(LiveItem::Missed(missed)),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
