//! The errors of the token endpoint.

use serde::{Deserialize, Serialize};

use crate::EntropyFailed;
use crate::pki::PkiError;

/// The word that the client reads (RFC 6749 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenErrorKind {
    /// A parameter is missing, malformed or there twice.
    InvalidRequest,
    /// The client is not known, or did not prove who it is.
    InvalidClient,
    /// The refresh token is not good, or the scope is not this client's.
    InvalidGrant,
    /// This client may not use this grant.
    UnauthorizedClient,
    /// There is no such grant here.
    UnsupportedGrantType,
    /// There is no such scope.
    InvalidScope,
    /// A fault of this machine; RFC 6749 knows the word for another endpoint.
    ServerError,
}

/// Why no token is given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind:?}: {detail}")]
pub struct TokenError {
    /// The word for the client.
    pub kind: TokenErrorKind,
    /// What exactly, for the log. Holds no secret.
    pub detail: String,
}

/// The body of an error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The word.
    pub error: TokenErrorKind,
}

impl TokenError {
    pub(super) fn new(kind: TokenErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// The HTTP status: 400, also for a client that is not accepted, as with Amazon Cognito; 500 for our own faults.
    pub fn status(&self) -> u16 {
        if self.kind == TokenErrorKind::ServerError { 500 } else { 400 }
    }

    /// The body of the answer.
    pub fn body(&self) -> ErrorBody {
        ErrorBody { error: self.kind }
    }
}

impl From<EntropyFailed> for TokenError {
    fn from(error: EntropyFailed) -> Self {
        Self::new(TokenErrorKind::ServerError, error.to_string())
    }
}

impl From<PkiError> for TokenError {
    fn from(error: PkiError) -> Self {
        Self::new(TokenErrorKind::ServerError, error.to_string())
    }
}
