//! What every handler shares.

use std::future::Future;
use std::sync::Arc;

use andon_devices::door::LiveDoor;
use andon_engine::Handle;
use andon_journal::{Attachments, ReadingViews, Secrets};
use andon_model::{Clock, Code, IdSource, Problem};
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::auth::TokenBook;
use crate::body::BodyBudget;
use crate::devices::Office;
use crate::error::ApiError;
use crate::{RenderMetrics, ServerParts, ServerSettings};

/// The API's state; handlers hold it in an `Arc`.
pub(crate) struct Api {
    pub(crate) handle: Handle,
    pub(crate) attachments: Arc<dyn Attachments>,
    pub(crate) tokens: TokenBook,
    pub(crate) secrets: Arc<dyn Secrets>,
    pub(crate) office: Arc<Office>,
    pub(crate) door: Arc<dyn LiveDoor>,
    pub(crate) readings: Arc<dyn ReadingViews>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) metrics: RenderMetrics,
    pub(crate) settings: ServerSettings,
    /// Places for requests; none free means 503.
    pub(crate) places: Semaphore,
    /// Memory for bodies.
    pub(crate) bodies: BodyBudget,
    /// Places for detached work, which may outlive its request.
    work: Arc<Semaphore>,
}

impl Api {
    pub(crate) fn new(parts: ServerParts) -> Self {
        let ServerParts { handle, attachments, tokens, secrets, office, door, readings, clock, ids, metrics, settings } =
            parts;
        Self {
            handle,
            attachments,
            tokens: TokenBook::new(tokens, clock.clone()),
            secrets,
            office: Arc::new(Office::new(office, clock.clone(), ids.clone())),
            door,
            readings,
            clock,
            ids,
            metrics,
            places: Semaphore::new(settings.max_requests.clamp(1, Semaphore::MAX_PERMITS)),
            bodies: BodyBudget::new(settings.all_bodies_bytes),
            work: Arc::new(Semaphore::new(settings.max_requests.clamp(1, Semaphore::MAX_PERMITS))),
            settings,
        }
    }

    /// Runs work to its end even when the sender hangs up or the deadline passes: what changes state
    /// must not stop between its durable write and what follows from it. At most as many at once as
    /// requests are allowed.
    pub(crate) async fn detached<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let place = self.work.clone().acquire_owned().await.map_err(|_| broken("no more work is taken"))?;
        let task = async move {
            let output = work.await;
            drop(place);
            output
        };
        tokio::spawn(task.in_current_span()).await.map_err(|_| broken("the work ended without an answer"))
    }
}

fn broken(detail: &str) -> ApiError {
    ApiError::from(Problem::new(Code::Internal, detail))
}
