//! Simulators that stand in for the systems Andon talks to, with nasty modes.
//!
//! **Purpose.** A real S/4HANA system is rarely at hand, and never willing to lose a connection on
//! request. The simulator answers as SAP Gateway does (OData V2), checks what SAP checks, and misbehaves
//! on demand: reproducibly, from a seed. Its books tell what was really created, whatever the client
//! was told. On the same port stand the systems around it: access tokens, the destination service, the rule
//! service, a language model, an event mesh and devices.
//!
//! In the other direction, [`fleet`] has devices that connect to a broker with certificates and publish, with faults of
//! their own and a ledger of what was acknowledged.
//!
//! [`SimulatedBucket`] is an object store as S3, which can be slow or silent.
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
//! | `POST <service>/<set>` | create, with children |
//! | `GET <service>/<set>` | list: `$filter $select $expand $orderby $top $skip $inlinecount`, `/$count` |
//! | `GET <service>/<set>(<key>)` | read one; `/<navigation>` its children, `/<property>` one value |
//! | `PATCH`/`MERGE <service>/<set>(<key>)` | change; `If-Match` required (428), stale (412) |
//! | `POST …/SetMaintNotifToInProcess?MaintenanceNotification='N'` | repeating it changes nothing |
//! | `POST …/CompleteMaintNotification?MaintenanceNotification='N'` | refused when already completed |
//! | `POST API_CV_ATTACHMENT_SRV/AttachmentContentSet` | raw bytes; headers say what they belong to |
//! | `GET …/GetAllOriginals?…`, `GET …/GetAttachmentCount?…` | the attachments of an object |
//! | `POST <service>/$batch` | `multipart/mixed`; a changeset stands or falls as a whole |
//! | `POST /oauth/token` | access tokens for client credentials or a password |
//! | `GET /destination-configuration/v1/destinations/<name>` | a destination with its tokens |
//! | `POST …/v2/rule-services`, `POST …/v1/rule-services` | decisions |
//! | `POST …/chat/completions`, `…/invoke`, `…/converse` | a language model |
//! | `POST /TOPIC/<topic>`, `POST /QUEUE/<queue>` | publish to the mesh |
//! | `PATCH`/`GET /api/devices/<id>/properties?api-version=…` | properties of a device |
//! | `POST /sim/echo` | answers `{"call":n,"received":body}`; counts calls per `Idempotency-Key` |
//! | `GET /sim/equipment/{id}` | a small made-up equipment, always the same for an id |
//! | `GET /sim/books` | what was really created; `?reference=KEY`, `?contains=TEXT`, `?after=N&limit=M` |
//! | `DELETE /sim/books` | forget all documents, counters and attempts |
//! | `GET /sim/statistics` | requests by kind, faults by kind |
//! | `GET`/`POST /sim/faults` | read or change `{"seed":7,"profile":"busy=0.1"}` |
//! | `GET`/`PUT /sim/rules` | the [`RuleService`]s |
//! | `PUT /sim/destinations/<name>` | the properties of a destination |
//! | `GET`/`PUT`/`DELETE /sim/mesh` | queues and messages; a [`QueueBinding`]; none |
//!
//! `docs/guide/simulators.md` lists the services, their references, and every fault.
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
//! | `etag_moved` | 412, and the entity has really changed (changes only) | no |
//! | `precondition_required` | 428 though `If-Match` was sent (changes only) | no |
//! | `locked` | 423 in SAP's error shape | no |
//! | `partial_batch` | the last part of a `$batch` fails | the parts before it |
//! | `slow_drip[:span]` | the bytes of the answer trickle | yes |
//! | `html_error`, `xml_error`, `text_error` | 500 in that form | no |
//! | `empty_result` | the rule service finds nothing | – |
//! | `token_denied` | the token endpoint answers 401 | – |
//! | `auth_token_error` | a destination comes with an error instead of a token, in a 200 | – |
//! | `redeliver` | the mesh delivers once more what was acknowledged | yes |
//! | `llm_broken_json`, `llm_huge`, `llm_injection`, `llm_refusal` | hostile answers, status 200 | – |
//! | `llm_silent[:span]` | the model takes the request and never answers | – |
//! | `llm_rate_limited` | 429 as the provider words it | – |
//! | `reads=rate` | reads meet `server_error`, `drop_before` or `busy` at this rate | – |
//!
//! Which request meets which fault depends only on the seed, the reference key (without one: the content
//! of the request) and how often that key was sent; see [`FaultProfile`].
//!
//! **Life of a request.** Counted → credentials → CSRF pairing → fault drawn → checked against the field
//! facts → committed to the books → answered, or not.

mod btp;
mod bucket;
mod devices;
mod faults;
pub mod fleet;
mod llm;
mod lock;
mod mesh;
mod notes;
mod sap;
mod statistics;
mod wire;

pub use btp::{RuleRow, RuleService};
pub use bucket::{BucketPace, SimulatedBucket};
pub use faults::{FaultKind, FaultProfile, FaultTextError};
pub use mesh::QueueBinding;
pub use sap::{
    Access, AttachmentEntry, BookEntry, Books, ChildEntry, DevicePatch, Duplicate, EchoEntry, ErrorShape,
    InvalidErrorShape, LlmCall, MeshMessage, NotCreatable, RuleCall, SapSimulator, SimulatorConfig, SimulatorError,
    Totals, serve,
};
pub use statistics::StatisticsReport;
