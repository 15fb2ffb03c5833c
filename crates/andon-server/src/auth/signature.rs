//! Signed deliveries: `sha256=hex(HMAC-SHA256(secret, timestamp "." body))` beside the sender's time.
//!
//! The window in which a timestamp is good bounds how long a captured delivery can be repeated; within
//! it a repetition has no effect, because its events are known by `(source, id)` (invariant J4).

use andon_model::{Code, Problem, Secret, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use metrics::counter;
use sha2::Sha256;

use crate::error::ApiError;

/// What the header of a signature says before the hex.
const SCHEME: &str = "sha256=";

/// Names of the two headers and the window, as the source's configuration gives them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignatureRules<'a> {
    /// Header of the signature, lower case.
    pub(crate) signature_header: &'a str,
    /// Header of the sender's Unix time in seconds, lower case.
    pub(crate) timestamp_header: &'a str,
    /// How far sender and receiver may differ, in seconds.
    pub(crate) tolerance_seconds: u64,
}

/// A signature as it came, whose timestamp is within the window but whose bytes are not checked yet.
#[derive(Debug)]
pub(crate) struct ClaimedSignature<'a> {
    timestamp: &'a str,
    mac: [u8; 32],
}

impl<'a> ClaimedSignature<'a> {
    /// Reads the headers; done before the body is read, so that a stranger's body is not.
    pub(crate) fn read(headers: &'a HeaderMap, rules: SignatureRules<'_>, now: Timestamp) -> Result<Self, ApiError> {
        let timestamp = header(headers, rules.timestamp_header)?;
        let signature = header(headers, rules.signature_header)?;
        check_window(timestamp, now, rules).map_err(|problem| refused("timestamp", problem))?;
        let mac = parse_mac(signature)
            .ok_or_else(|| refused("malformed", at(rules.signature_header, "expected sha256= and 64 hex digits")))?;
        Ok(Self { timestamp, mac })
    }

    /// Compares in constant time.
    pub(crate) fn check(&self, secret: &Secret, body: &[u8]) -> Result<(), ApiError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
            .map_err(|e| ApiError::from(Problem::new(Code::Internal, e.to_string())))?;
        mac.update(self.timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.verify_slice(&self.mac).map_err(|_| {
            refused("mismatch", Problem::new(Code::BadSignature, "the signature does not belong to this body"))
        })
    }
}

/// The signature of what is sent to others, as [`ClaimedSignature`] reads it.
pub(crate) fn sign(secret: &Secret, timestamp: &str, body: &[u8]) -> Result<String, Problem> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes());
    let mut mac = mac.map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    Ok(format!("{SCHEME}{}", hex::encode(mac.finalize().into_bytes())))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, ApiError> {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.ok_or_else(|| refused("missing", at(name, "the header is missing")))
}

fn check_window(timestamp: &str, now: Timestamp, rules: SignatureRules<'_>) -> Result<(), Problem> {
    let sent: i64 = timestamp.parse().map_err(|_| at(rules.timestamp_header, "expected Unix time in whole seconds"))?;
    let apart = now.as_millis().div_euclid(1_000).abs_diff(sent);
    if apart > rules.tolerance_seconds {
        let allowed = rules.tolerance_seconds;
        return Err(at(rules.timestamp_header, format!("the clocks are {apart} s apart, {allowed} s are allowed")));
    }
    Ok(())
}

fn parse_mac(signature: &str) -> Option<[u8; 32]> {
    let mut mac = [0; 32];
    hex::decode_to_slice(signature.strip_prefix(SCHEME)?, &mut mac).ok()?;
    Some(mac)
}

fn at(header: &str, detail: impl Into<String>) -> Problem {
    Problem::new(Code::BadSignature, detail).at(format!("header {header}"))
}

fn refused(reason: &'static str, problem: Problem) -> ApiError {
    counter!("andon_http_authentication_failures_total", "reason" => reason).increment(1);
    ApiError::from(problem).challenge("Andon-HMAC-SHA256")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    const RULES: SignatureRules<'_> =
        SignatureRules { signature_header: "x-signature", timestamp_header: "x-timestamp", tolerance_seconds: 300 };
    const NOW: i64 = 1_700_000_000;

    fn sign(secret: &str, timestamp: &str, body: &[u8]) -> String {
        super::sign(&Secret::new(secret), timestamp, body).unwrap()
    }

    fn check(timestamp: Option<&str>, signature: Option<&str>, body: &[u8], good: bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-timestamp", timestamp), ("x-signature", signature)] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        let now = Timestamp::from_micros(NOW * 1_000_000);
        let checked =
            ClaimedSignature::read(&headers, RULES, now).and_then(|claimed| claimed.check(&Secret::new("key"), body));
        assert_eq!(checked.is_ok(), good, "{timestamp:?} {signature:?}: {checked:?}");
        if let Err(error) = checked {
            assert_eq!(error.into_response().status(), 401);
        }
    }

    #[test]
    fn a_known_vector_matches() {
        // HMAC-SHA256("key", "1700000000." "{}"), computed by `openssl dgst -sha256 -hmac key`.
        let expected = "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae";
        assert_eq!(sign("key", "1700000000", b"{}"), expected);
        check(Some("1700000000"), Some(expected), b"{}", true);
    }

    #[test]
    fn the_window_is_closed_on_both_sides() {
        for (offset, good) in [(0, true), (-300, true), (300, true), (-301, false), (301, false)] {
            let timestamp = (NOW + offset).to_string();
            check(Some(&timestamp), Some(&sign("key", &timestamp, b"x")), b"x", good);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let (timestamp, good) = ("1700000000", sign("key", "1700000000", b"x"));
        check(Some(timestamp), Some(&good), b"x", true);
        check(Some(timestamp), Some(&good), b"y", false);
        check(Some("1700000001"), Some(&good), b"x", false);
        check(Some(timestamp), Some(&sign("other", timestamp, b"x")), b"x", false);
        check(Some(timestamp), Some(good.trim_start_matches("sha256=")), b"x", false);
        check(Some(timestamp), Some(&good[..good.len() - 2]), b"x", false);
        check(Some(timestamp), Some("sha256=zz"), b"x", false);
        check(Some(timestamp), None, b"x", false);
        check(None, Some(&good), b"x", false);
        check(Some("yesterday"), Some(&good), b"x", false);
        check(Some("-9223372036854775808"), Some(&good), b"x", false);
    }
}
