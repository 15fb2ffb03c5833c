//! The caller of a handler: a token whose role allows what the handler does.

use std::marker::PhantomData;
use std::sync::Arc;

use andon_devices::token::{ClientId, TokenRejected};
use andon_journal::{Role, TokenRow};
use andon_model::{Code, Name, Problem};
use axum::extract::FromRequestParts;
use http::request::Parts;
use metrics::counter;
use tracing::Span;

use super::credentials::token_of;
use super::token_book::TokenRefused;
use crate::api::Api;
use crate::devices::Grants;
use crate::error::ApiError;

/// What a handler needs its caller to be.
pub(crate) trait Need: Send + Sync + 'static {
    /// Roles that suffice.
    const ROLES: &'static [Role];
    /// The roles in words.
    const WORDS: &'static str;
    /// Schemes named in a 401. Basic is accepted everywhere, but named only to senders of events: a
    /// browser that is asked for it would send it along with requests of foreign pages.
    const CHALLENGE: &'static str = "Bearer realm=\"andon\"";
    /// Whether an access token for devices suffices as well.
    const DEVICES: bool = false;
    /// Whether a claim suffices, for the devices on its list.
    const CLAIM: bool = false;
}

/// Delivering events.
pub(crate) struct Deliver;
/// Asking decisions, as other systems do.
pub(crate) struct Ask;
/// Reading.
pub(crate) struct Read;
/// Moving runs, replaying, testing.
pub(crate) struct Operate;
/// Tokens, secrets, configuration.
pub(crate) struct Administer;
/// Looking at devices.
pub(crate) struct SeeDevices;
/// Reading whom devices are to trust.
pub(crate) struct SeeAuthorities;
/// Onboarding, changing and revoking devices.
pub(crate) struct ManageDevices;
/// Onboarding a device, which a claim may do too.
pub(crate) struct Enrol;

impl Need for Deliver {
    const ROLES: &'static [Role] = &[Role::Intake, Role::Operator, Role::Admin];
    const WORDS: &'static str = "intake, operator or admin";
    const CHALLENGE: &'static str = "Bearer realm=\"andon\", Basic realm=\"andon\"";
}

impl Need for Ask {
    const ROLES: &'static [Role] = &[Role::Intake, Role::Viewer, Role::Operator, Role::Admin];
    const WORDS: &'static str = "intake, viewer, operator or admin";
    const CHALLENGE: &'static str = Deliver::CHALLENGE;
}

impl Need for Read {
    const ROLES: &'static [Role] = &[Role::Viewer, Role::Operator, Role::Admin];
    const WORDS: &'static str = "viewer, operator or admin";
}

impl Need for Operate {
    const ROLES: &'static [Role] = &[Role::Operator, Role::Admin];
    const WORDS: &'static str = "operator or admin";
}

impl Need for Administer {
    const ROLES: &'static [Role] = &[Role::Admin];
    const WORDS: &'static str = "admin";
}

impl Need for SeeDevices {
    const ROLES: &'static [Role] = Read::ROLES;
    const WORDS: &'static str = "viewer, operator or admin, or the scope andon/devices";
    const DEVICES: bool = true;
}

impl Need for SeeAuthorities {
    const ROLES: &'static [Role] = Read::ROLES;
    const WORDS: &'static str = "viewer, operator or admin, or the scope andon/devices or andon/claim";
    const DEVICES: bool = true;
    const CLAIM: bool = true;
}

impl Need for ManageDevices {
    const ROLES: &'static [Role] = Operate::ROLES;
    const WORDS: &'static str = "operator or admin, or the scope andon/devices";
    const DEVICES: bool = true;
}

impl Need for Enrol {
    const ROLES: &'static [Role] = Operate::ROLES;
    const WORDS: &'static str = "operator or admin, or the scope andon/devices or andon/claim";
    const DEVICES: bool = true;
    const CLAIM: bool = true;
}

/// Proof that the caller has what `N` needs. Put it before the body in a handler's arguments, so that
/// nothing is read for strangers.
pub(crate) struct Caller<N> {
    /// Name of the token: the author of changes.
    pub(crate) name: Name,
    /// The client whose claim it makes use of, because it may do nothing else.
    pub(crate) claim: Option<ClientId>,
    need: PhantomData<N>,
}

impl<N: Need> FromRequestParts<Arc<Api>> for Caller<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let Some(token) = token_of(&parts.headers) else {
            return Err(unauthenticated::<N>("missing", "send `Authorization: Bearer <token>`"));
        };
        if is_access_token(token.expose()) {
            let grants = api.office.verify(token.expose()).await?.map_err(rejected::<N>)?;
            return allow::<N>(grants);
        }
        let row = api.tokens.authenticate(token.expose()).await.map_err(refused::<N>)?;
        allow::<N>(row.into())
    }
}

/// An access token is a JWT: three parts, the first of which is JSON in base64url. API tokens have no dots.
fn is_access_token(token: &str) -> bool {
    token.starts_with("eyJ") && token.bytes().filter(|b| *b == b'.').count() == 2
}

impl From<TokenRow> for Grants {
    fn from(row: TokenRow) -> Self {
        Self { name: row.name, client: None, roles: vec![row.role], devices: false, claim: false }
    }
}

fn allow<N: Need>(grants: Grants) -> Result<Caller<N>, ApiError> {
    Span::current().record("caller", grants.name.as_str());
    let Grants { name, client, roles, devices, claim } = grants;
    if roles.iter().any(|role| N::ROLES.contains(role)) || (N::DEVICES && devices) {
        return Ok(Caller { name, claim: None, need: PhantomData });
    }
    if let Some(client) = client.filter(|_| N::CLAIM && claim) {
        return Ok(Caller { name, claim: Some(client), need: PhantomData });
    }
    counter!("andon_http_forbidden_total").increment(1);
    Err(Problem::new(Code::Forbidden, format!("the token {name} lacks the role {}", N::WORDS)).into())
}

fn rejected<N: Need>(why: TokenRejected) -> ApiError {
    let reason = if why == TokenRejected::Expired { "expired" } else { "unknown" };
    unauthenticated::<N>(reason, why.to_string())
}

fn refused<N: Need>(why: TokenRefused) -> ApiError {
    let detail = why.to_string();
    match why {
        TokenRefused::Unknown => unauthenticated::<N>("unknown", detail),
        TokenRefused::Expired { .. } => unauthenticated::<N>("expired", detail),
        TokenRefused::Journal(error) => error.into(),
    }
}

fn unauthenticated<N: Need>(reason: &'static str, detail: impl Into<String>) -> ApiError {
    counter!("andon_http_authentication_failures_total", "reason" => reason).increment(1);
    ApiError::from(Problem::new(Code::Unauthenticated, detail)).challenge(N::CHALLENGE)
}
