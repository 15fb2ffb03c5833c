//! The REST API of Andon: intake, evidence, people's wishes and configuration over HTTP.
//!
//! **Constraints.** Knows the engine by its [`Handle`] only, and storage only where the API itself owns
//! the data (tokens, secrets and devices), and other systems by the port [`Outside`]. Decides nothing about events. Every body, page, connection, request
//! and piece of work has a limit; credentials reach neither logs nor answers (invariant K1); a delivery
//! is answered with 2xx only after it is durable (invariant J3). Speaks HTTP/1.1 in the clear: encryption
//! is the task of a proxy in front, which is why the default address is the loopback interface.
//!
//! **Life of a request.** [`serve`] reads its head within limits and hands it to the [`router`]:
//! `observe` gives it an id and a span, `gate` a free place and a deadline; the handler's `Caller`
//! checks token and role before the body is read; what changes state runs as `detached` work, so that
//! a sender who hangs up cannot cut it in half; the answer, or a problem in the form of RFC 9457, goes
//! back and one line goes to the access log.

mod api;
mod auth;
mod body;
mod devices;
mod diff;
mod error;
mod extract;
mod gate;
mod handover;
mod listener;
mod mailer;
mod observe;
mod openapi;
mod outside;
mod routes;
pub mod schema;
mod settings;
mod telemetry;

use std::sync::Arc;

use andon_devices::door::LiveDoor;
use andon_engine::Handle;
use andon_journal::{Attachments, Document, DocumentKind, Finding, Lake, ReadingLog, ReadingViews, Secrets, Tokens};
use andon_model::{Clock, IdSource, Problem};

pub use auth::{OidcSettings, fresh_token, token_from_bytes, token_hash};
pub use devices::{DeviceSettings, OfficeParts};
pub use listener::serve;
pub use mailer::{Mail, Mailer};
pub use openapi::openapi_json;
pub use outside::{Ask, NoAnswer, Outside};
pub use settings::{DEFAULT_LISTEN, ServerSettings};

/// Renders the process's metrics in the Prometheus text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What the API works with.
pub struct ServerParts {
    /// The engine's door.
    pub handle: Handle,
    /// What is attached to events.
    pub attachments: Arc<dyn Attachments>,
    /// Storage of API tokens.
    pub tokens: Arc<dyn Tokens>,
    /// Storage of secrets: written by the API, read to check signatures.
    pub secrets: Arc<dyn Secrets>,
    /// What devices are onboarded and managed with.
    pub office: OfficeParts,
    /// The door by which devices come in.
    pub door: Arc<dyn LiveDoor>,
    /// What devices have reported.
    pub readings: Arc<dyn ReadingViews>,
    /// Where readings go that are reported over HTTP.
    pub log: Arc<dyn ReadingLog>,
    /// Readings as tables; none where the settings leave it out.
    pub lake: Option<Arc<dyn Lake>>,
    /// Where the time of a reading is in its payload, with dots; empty where the settings name no place.
    pub event_time: String,
    /// The present, for expiry and signatures.
    pub clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub ids: Arc<dyn IdSource>,
    /// What `/metrics` answers.
    pub metrics: RenderMetrics,
    /// Limits and times.
    pub settings: ServerSettings,
}

/// What is wrong with a document of a kind that only the API reads: saved queries, whose text is one that the lake answers when
/// `is_statement` says so.
pub fn check_document(document: &Document, is_statement: impl FnOnce(&str) -> Result<(), Problem>) -> Option<Finding> {
    if document.kind != DocumentKind::Query {
        return None;
    }
    telemetry::saved_query::check_with(document, is_statement).err().map(Finding::error)
}

/// The whole API as a service, without a listener.
pub fn router(parts: ServerParts) -> axum::Router {
    observe::register_counters();
    routes::router(Arc::new(api::Api::new(parts)))
}
