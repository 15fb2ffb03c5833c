//! Where the state of the assets is kept between two starts.

use andon_model::Problem;
use async_trait::async_trait;
use bytes::Bytes;

/// One snapshot, replaced as a whole: whoever loads it finds the last one that was saved, or, after a crash while saving,
/// the one before. Nobody but the one who saved it knows what is in it.
#[async_trait]
pub trait PlantMemory: Send + Sync {
    /// The snapshot; `None` if there was never one.
    async fn load(&self) -> Result<Option<Bytes>, Problem>;

    /// Replaces it. Durable when this returns; an `Err` means *unknown*.
    async fn save(&self, snapshot: Bytes) -> Result<(), Problem>;
}
