//! Tokens: OAuth2's token endpoint (RFC 6749) as data in and out, access tokens as JWT (RFC 7519), and what others need to
//! verify them (RFC 7517, OpenID Connect Discovery).
//!
//! **Constraints.** Secrets are compared in constant time and stored as hashes; a token or secret that is made here leaves
//! as a [`Secret`](andon_model::Secret). The algorithm of a signature is that of the key, never that of the token. Error
//! answers are those of Amazon Cognito: 400 and one word; what exactly was wrong is for the log.
//!
//! **Life of a token.** [`TokenRequest::parse`] reads a request; [`answer()`] checks the client, and for a refresh the
//! [`RefreshFamily`], which the caller stores before it answers. [`verify()`] reads an access token again, one of ours (which
//! [`Verified::stands`] only as long as its client and refresh token) or one
//! of an external issuer, whose keys are held in a [`KeyCache`] and whose claims become scopes by a [`ScopeMapping`].

mod answer;
mod claims;
mod client;
mod discovery;
mod error;
mod jwk;
mod jws;
mod key_cache;
mod mapping;
mod refresh;
mod request;
mod scope;
mod secret;
mod standing;
#[cfg(test)]
mod tests;
mod verify;

pub use answer::{Answered, Endpoint, TokenResponse, answer};
pub use claims::{AccessClaims, IdClaims};
pub use client::{Client, ClientId, GrantKind, MAX_ACCESS_LIFE};
pub use discovery::Discovery;
pub use error::{ErrorBody, TokenError, TokenErrorKind};
pub use jwk::{Jwk, Jwks, MAX_KEYS, VerificationKey};
pub use jws::{Algorithm, SigningKey};
pub use key_cache::{KeyCache, KeyCacheTerms};
pub use mapping::ScopeMapping;
pub use refresh::{FamilyId, RefreshFamily, RefreshTerms};
pub use request::{Grant, MAX_FORM_BYTES, TokenRequest};
pub use scope::{InvalidScope, Scopes};
pub use secret::{SecretHash, generate_secret};
pub use verify::{Expected, MAX_TOKEN_BYTES, TokenRejected, Verified, bearer, verify};
