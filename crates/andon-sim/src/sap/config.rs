//! How a simulator is set up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use andon_model::{Clock, IdSource, Secret, SystemClock, SystemIds};

use crate::btp::RuleService;
use crate::faults::FaultProfile;

/// The credentials that the services ask for.
#[derive(Debug, Clone)]
pub enum Access {
    /// HTTP basic authentication.
    Basic {
        /// Name of the user; also the creator of documents, in upper case.
        user: String,
        /// The user's password.
        password: Secret,
    },
    /// Header `APIKey`, as an API management layer in front of SAP asks for it.
    ApiKey(Secret),
    /// Nobody is asked.
    Open,
}

/// What happens to a property that the metadata calls not creatable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotCreatable {
    /// 400, except for the properties named here, which are ignored.
    RejectExcept(BTreeSet<String>),
    /// Ignored.
    Ignore,
}

/// The shape of the errors that the application raises (a value is refused). Errors of the framework
/// have their own shapes, whatever stands here; XML is sent when JSON was not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorShape {
    /// `innererror` with application, transaction, resolution and details.
    #[default]
    Gateway,
    /// As the newer framework writes it: more members per detail.
    Sadl,
    /// Without `innererror`.
    NoInner,
    /// A detail whose `message` is an object.
    DetailMessageObject,
    /// An HTML page.
    Html,
    /// The XML document, also when JSON was asked for.
    Xml,
    /// The message as plain text.
    Text,
    /// One after the other.
    Mixed,
}

/// Why a text is not an [`ErrorShape`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an error shape; there are gateway, sadl, no_inner, detail_message_object, html, xml, text, mixed"
)]
pub struct InvalidErrorShape(String);

impl FromStr for ErrorShape {
    type Err = InvalidErrorShape;
    fn from_str(text: &str) -> Result<Self, InvalidErrorShape> {
        match text {
            "gateway" => Ok(Self::Gateway),
            "sadl" => Ok(Self::Sadl),
            "no_inner" => Ok(Self::NoInner),
            "detail_message_object" => Ok(Self::DetailMessageObject),
            "html" => Ok(Self::Html),
            "xml" => Ok(Self::Xml),
            "text" => Ok(Self::Text),
            "mixed" => Ok(Self::Mixed),
            other => Err(InvalidErrorShape(other.to_owned())),
        }
    }
}

/// The settings of a simulator. Start from [`Default`] and change what matters.
#[derive(Clone)]
pub struct SimulatorConfig {
    /// Where to listen; port 0 takes a free one. Default: `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// Credentials. Default: basic, `ANDON` with password `simulated`.
    pub access: Access,
    /// SAP client, part of the cookies. Default: `100`.
    pub client: String,
    /// Seed of the faults. Default: 1.
    pub seed: u64,
    /// The faults. Default: none.
    pub faults: FaultProfile,
    /// A session ends after so much time without a request. Default: 30 minutes.
    pub session_lifetime: Duration,
    /// Number of the first document. Default: 10000001.
    pub first_number: u64,
    /// Most documents kept; beyond it a create is answered with 507. About 2 KB each. Default: 1,000,000.
    pub max_documents: usize,
    /// Longest accepted body; an attachment may be longer. Default: 1 MiB.
    pub max_body_bytes: usize,
    /// Longest accepted attachment; a longer one is answered with 413. Default: 10 MiB.
    pub max_attachment_bytes: usize,
    /// Most bytes of attachments kept; beyond it an upload is answered with 507. Default: 256 MiB.
    pub max_content_bytes: usize,
    /// How long an access token of `/oauth/token` is good. Default: 43,199 s, as SAP's.
    pub token_lifetime: Duration,
    /// What the destination service knows: properties by name of the destination, in which `{base}` stands
    /// for the simulator's address. Default: five that point to the simulator itself.
    pub destinations: BTreeMap<String, BTreeMap<String, String>>,
    /// What the rule service knows. Default: one that decides actions, one that knows plant details.
    pub rules: Vec<RuleService>,
    /// Most entities in one answer; beyond it `__next` leads on. Default: 5,000.
    pub page_size: usize,
    /// What happens to properties that are not creatable. Default: reject, except `TechnicalObjectLabel`,
    /// which published samples send.
    pub not_creatable: NotCreatable,
    /// Equipment that exists, without leading zeros; any other is refused. Default: no check.
    pub known_equipment: Option<BTreeSet<String>>,
    /// Every so many documents a create succeeds with warnings in header `sap-message`. Default: 10.
    pub warn_every: Option<NonZeroU64>,
    /// The shape of application errors. Default: the full gateway shape.
    pub error_shape: ErrorShape,
    /// Whether a create that repeats a `RequestID` is recognised, as customised SAP Gateways do it.
    /// Default: off, as in most systems.
    pub repeatability: bool,
    /// Source of stamps.
    pub clock: Arc<dyn Clock>,
    /// Source of tokens and session ids.
    pub ids: Arc<dyn IdSource>,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            access: Access::Basic { user: "ANDON".to_owned(), password: Secret::new("simulated") },
            client: "100".to_owned(),
            seed: 1,
            faults: FaultProfile::none(),
            session_lifetime: Duration::from_mins(30),
            first_number: 10_000_001,
            max_documents: 1_000_000,
            max_body_bytes: 1 << 20,
            max_attachment_bytes: 10 << 20,
            max_content_bytes: 256 << 20,
            token_lifetime: Duration::from_secs(43_199),
            destinations: crate::btp::usual_destinations(),
            rules: crate::btp::usual_rules(),
            page_size: 5_000,
            not_creatable: NotCreatable::RejectExcept(BTreeSet::from(["TechnicalObjectLabel".to_owned()])),
            known_equipment: None,
            warn_every: NonZeroU64::new(10),
            error_shape: ErrorShape::Gateway,
            repeatability: false,
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds::default()),
        }
    }
}

impl SimulatorConfig {
    /// The user that documents name as their creator: at most 12 characters in upper case.
    pub(crate) fn creator(&self) -> String {
        match &self.access {
            Access::Basic { user, .. } => user.to_uppercase().chars().take(12).collect(),
            Access::ApiKey(_) | Access::Open => "ANONYMOUS".to_owned(),
        }
    }
}
