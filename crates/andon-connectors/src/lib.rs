//! Everything that touches an outside system: intakes on one side, destinations on the other.
//!
//! **Constraints.** Implements ports of `andon-journal` and `andon-act` and knows nothing of the engine,
//! the store or the server. Decoders are pure: no I/O, no clock, no panic, and no byte that vanishes.
//! Every read, body, batch and wait has a limit.
//!
//! **Life of an event.** Bytes arrive by a push, or are found by [`BucketSource`] in a folder or an S3
//! bucket, or are delivered to [`MqttSource`] by a broker; the decoder that `sources/<name>.toml` names turns them into events and, beside them, faults
//! that keep the bytes they concern; the caller makes both durable and only then acknowledges. Later the
//! engine hands requests to [`Destinations`], which sends them and says what came of them. Beside all this, [`Smtp`] takes
//! letters to people.

#![cfg_attr(test, allow(missing_docs, reason = "tests explain themselves by their names"))]

mod bucket;
mod checks;
mod config;
mod credential;
pub mod decode;
mod destination;
mod mail;
pub mod metadata;
mod mqtt;
mod odata;
mod secrets;
mod source;

pub use bucket::{Bucket, BucketSource};
pub use checks::ConnectorChecks;
pub use credential::{Credential, Given, SecretPlace};
pub use destination::{
    Address, Auth, CertificateSpec, ClientProof, DestinationSpec, Destinations, OauthSpec, OdataSpec, OnPremiseSpec,
    PasswordGrant, ProviderSpec, ProxySpec, Trust,
};
pub use mail::{Encryption, Outgoing, Smtp, SmtpSettings};
pub use mqtt::{DeviceFrom, MqttParts, MqttSource, MqttVersion};
pub use secrets::{AwsReference, AwsStore};
pub use source::{Broker, BucketSpec, ImageSpec, Location, MqttLane, MqttSpec, Retained, S3Location, SourceSpec};
