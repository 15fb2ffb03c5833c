//! What people ask of the plant. It is done by the lane, between two readings, and is in a snapshot before it is answered.

use andon_assets::definition::Links;
use andon_assets::{Applied, Operation, OperationError, OperationKind, Plant};
use andon_model::Timestamp;
use tokio::sync::oneshot;

use super::handle::PlantError;

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
}

impl What {
    /// Does it at `at`. What that changed is told even when the wish itself is refused: time has passed.
    pub(super) fn fulfil(self, plant: &mut Plant, at: Timestamp) -> (Applied, Result<(), OperationError>) {
        match self {
            Self::Operate { asset, alarm, kind, by, note } => {
                plant.operate(&Operation { asset, alarm, kind, at, by: Some(by), note })
            }
            Self::Link { asset, links } => (Applied::default(), plant.link(&asset, links)),
        }
    }
}
