//! Simulators that stand in for the systems Andon talks to, with nasty modes.
//!
//! **Purpose.** A real S/4HANA system is rarely at hand, and never willing to lose a connection on
//! request. The simulator answers as SAP Gateway does (OData V2), checks what SAP checks, and misbehaves
//! on demand: reproducibly, from a seed. Its books tell what was really created, whatever the client
//! was told.
//!
//! **Constraints.** Knows no other crate of the product but `andon-model`. Keeps everything in memory,
//! bounded. Speaks plain HTTP/1.1; meant for loopback and test networks.
//!
//! ```no_run
//! # async fn example() -> Result<(), andon_sim::SimulatorError> {
//! use andon_sim::{SapSimulator, SimulatorConfig};
//!
//! let config = SimulatorConfig { faults: "commit_then_drop=0.2,slow=0.1:200ms".parse()?, ..Default::default() };
//! let sap = SapSimulator::start(config).await?;
//! println!("{}/sap/opu/odata/sap/API_MAINTNOTIFICATION/", sap.base_url());
//! assert!(sap.books().duplicates.is_empty());
//! sap.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! # Endpoints
//!
//! Below `/sap/opu/odata/sap/` credentials are required, and every modifying request needs the CSRF token
//! *and* the session cookie of one fetch.
//!
//! | request | what |
//! |---|---|
//! | `GET`/`HEAD <service>/` | service document; with `X-CSRF-Token: Fetch` (on any read) token and cookies |
//! | `GET <service>/$metadata` | field facts as EDMX |
//! | `POST API_MAINTNOTIFICATION/MaintenanceNotification` | create, with `to_Item`, `to_ItemCause`, `to_Partner` |
//! | `GET …/MaintenanceNotification` | list: `$filter $select $expand $orderby $top $skip $inlinecount`, `/$count` |
//! | `GET …/MaintenanceNotification('N')` | read one; `/to_Item`, `/to_Partner` |
//! | `PATCH`/`MERGE …/MaintenanceNotification('N')` | change; `If-Match` required (428), stale (412) |
//! | `POST …/SetMaintNotifToInProcess?MaintenanceNotification='N'` | repeating it changes nothing |
//! | `POST …/CompleteMaintNotification?MaintenanceNotification='N'` | refused when already completed |
//! | `POST ZSERVICE_PM_NOTIFICATION_SRV/NOTIF_CREATESet` | create only; no read, no reference field |
//! | `POST <service>/$batch` | 501 |
//! | `POST /sim/echo` | answers `{"call":n,"received":body}`; counts calls per `Idempotency-Key` |
//! | `GET /sim/equipment/{id}` | a small made-up equipment, always the same for an id |
//! | `GET /sim/books` | what was really created; `?reference=KEY`, `?after=N&limit=M` |
//! | `DELETE /sim/books` | forget all documents, counters and attempts |
//! | `GET /sim/statistics` | requests by kind, faults by kind |
//! | `GET`/`POST /sim/faults` | read or change `{"seed":7,"profile":"busy=0.1"}` |
//!
//! # Faults
//!
//! A [`FaultProfile`] gives each kind a probability: `server_error=0.2,slow=0.1:200ms,reads=0.05`.
//!
//! | kind | effect | committed? |
//! |---|---|---|
//! | `server_error` | 500, 502 or 504 | no |
//! | `slow[:delay]` | waits, half of the time before and half of the time after the commit | yes |
//! | `commit_then_drop` | the connection is reset without an answer | **yes** |
//! | `drop_before` | the connection is reset without an answer | no |
//! | `commit_then_500` | 500 | **yes** |
//! | `token_expired` | the session is gone: 403, `x-csrf-token: Required` | no |
//! | `unauthorized` | 401 with an HTML page | no |
//! | `busy[:retry-after]` | 503 or 429, with `Retry-After` | no |
//! | `refuse_to_connect[:outage]` | resets the connection and refuses new ones for a while | no |
//! | `reads=rate` | reads meet `server_error`, `drop_before` or `busy` at this rate | – |
//!
//! Which request meets which fault depends only on the seed, the reference key (without one: the content
//! of the request) and how often that key was sent; see [`FaultProfile`].
//!
//! **Life of a request.** Counted → credentials → CSRF pairing → fault drawn → checked against the field
//! facts → committed to the books → answered, or not.

mod btp;
mod devices;
mod faults;
mod llm;
mod lock;
mod mesh;
mod notes;
mod sap;
mod statistics;
mod wire;

pub use btp::{RuleRow, RuleService};
pub use faults::{FaultKind, FaultProfile, FaultTextError};
pub use mesh::QueueBinding;
pub use sap::{
    Access, AttachmentEntry, BookEntry, Books, ChildEntry, DevicePatch, Duplicate, EchoEntry, ErrorShape,
    InvalidErrorShape, LlmCall, MeshMessage, NotCreatable, RuleCall, SapSimulator, SimulatorConfig, SimulatorError,
    Totals, serve,
};
pub use statistics::StatisticsReport;
