//! What people ask of the plant. It is done by the lane, between two readings, and is in a snapshot before it is answered.

use andon_assets::definition::Links;
use andon_assets::{Applied, Operation, OperationError, OperationKind};
use andon_model::Timestamp;
use tokio::sync::oneshot;

use super::handle::PlantError;
use super::shared::PlantShared;

/// Answered when it is durable.
pub(super) type Reply = oneshot::Sender<Result<(), PlantError>>;

/// A wish with whom to answer.
pub(crate) struct Wish {
    pub(super) what: What,
    pub(super) reply: Reply,
}

/// What somebody wants.
pub(super) enum What {
    /// Something of an alarm.
    Operate { asset: String, alarm: String, kind: OperationKind, by: String, note: Option<String> },
    /// An asset is called so in SAP.
    Link { asset: String, links: Links },
    /// SAP has said what assets are called there.
    Found(Vec<(String, Links)>),
    /// An asset that a reading had created is gone.
    Remove { asset: String },
}

impl What {
    /// Does it at `at`. What that changed is told even when the wish itself is refused: time has passed.
    pub(super) fn fulfil(self, shared: &PlantShared, at: Timestamp) -> (Applied, Result<(), OperationError>) {
        match self {
            Self::Operate { asset, alarm, kind, by, note } => {
                shared.plant.write().operate(&Operation { asset, alarm, kind, at, by: Some(by), note })
            }
            Self::Link { asset, links } => (Applied::default(), shared.plant.write().link(&asset, links)),
            Self::Found(found) => {
                let mut plant = shared.plant.write();
                // Who is gone by now, or has an impossible name, has none.
                for (asset, links) in found {
                    drop(plant.found(&asset, links));
                }
                (Applied::default(), Ok(()))
            }
            Self::Remove { asset } => (Applied::default(), shared.remove(&asset)),
        }
    }
}
