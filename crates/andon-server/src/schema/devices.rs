//! Devices, their certificates, and tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Problem;

/// The answer of the onboarding API; every member is there, texts that are not known are empty.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnboardAnswer {
    /// The device's name again.
    pub serial_number: String,
    /// The device's name.
    pub device_name: String,
    /// The device's identity, a UUID.
    pub thing_id: String,
    /// Its certificate.
    pub credential: OnboardCredential,
    /// The host that it connects to, on port 8883.
    pub mqtt_endpoint: String,
    /// What went wrong; all is well when `code` is empty.
    pub error: OnboardFault,
}

/// A certificate in the answer of the onboarding API.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnboardCredential {
    /// `arn:andon:iot:::cert/<id>`.
    pub certificate_arn: String,
    /// The fingerprint.
    pub certificate_id: String,
    /// The certificate.
    pub certificate_pem: String,
    /// Its certificates in force are all of distrusted authorities: the door refuses it.
    #[serde(default)]
    pub cut_off: bool,
    /// The private key, in the one answer that hands it over.
    pub private_key: String,
    /// The public key.
    pub public_key: String,
}

/// What went wrong.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OnboardFault {
    /// The code.
    pub code: String,
    /// What exactly.
    pub msg: String,
    /// What kind.
    pub r#type: String,
}

/// A device.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// `ACTIVE`, `INACTIVE` or `REVOKED`: the best among its certificates.
    pub status: String,
    /// `notice`, `urgent` or `expired`: how close its last certificate is to its end, when that is close.
    pub expiry: Option<String>,
    /// Version of this form.
    pub v: u8,
    /// Its identity, a UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its profile.
    pub profile: Option<String>,
    /// Its attributes.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Its groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Policies of its own.
    #[serde(default)]
    pub policies: Vec<String>,
    /// Devices that it speaks for.
    #[serde(default)]
    pub speaks_for: Vec<String>,
    /// Its certificates, oldest first.
    pub certificates: Vec<Certificate>,
    /// When it was onboarded.
    #[schema(format = DateTime)]
    pub created: String,
    /// The private key, in the one answer that hands it over.
    pub private_key: Option<String>,
    /// `profile`, `groups`, `attributes`, `speaks_for`: what was asked for and the device, which was there before, does not
    /// have. It stays as it was; changing it is another request.
    #[serde(default)]
    pub differs: Vec<String>,
    /// What it needs to connect: where one device is asked for, or its certificate is handed over.
    pub connection: Option<Connection>,
}

/// The answer to an onboarding.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EnrolledDevice {
    /// `onboarded`, or `unchanged` when it was there before and nothing is handed over.
    pub outcome: String,
    /// The device.
    #[serde(flatten)]
    pub device: Device,
}

/// A certificate of a device.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// Its fingerprint: SHA-256 in hex.
    pub id: String,
    /// Its serial number in hex.
    pub serial: String,
    /// `ACTIVE`, `INACTIVE` or `REVOKED`.
    pub status: String,
    /// The certificate.
    pub pem: String,
    /// The kind of its key.
    pub key: String,
    /// `request` or `generated`.
    pub origin: String,
    /// When it was issued.
    #[schema(format = DateTime)]
    pub issued: String,
    /// First moment of its validity.
    #[schema(format = DateTime)]
    pub not_before: String,
    /// Last moment of its validity.
    #[schema(format = DateTime)]
    pub not_after: String,
    /// When it leaves service because a newer one took its place.
    #[schema(format = DateTime)]
    pub retires: Option<String>,
    /// `notice`, `urgent` or `expired`: the last event that was told about its end.
    pub told: Option<String>,
    /// When and why it was revoked.
    #[schema(value_type = Option<Object>)]
    pub revocation: Option<serde_json::Value>,
}

/// A page of devices.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DevicePage {
    /// The devices, in the order of their names.
    pub devices: Vec<Device>,
    /// What `after` is for the next page.
    pub next: Option<String>,
}

/// A device to onboard.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WantedDevice {
    /// Its name: 1 to 128 of `a-z A-Z 0-9 : _ -`.
    pub device: String,
    /// A signing request in PEM; without one, a key pair is made and handed over once.
    pub csr: Option<String>,
    /// `ecdsa_p256`, `ecdsa_p384`, `rsa_2048`, `rsa_3072` or `rsa_4096`.
    pub key: Option<String>,
    /// Its profile.
    pub profile: Option<String>,
    /// Its groups.
    pub groups: Option<Vec<String>>,
    /// Its attributes.
    pub attributes: Option<BTreeMap<String, String>>,
    /// Devices that it speaks for.
    pub speaks_for: Option<Vec<String>>,
}

/// What is to change; what is left out stays.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceChange {
    /// Its profile.
    pub profile: Option<String>,
    /// All of its groups.
    pub groups: Option<Vec<String>>,
    /// Groups to join.
    pub join: Option<Vec<String>>,
    /// Groups to leave.
    pub leave: Option<Vec<String>>,
    /// All policies of its own.
    pub policies: Option<Vec<String>>,
    /// All devices that it speaks for.
    pub speaks_for: Option<Vec<String>>,
    /// Attributes to set; an empty value removes.
    pub attributes: Option<BTreeMap<String, String>>,
}

/// The key of the next certificate.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Rotation {
    /// A signing request in PEM; without one, a key pair is made and handed over once.
    pub csr: Option<String>,
    /// Whether a device that is locked out (none of its certificates is ACTIVE) is to come in again.
    pub reinstate: Option<bool>,
}

/// What a device needs beside its certificate and key.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Connection {
    /// The host to connect to.
    pub endpoint: String,
    /// The port, while the door is open.
    pub port: Option<u16>,
    /// The roots to trust, in PEM.
    pub roots: String,
    /// What is sent behind the newest certificate in force, in PEM.
    pub chain: String,
}

/// Which certificate is revoked, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RevokeRequest {
    /// Its fingerprint; all certificates of the device when left out.
    pub certificate: Option<String>,
    /// `unspecified`, `key_compromise`, `affiliation_changed`, `superseded`, `cessation_of_operation` or
    /// `privilege_withdrawn`.
    pub reason: Option<String>,
}

/// A line of the answer to a bulk onboarding: a device, or a problem.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportLine {
    /// The line of the file; 0 when the import broke off.
    pub line: u64,
    /// `onboarded`, `unchanged` (the device was there), or `fault`.
    pub outcome: String,
    /// The device and its key, as in the answer for one device.
    #[serde(flatten)]
    pub device: Option<Device>,
    /// What is wrong with the line.
    pub problem: Option<Problem>,
}

/// How far a bulk onboarding is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Import {
    /// The SHA-256 of the file, in hex.
    pub id: String,
    /// The file's name, if it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// `csv` or `json_lines`; that of its parts if it came in parts.
    pub format: String,
    /// `open` or `done`.
    pub status: String,
    /// When it was begun.
    #[schema(format = DateTime)]
    pub begun: String,
    /// Counts of devices and faults, and the first faults.
    #[schema(value_type = Object)]
    pub report: serde_json::Value,
}

/// What is to be known about a rule that was stored.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleStored {
    /// What may not be meant so.
    pub warnings: Vec<String>,
}

/// A certificate authority.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Authority {
    /// `root-<n>` or `issuing-<n>`.
    pub name: String,
    /// `root` or `issuing`.
    pub role: String,
    /// Its certificate in PEM.
    pub certificate: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// Its last moment.
    #[schema(format = DateTime)]
    pub not_after: String,
    /// Since when it signs nothing new.
    #[schema(format = DateTime)]
    pub retired: Option<String>,
    /// Since when it is trusted no more.
    #[schema(format = DateTime)]
    pub distrusted: Option<String>,
    /// Whether the certificates that it issues name its own revocation list, `/crl/<name>.crl`.
    #[serde(default)]
    pub own_list: bool,
    /// For a root: its cross certificate, issued by the root before it.
    pub cross: Option<CrossCertificate>,
}

/// A certificate for the subject and key of a root, issued by the root before it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CrossCertificate {
    /// The root that issued it.
    pub by: String,
    /// The certificate in PEM.
    pub certificate: String,
}

/// What authorities are to be like.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WantedAuthority {
    /// Opens their common names.
    pub name: Option<String>,
    /// The organization that runs them.
    pub organization: Option<String>,
    /// The kind of their keys.
    pub key: Option<String>,
    /// Life of a root, in days.
    pub root_days: Option<u32>,
    /// Life of an issuing authority, in days.
    pub issuing_days: Option<u32>,
    /// Whether the root is replaced too.
    pub root: Option<bool>,
    /// Whether the root before it vouches for the new one; true when absent.
    pub cross: Option<bool>,
}

/// Parameters of the token endpoint.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenForm {
    /// `client_credentials` or `refresh_token`.
    pub grant_type: String,
    /// The client.
    pub client_id: Option<String>,
    /// Its secret, unless it stands in the header.
    pub client_secret: Option<String>,
    /// For the grant of that name.
    pub refresh_token: Option<String>,
    /// All that the client may have when left out.
    pub scope: Option<String>,
}

/// A token.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenAnswer {
    /// The access token, a JWT.
    pub access_token: String,
    /// For a refresh: about whom.
    pub id_token: Option<String>,
    /// With rotation: the refresh token to use from now on.
    pub refresh_token: Option<String>,
    /// Life of the access token, in seconds.
    pub expires_in: u64,
    /// `Bearer`.
    pub token_type: String,
}

/// Why no token is given.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenRefusal {
    /// A word of RFC 6749.
    pub error: String,
}

/// A token client.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OauthClient {
    /// Version of this form.
    pub v: u8,
    /// Its id.
    pub id: String,
    /// What it is.
    pub name: Option<String>,
    /// `client_credentials`, `refresh_token`.
    pub grants: Vec<String>,
    /// Its scopes, with a space between.
    pub scopes: String,
    /// Life of its access tokens, in seconds.
    pub access_seconds: u32,
    /// How its refresh tokens are dealt with.
    pub refresh: RefreshTerms,
    /// Whether it gets nothing at present.
    pub disabled: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: Option<String>,
    /// Whether it has no secret.
    pub public: bool,
    /// Its secret, in the answer that makes it.
    pub client_secret: Option<String>,
}

/// How refresh tokens are dealt with.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RefreshTerms {
    /// Life, in days.
    pub days: u32,
    /// Whether each use gives a new token and spends the old one.
    pub rotate: bool,
    /// How long a spent token may be used again, in seconds.
    pub grace_seconds: u32,
}

/// The client that is wanted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WantedClient {
    /// Its id; a random one when left out.
    pub id: Option<String>,
    /// What it is.
    pub name: Option<String>,
    /// `client_credentials`, `refresh_token`.
    pub grants: Vec<String>,
    /// Among andon/admin, andon/operator, andon/viewer, andon/intake, andon/devices and andon/claim.
    pub scopes: String,
    /// Whether it has no secret, and may only refresh.
    pub public: Option<bool>,
    /// Life of its access tokens, in seconds: 60 to 86,400.
    pub access_seconds: Option<u32>,
    /// How its refresh tokens are dealt with.
    pub refresh: Option<RefreshTerms>,
}

/// For whom a refresh token is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WantedRefreshToken {
    /// The name that access tokens carry.
    pub subject: String,
}

/// A refresh token.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RefreshTokenAnswer {
    /// Its id, by which it is revoked.
    pub id: String,
    /// Its text, shown this once.
    pub refresh_token: String,
}

/// A refresh token, with all that came from it by rotation.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RefreshTokenFacts {
    /// Its id: what stands before the dot of its text.
    pub id: String,
    /// On whose behalf.
    pub subject: String,
    /// The scopes of its access tokens, with a space between.
    pub scopes: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// Its last moment.
    #[schema(format = DateTime)]
    pub expires: String,
    /// Since when it is good for nothing.
    #[schema(format = DateTime)]
    pub revoked: Option<String>,
}

/// A page of refresh tokens.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RefreshTokenPage {
    /// In the order of their ids.
    pub tokens: Vec<RefreshTokenFacts>,
    /// What `after` is for the next page.
    pub next: Option<String>,
}

/// A key that signs access tokens, without its private half.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenKey {
    /// Its id in tokens and in the key set.
    pub kid: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// Since when it signs nothing new; it goes when its tokens have expired.
    #[schema(format = DateTime)]
    pub retired: Option<String>,
}
