//! Whether an access token of ours still stands: it ends with the client and the refresh token that it came from.

use andon_model::Timestamp;
use serde_json::Value;

use super::{Client, RefreshFamily, TokenRejected, Verified};

impl Verified {
    /// The family of the refresh token that it came from, if it came from one.
    pub fn family(&self) -> Option<&str> {
        self.claims.get("origin_jti").and_then(Value::as_str)
    }

    /// When it was signed, in whole seconds since 1970.
    fn issued(&self) -> Option<i64> {
        self.claims.get("iat").and_then(Value::as_i64)
    }

    /// Whether it still stands. `client` and `family` are those that it names, each if it is stored.
    ///
    /// # Errors
    /// [`TokenRejected::Revoked`] when the client is gone, disabled, or made after the token; when the family is gone or
    /// revoked.
    pub fn stands(&self, client: Option<&Client>, family: Option<&RefreshFamily>) -> Result<(), TokenRejected> {
        let by_client = client.is_some_and(|client| !client.disabled && self.is_younger_than(client.created));
        let by_family = self.family().is_none() || family.is_some_and(|family| family.revoked.is_none());
        if by_client && by_family { Ok(()) } else { Err(TokenRejected::Revoked) }
    }

    fn is_younger_than(&self, client: Option<Timestamp>) -> bool {
        client.is_none_or(|made| self.issued().is_some_and(|issued| issued >= made.as_micros().div_euclid(1_000_000)))
    }
}
