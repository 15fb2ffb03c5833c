//! Where events about devices go: onto the event lane, past the sources that others send to.

use andon_engine::Handle;
use andon_model::{Event, Problem};

/// Takes events; what it took is durable.
pub(crate) trait Tell: Send + Sync + 'static {
    /// Stores `event`, or finds that it is stored.
    fn tell(&self, event: Event) -> impl Future<Output = Result<(), Problem>> + Send;
}

impl Tell for Handle {
    async fn tell(&self, event: Event) -> Result<(), Problem> {
        self.tell_own(event).await.map_err(|error| Problem::from(&error))
    }
}
