//! The pre-provisioning hook of a claim: an address that is asked whether a device may be onboarded, and as what.
//!
//! AWS IoT Core calls it a pre-provisioning hook as well; there it is a function, here an HTTPS address. The request is a
//! `POST` of [`HookRequest`], the answer a [`HookAnswer`]. Whatever else comes back, or nothing in time, is a no.
//!
//! The request carries an id that is the same for the same claim, device and key, so that one who keeps books can tell a
//! repetition from a new device; once the device has its certificate, the hook is not asked again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use super::{EnrolmentRequest, RequestedKey};
use crate::pki::KeyKind;
use crate::token::ClientId;
use crate::{Attributes, DeviceName, GroupName, ProfileName};

/// Version tag of the request.
const FORMAT: u8 = 1;

/// Longest answer of a hook that is read, in bytes.
pub const MAX_HOOK_ANSWER_BYTES: usize = 64 * 1024;

/// Longest reason that is passed on, in characters.
const MAX_REASON: usize = 500;

/// Where the hook is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// Its address: `https`, or `http` on this machine.
    pub url: String,
    /// The secret that signs requests to it, by its name among the secrets. Without one they are not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// How long an answer may take, in seconds: 1 to 20.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u8,
}

const fn default_timeout() -> u8 {
    5
}

/// Why a hook cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHook {
    /// Not an address, or one where TLS would not protect what is said.
    #[error("the address of a hook opens with https://, or with http:// on this machine")]
    Address,
    /// Too short or too long.
    #[error("a hook has 1 to 20 seconds to answer")]
    Timeout,
}

impl Hook {
    /// Whether it can be used.
    pub fn check(&self) -> Result<(), InvalidHook> {
        if !is_safe_address(&self.url) {
            return Err(InvalidHook::Address);
        }
        if (1..=20).contains(&self.timeout_seconds) { Ok(()) } else { Err(InvalidHook::Timeout) }
    }
}

/// Whether what is said to an address can be read by nobody else: `https`, or this machine by its loopback interface.
pub fn is_safe_address(url: &str) -> bool {
    if url.len() > 2_000 || !url.bytes().all(|b| b.is_ascii_graphic()) {
        return false;
    }
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    if let Some(rest) = url.strip_prefix("https://") {
        return !host(rest).is_empty();
    }
    let Some(host) = url.strip_prefix("http://").map(host) else { return false };
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|local| {
        host.strip_prefix(local).is_some_and(|port| {
            port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
        })
    })
}

/// The key of the device that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookKey {
    /// Its kind.
    pub kind: KeyKind,
    /// SHA-256 of the public key (the DER-encoded `SubjectPublicKeyInfo` of the signing request) in hex; none where the
    /// key is to be made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// What a hook is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRequest {
    /// Version tag of this form.
    pub v: u8,
    /// The same for the same claim, device and key: 64 hex digits.
    pub id: String,
    /// The client whose claim it is.
    pub claim: ClientId,
    /// The device that asks.
    pub device: DeviceName,
    /// The profile that it would have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// The attributes that it says it has.
    pub attributes: Attributes,
    /// The groups that it would join.
    pub groups: BTreeSet<GroupName>,
    /// Its key.
    pub key: HookKey,
}

impl HookRequest {
    /// What is asked about `request`.
    pub fn of(claim: &ClientId, request: &EnrolmentRequest) -> Self {
        let key = match &request.key {
            RequestedKey::Given(key) => {
                HookKey { kind: key.kind(), fingerprint: Some(key.fingerprint().as_str().to_owned()) }
            }
            RequestedKey::Generate(kind) => HookKey { kind: *kind, fingerprint: None },
        };
        let print = key.fingerprint.as_deref().unwrap_or_default();
        Self {
            v: FORMAT,
            // Neither of the first two can hold a line end.
            id: sha256(format!("{claim}\n{}\n{print}", request.device).as_bytes()),
            claim: claim.clone(),
            device: request.device.clone(),
            profile: request.profile.clone(),
            attributes: request.attributes.clone(),
            groups: request.groups.clone(),
            key,
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// What a hook answers. Members that are not known are refused: a misspelt override must not be passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookAnswer {
    /// Whether the device may be onboarded.
    pub allow: bool,
    /// Why not, for the one who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The profile that it gets instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// Attributes to set; an empty value removes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Groups that it joins beside those of the claim.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupName>,
}

impl HookAnswer {
    /// Reads an answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

impl fmt::Display for HookAnswer {
    /// The reason of a refusal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason.as_deref().unwrap_or("no reason is given");
        write!(f, "the hook of the claim refuses: {}", reason.chars().take(MAX_REASON).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(device: &str) -> HookRequest {
        let name = DeviceName::new(device).expect("a name");
        let request = EnrolmentRequest::new(name, RequestedKey::Generate(KeyKind::EcdsaP256));
        HookRequest::of(&ClientId::new("gateways").expect("an id"), &request)
    }

    #[test]
    fn the_request_is_stable_and_its_id_tells_devices_apart() {
        let expect = json!({
            "v": 1,
            "claim": "gateways", "device": "pump-01", "attributes": {}, "groups": [],
            "key": { "kind": "ecdsa_p256" },
        });
        let mut made = serde_json::to_value(request("pump-01")).expect("JSON");
        let id = made.as_object_mut().and_then(|members| members.remove("id")).expect("an id");
        assert_eq!(made, expect);
        assert_eq!(id, json!(request("pump-01").id));
        assert_ne!(id, json!(request("pump-02").id));
    }

    #[test]
    fn only_well_formed_answers_count() {
        let check = |text: &str, expect: Option<bool>| {
            assert_eq!(HookAnswer::parse(text.as_bytes()).ok().map(|answer| answer.allow), expect, "{text}");
        };
        check(r#"{"allow":true}"#, Some(true));
        check(r#"{"allow":false,"reason":"stolen"}"#, Some(false));
        check(r#"{"allow":true,"profile":"s1","attributes":{"plant":"1710"},"groups":["line-4"]}"#, Some(true));
        check(r#"{"allow":true,"profil":"s1"}"#, None);
        check(r#"{"allow":"yes"}"#, None);
        check("{}", None);
        check("", None);
        check(r#"{"allow":true,"groups":["a/b c"]}"#, None);
    }

    #[test]
    fn addresses_keep_secrets() {
        let check = |url: &str, expect: bool| assert_eq!(is_safe_address(url), expect, "{url}");
        check("https://hooks.plant.example/onboard", true);
        check("http://127.0.0.1:8700/x", true);
        check("http://localhost", true);
        check("http://[::1]:80/", true);
        check("http://hooks.plant.example", false);
        check("http://127.0.0.1.plant.example", false);
        check("http://localhost@evil.example", false);
        check("http://localhost:80@evil.example", false);
        check("https://", false);
        check("ftp://x", false);
        check("https://a b", false);
    }
}
