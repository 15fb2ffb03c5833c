//! The entries that are stored as JSON, and those that exist in the registry alone.

use std::collections::BTreeSet;

use andon_model::{Code, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Error;

use super::{KeyUse, Kind, Letter};
use crate::enrolment::{AllowList, BulkFormat, BulkReport, Enrolment, Hook};
use crate::token::{Client, ClientId, RefreshFamily};
use crate::{Attributes, Device, DeviceName, Group, GroupName, PolicyName, Profile, ProfileName};

/// Most profiles that one claim may ask for.
pub const MAX_CLAIM_PROFILES: usize = 50;

/// Something that the registry stores by kind and name.
pub trait Record: Sized {
    /// What it is.
    const KIND: Kind;

    /// Its name.
    fn key(&self) -> &str;

    /// Its JSON form.
    fn to_body(&self) -> Result<String, Error>;

    /// Reads its JSON form and checks its version and limits.
    fn from_body(body: &str) -> Result<Self, Error>;
}

macro_rules! records {
    ($($record:ty: $kind:ident, $key:expr, $parse:expr;)*) => {$(
        impl Record for $record {
            const KIND: Kind = Kind::$kind;

            fn key(&self) -> &str {
                let key: fn(&Self) -> &str = $key;
                key(self)
            }

            fn to_body(&self) -> Result<String, Error> {
                serde_json::to_string(self)
            }

            fn from_body(body: &str) -> Result<Self, Error> {
                let parse: fn(&str) -> Result<Self, Error> = $parse;
                parse(body)
            }
        }
    )*};
}

records! {
    Device: Device, |device| device.name.as_str(), Device::parse;
    Enrolment: Enrolment, |enrolment| enrolment.request.device.as_str(), Enrolment::parse;
    Profile: Profile, |profile| profile.name.as_str(), |body| serde_json::from_str(body);
    Group: Group, |group| group.name.as_str(), |body| serde_json::from_str(body);
    PolicyRecord: Policy, |policy| policy.name.as_str(), |body| serde_json::from_str(body);
    AuthorityRecord: Authority, |authority| &authority.name, |body| serde_json::from_str(body);
    Client: Client, |client| client.id.as_str(), Client::parse;
    RefreshFamily: Family, |family| family.id.as_str(), RefreshFamily::parse;
    KeyRecord: SigningKey, |key| &key.kid, |body| serde_json::from_str(body);
    Claim: Claim, |claim| claim.client.as_str(), |body| serde_json::from_str(body);
    Import: Import, |import| &import.id, |body| serde_json::from_str(body);
    Letter: Letter, |letter| &letter.id, Letter::parse;
    KeyUse: KeyUse, |known| known.key.as_str(), |body| serde_json::from_str(body);
}

/// A policy with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRecord {
    /// Its name.
    pub name: PolicyName,
    /// Its document, as it was given.
    pub document: String,
    /// When it was last changed.
    pub changed: Timestamp,
}

/// What an authority signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorityRole {
    /// Issuing authorities.
    Root,
    /// Devices, listeners and revocation lists.
    Issuing,
}

/// A certificate authority. Its private key is the secret beside it; a root's may have been taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityRecord {
    /// `root-1`, `issuing-3`: numbers grow.
    pub name: String,
    /// What it signs.
    pub role: AuthorityRole,
    /// Its certificate in PEM.
    pub certificate: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
    /// Since when it signs nothing new. What it has signed stays good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Timestamp>,
    /// Since when it is trusted no more, nor what it has signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distrusted: Option<Timestamp>,
    /// Whether the certificates that it issues name its own revocation list. Those of builds before this one name the list
    /// of whoever signs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_list: bool,
    /// For a root that came after another one: what makes it good for those who trust the other one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross: Option<CrossCertificate>,
}

/// A certificate for the subject and key of a root, issued by the root before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossCertificate {
    /// The root that issued it.
    pub by: String,
    /// The certificate in PEM.
    pub certificate: String,
}

/// A key that signs tokens, by its `kid`; the private half is the secret beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// Its id in tokens and in the key set.
    pub kid: String,
    /// When it was made.
    pub created: Timestamp,
    /// Since when it signs nothing new; it stays in the key set until the tokens that it signed have expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Timestamp>,
}

/// A claim: a shared identity (a token client) that may only ask for the certificates of the devices on its list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The client that makes use of it.
    pub client: ClientId,
    /// Which devices.
    pub allow: AllowList,
    /// Profiles that may be asked for; with exactly one, it is the default. Without any, none may be asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub profiles: BTreeSet<ProfileName>,
    /// Groups that every device of the claim joins.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupName>,
    /// Names of the attributes that may be asked for: policies may depend on any. Without any, none may be asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub attributes: BTreeSet<String>,
    /// When the claim ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Who is asked about each device that the list allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<Hook>,
}

/// How far a bulk onboarding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportStatus {
    /// Lines are left. Sending the same file again goes on where it stopped.
    Open,
    /// Every line was dealt with.
    Done,
}

/// A bulk onboarding: its file is known by its digest, and its report says how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The SHA-256 of the file, in hex.
    pub id: String,
    /// The file's name, if whoever sent it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How the file is written, or its parts.
    pub format: BulkFormat,
    /// How far it is.
    pub status: ImportStatus,
    /// When it was begun.
    pub begun: Timestamp,
    /// What came of each line so far.
    pub report: BulkReport,
}

impl Claim {
    /// Whether the claim is good at `now`.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|ends| now < ends)
    }

    /// Whether it may ask for `device` at `now`, whatever comes of it.
    ///
    /// # Errors
    /// [`Code::Onboarding`] when the claim has ended, or its list does not name the device.
    pub fn check(&self, device: &DeviceName, now: Timestamp) -> Result<(), Problem> {
        if self.is_alive(now) && self.allow.allows(device) {
            return Ok(());
        }
        Err(Problem::new(Code::Onboarding, format!("the claim does not allow {device}, or has ended")))
    }

    /// An attribute of a request that may not be asked for.
    pub fn forbidden<'a>(&self, wanted: &'a Attributes) -> Option<&'a str> {
        wanted.iter().map(|(name, _)| name).find(|name| !self.attributes.contains(*name))
    }

    /// The profile for a request that asks for `wanted`; `None` when it may not have it.
    pub fn profile_for(&self, wanted: Option<&ProfileName>) -> Option<Option<ProfileName>> {
        match wanted {
            Some(name) => self.profiles.contains(name).then(|| Some(name.clone())),
            None if self.profiles.len() == 1 => Some(self.profiles.first().cloned()),
            None => Some(None),
        }
    }
}
