//! The shape of `sources/<name>.toml`.
//!
//! ```toml
//! description = "Lookout for Equipment results"
//! decoder = "lookout-equipment"     # one of `decoding::DECODERS`
//!
//! [bucket]                          # absent: the source only takes pushes
//! url = "s3://plant-7/inference"    # or file:///folder, or a folder relative to the data folder
//! suffix = ".jsonl"                 # only objects whose path ends so; default: all
//! poll = "2s"                       # pause between two listings; 100ms to 1h, default 2s
//! settle = "2s"                     # folders: a file must be unchanged this long; 0s to 1h, default 2s
//! max_object_bytes = 67108864       # larger objects go to quarantine; default 64 MiB, at most 1 GiB
//! image = "required"                # or "optional": whether a result may go on without its picture
//! image_wait = "1m"                 # how long a result waits for its picture; 0s to 1h, default 1m
//! region = "eu-central-1"           # S3: these keys override what AWS_* variables say
//! endpoint = "http://127.0.0.1:9000"
//! allow_http = true
//! access_key = { secret = "s3-id" } # both or none; none: environment, profile of the instance or task
//! secret_key = { secret = "s3-key" }
//!
//! [mqtt]                            # instead of [bucket]: a broker outside, see `mqtt.rs`
//! url = "mqtts://broker.example.com"
//!
//! [decode]                          # options of the decoder
//! equipment = "{1}"
//!
//! [auth]                            # absent: pushes need a token
//! hmac_secret = "press-hmac"
//! signature_header = "x-andon-signature"
//! timestamp_header = "x-andon-timestamp"
//! tolerance = "5m"                  # 1s to 1h
//! ```
//!
//! The options are each decoder's own and are read by it, see `decoding.rs`.

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::mqtt::MqttSection;
use crate::config::Span;
use crate::credential::Credential;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceFile {
    #[serde(default)]
    pub(super) description: String,
    /// Only a source of readings has none.
    pub(super) decoder: Option<Spanned<String>>,
    pub(super) bucket: Option<BucketSection>,
    pub(super) mqtt: Option<Spanned<MqttSection>>,
    /// Read by the decoder itself; named here so that it is no unknown key.
    #[serde(default, rename = "decode")]
    pub(super) _decode: Option<IgnoredAny>,
    pub(super) auth: Option<AuthSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BucketSection {
    pub(super) url: Spanned<String>,
    #[serde(default)]
    pub(super) suffix: String,
    pub(super) poll: Option<Spanned<Span>>,
    pub(super) settle: Option<Spanned<Span>>,
    pub(super) max_object_bytes: Option<Spanned<u64>>,
    pub(super) image: Option<Spanned<ImageRule>>,
    pub(super) image_wait: Option<Spanned<Span>>,
    pub(super) region: Option<Spanned<String>>,
    pub(super) endpoint: Option<Spanned<String>>,
    pub(super) allow_http: Option<Spanned<bool>>,
    pub(super) access_key: Option<Spanned<Credential>>,
    pub(super) secret_key: Option<Spanned<Credential>>,
}

/// What becomes of a result whose picture does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ImageRule {
    Required,
    Optional,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthSection {
    pub(super) hmac_secret: Spanned<String>,
    pub(super) signature_header: Option<Spanned<String>>,
    pub(super) timestamp_header: Option<Spanned<String>>,
    pub(super) tolerance: Option<Spanned<Span>>,
}
