//! What every handler shares.

use std::future::Future;
use std::sync::Arc;

use andon_devices::door::LiveDoor;
use andon_engine::Handle;
use andon_journal::{Attachments, Lake, ReadingLog, ReadingViews, Secrets};
use andon_model::{Clock, Code, IdSource, Problem};
use tokio::sync::{Semaphore, watch};
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
    pub(crate) log: Arc<dyn ReadingLog>,
    pub(crate) lake: Option<Arc<dyn Lake>>,
    pub(crate) event_time: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) metrics: RenderMetrics,
    pub(crate) settings: ServerSettings,
    /// Places for requests; none free means 503.
    pub(crate) places: Semaphore,
    /// Places for streams, which outlive their request.
    pub(crate) streams: Arc<Semaphore>,
    /// Turns true when the server stops; streams end then.
    pub(crate) stop: watch::Sender<bool>,
    /// Memory for bodies.
    pub(crate) bodies: BodyBudget,
    /// Places for detached work, which may outlive its request.
    work: Arc<Semaphore>,
}

impl Api {
    pub(crate) fn new(parts: ServerParts) -> Self {
        let settings = parts.settings;
        let places = |count: usize| Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS));
        Self {
            handle: parts.handle,
            attachments: parts.attachments,
            tokens: TokenBook::new(parts.tokens, parts.clock.clone()),
            secrets: parts.secrets,
            office: Arc::new(Office::new(parts.office, parts.clock.clone(), parts.ids.clone())),
            door: parts.door,
            readings: parts.readings,
            log: parts.log,
            lake: parts.lake,
            event_time: parts.event_time,
            clock: parts.clock,
            ids: parts.ids,
            metrics: parts.metrics,
            places: places(settings.max_requests),
            streams: Arc::new(places(settings.max_streams)),
            stop: watch::Sender::new(false),
            bodies: BodyBudget::new(settings.all_bodies_bytes),
            work: Arc::new(places(settings.max_requests)),
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
