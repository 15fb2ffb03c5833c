//! Answering a token request: who asks, may they, and the tokens.

use andon_model::{IdSource, Secret, Timestamp};
use serde::Serialize;

use super::claims::CLAIMS_VERSION;
use super::{
    AccessClaims, Client, Grant, GrantKind, IdClaims, RefreshFamily, Scopes, SigningKey, TokenError, TokenErrorKind,
    TokenRequest,
};
use crate::{DeviceId, Entropy};

/// What the token endpoint is made of.
#[derive(Clone, Copy)]
pub struct Endpoint<'a> {
    /// The issuer's address, `iss` of every token.
    pub issuer: &'a str,
    /// The key that signs.
    pub key: &'a SigningKey,
    /// Every scope that there is.
    pub scopes: &'a Scopes,
    /// Where tokens get their ids from.
    pub ids: &'a dyn IdSource,
    /// Where refresh tokens get their secrets from.
    pub entropy: &'a dyn Entropy,
}

/// The answer to a good request (RFC 6749 §5.1). Not to be cached or logged: the caller sends `Cache-Control: no-store`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// For a refresh: about whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// With rotation: the refresh token to use from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Life of the access token, in seconds.
    pub expires_in: u64,
    /// `Bearer`.
    pub token_type: &'static str,
}

impl std::fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenResponse").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// An answer, and what is to be stored before it is given.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub response: Result<TokenResponse, TokenError>,
    /// The family of the refresh token as it is to be stored, also after a refusal.
    pub family: Option<RefreshFamily>,
}

/// Answers a request. `client` is the one that the request names, `family` the one of its refresh token, each if it is
/// stored.
pub fn answer(
    request: &TokenRequest,
    client: Option<&Client>,
    mut family: Option<RefreshFamily>,
    endpoint: &Endpoint<'_>,
    now: Timestamp,
) -> Answered {
    let response = match &request.grant {
        Grant::ClientCredentials => for_itself(request, client, endpoint, now),
        Grant::RefreshToken(token) => refreshed(request, (client, token), family.as_mut(), endpoint, now),
    };
    Answered { response, family }
}

fn known(client: Option<&Client>) -> Result<&Client, TokenError> {
    client.ok_or_else(|| TokenError::new(TokenErrorKind::InvalidClient, "a client that is not known"))
}

fn for_itself(
    request: &TokenRequest,
    client: Option<&Client>,
    endpoint: &Endpoint<'_>,
    now: Timestamp,
) -> Result<TokenResponse, TokenError> {
    let client = known(client)?;
    client.admit(request, GrantKind::ClientCredentials)?;
    let scope = client.scopes_for(request.scopes.as_ref(), endpoint.scopes)?;
    let claims = endpoint.access(client, None, scope, now);
    Ok(TokenResponse {
        access_token: endpoint.key.sign(&claims)?,
        id_token: None,
        refresh_token: None,
        expires_in: client.access_life().as_secs(),
        token_type: "Bearer",
    })
}

fn refreshed(
    request: &TokenRequest,
    (client, token): (Option<&Client>, &Secret),
    family: Option<&mut RefreshFamily>,
    endpoint: &Endpoint<'_>,
    now: Timestamp,
) -> Result<TokenResponse, TokenError> {
    let client = known(client)?;
    client.admit(request, GrantKind::RefreshToken)?;
    let family = family.filter(|family| family.client == client.id);
    let family =
        family.ok_or_else(|| TokenError::new(TokenErrorKind::InvalidGrant, "a refresh token that is not known"))?;
    let scope = narrowed(request.scopes.as_ref(), family, client)?;
    let next = family.redeem(token, &client.refresh, endpoint.entropy, now)?;
    let access = endpoint.access(client, Some(family), scope, now);
    let id = endpoint.identity(&access);
    Ok(TokenResponse {
        access_token: endpoint.key.sign(&access)?,
        id_token: Some(endpoint.key.sign(&id)?),
        refresh_token: next.map(|token| token.expose().to_owned()),
        expires_in: client.access_life().as_secs(),
        token_type: "Bearer",
    })
}

/// The family's scopes that the client still may have, or fewer if it asks for fewer (RFC 6749 §6).
fn narrowed(asked: Option<&Scopes>, family: &RefreshFamily, client: &Client) -> Result<Scopes, TokenError> {
    let granted = family.scopes.shared_with(&client.scopes);
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(granted) };
    if asked.are_among(&granted) {
        return Ok(asked.clone());
    }
    Err(TokenError::new(TokenErrorKind::InvalidScope, "more than what the refresh token was given for"))
}

impl Endpoint<'_> {
    fn access(&self, client: &Client, family: Option<&RefreshFamily>, scope: Scopes, now: Timestamp) -> AccessClaims {
        let iat = seconds(now);
        AccessClaims {
            sub: family.map_or_else(|| client.id.to_string(), |family| family.subject.clone()),
            token_use: "access".to_owned(),
            scope,
            auth_time: family.map_or(iat, |family| seconds(family.created)),
            iss: self.issuer.to_owned(),
            exp: seconds(now.after(client.access_life())),
            iat,
            version: CLAIMS_VERSION,
            jti: self.fresh_id(),
            client_id: client.id.clone(),
            origin_jti: family.map(|family| family.id.as_str().to_owned()),
            username: family.map(|family| family.subject.clone()),
        }
    }

    fn identity(&self, access: &AccessClaims) -> IdClaims {
        IdClaims {
            sub: access.sub.clone(),
            aud: access.client_id.clone(),
            token_use: "id".to_owned(),
            auth_time: access.auth_time,
            iss: access.iss.clone(),
            exp: access.exp,
            iat: access.iat,
            jti: self.fresh_id(),
        }
    }

    fn fresh_id(&self) -> String {
        DeviceId::from_bits(self.ids.next_id()).as_str().to_owned()
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}
