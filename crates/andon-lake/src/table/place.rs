//! Where the lake lies: a folder that is synced, or a path in a bucket.

use std::sync::Arc;

use andon_model::{Clock, Problem};
use object_store::prefix::PrefixStore;

use super::lake::DeltaLake;
use super::settings::LakeSettings;
use crate::StoreAddress;
use crate::raw::RawLog;

impl DeltaLake {
    /// Opens the lake of the readings of `log` at `address`, or begins one.
    pub async fn open_at(
        address: StoreAddress,
        log: Arc<RawLog>,
        clock: Arc<dyn Clock>,
        settings: LakeSettings,
    ) -> Result<Self, Problem> {
        let StoreAddress { store, root } = address;
        if root.is_empty() {
            return Self::open(store, log, clock, settings).await;
        }
        Self::open(Arc::new(PrefixStore::new(store, root)), log, clock, settings).await
    }
}
