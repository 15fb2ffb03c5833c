//! What our tokens say. The claims are those of Amazon Cognito, so that what reads its tokens reads ours.

use serde::{Deserialize, Serialize};

use super::{ClientId, Scopes};

/// Version of the shape of the claims, as Cognito counts it.
pub(super) const CLAIMS_VERSION: u8 = 2;

/// The claims of an access token. Times are in seconds since 1970. There is no `aud`: whoever checks, checks `client_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who it speaks for; the client itself if it asked for itself.
    pub sub: String,
    /// `access`.
    pub token_use: String,
    /// What it is good for.
    pub scope: Scopes,
    /// When the client proved who it is.
    pub auth_time: i64,
    /// Who signed it.
    pub iss: String,
    /// Its last second.
    pub exp: i64,
    /// When it was signed.
    pub iat: i64,
    /// Version of this shape.
    pub version: u8,
    /// Its id.
    pub jti: String,
    /// The client.
    pub client_id: ClientId,
    /// The refresh token that it came from: the id of its family. With that, it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_jti: Option<String>,
    /// The name of whom it speaks for, unless that is the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// The claims of an id token, which a refresh gives beside the access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdClaims {
    /// Who it is about.
    pub sub: String,
    /// The client.
    pub aud: ClientId,
    /// `id`.
    pub token_use: String,
    /// When the client proved who it is.
    pub auth_time: i64,
    /// Who signed it.
    pub iss: String,
    /// Its last second.
    pub exp: i64,
    /// When it was signed.
    pub iat: i64,
    /// Its id.
    pub jti: String,
}
