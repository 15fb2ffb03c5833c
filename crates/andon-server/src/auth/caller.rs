//! The caller of a handler: a token whose role allows what the handler does.

use std::marker::PhantomData;
use std::sync::Arc;

use andon_journal::{Role, TokenRow};
use andon_model::{Code, Name, Problem};
use axum::extract::FromRequestParts;
use http::request::Parts;
use metrics::counter;
use tracing::Span;

use super::credentials::token_of;
use super::token_book::TokenRefused;
use crate::api::Api;
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

/// Proof that the caller has what `N` needs. Put it before the body in a handler's arguments, so that
/// nothing is read for strangers.
pub(crate) struct Caller<N> {
    /// Name of the token: the author of changes.
    pub(crate) name: Name,
    need: PhantomData<N>,
}

impl<N: Need> FromRequestParts<Arc<Api>> for Caller<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let Some(token) = token_of(&parts.headers) else {
            return Err(unauthenticated::<N>("missing", "send `Authorization: Bearer <token>`"));
        };
        let row = api.tokens.authenticate(token.expose()).await.map_err(refused::<N>)?;
        allow::<N>(row)
    }
}

fn allow<N: Need>(row: TokenRow) -> Result<Caller<N>, ApiError> {
    Span::current().record("caller", row.name.as_str());
    if N::ROLES.contains(&row.role) {
        return Ok(Caller { name: row.name, need: PhantomData });
    }
    counter!("andon_http_forbidden_total").increment(1);
    Err(Problem::new(Code::Forbidden, format!("the token {} lacks the role {}", row.name, N::WORDS)).into())
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
