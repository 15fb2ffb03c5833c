//! Sources: `sources/<name>.toml`, read and checked.

mod bucket;
mod decoding;
mod file;
mod mqtt;
mod section;

use std::sync::Arc;
use std::time::Duration;

use andon_journal::{Decoder, IntakeAuth};
use andon_model::{Name, Problem};
use toml::Spanned;

pub use bucket::{BucketSpec, ImageSpec, Location, S3Location};
pub(crate) use decoding::Configured;
pub use mqtt::{Broker, MqttLane, MqttSpec, Retained};
pub(crate) use section::Section;

use crate::config::Document;
use crate::decode::{PartDecoder, S3Notification, Unread};
use file::{AuthSection, SourceFile};

/// A source as configured.
#[derive(Debug, Clone)]
pub struct SourceSpec {
    /// Its name.
    pub name: Name,
    /// What it is, for people.
    pub description: String,
    /// How its payloads are read.
    decoder: Arc<dyn PartDecoder>,
    /// Where it is pulled from; `None` when it only takes pushes.
    pub bucket: Option<BucketSpec>,
    /// The broker that delivers to it.
    pub mqtt: Option<MqttSpec>,
    /// How pushes prove who sent them.
    pub auth: IntakeAuth,
}

impl SourceSpec {
    /// Reads and checks `sources/<name>.toml`. A problem has [`andon_model::Code::ConfigurationSyntax`] or
    /// [`andon_model::Code::ConfigurationValue`] and the place `sources/<name>.toml line L column C`.
    pub fn parse(name: &Name, text: &str) -> Result<Self, Problem> {
        let document = Document::new("sources", name, text);
        let file: SourceFile = document.parse()?;
        if let (Some(_), Some(section)) = (&file.bucket, &file.mqtt) {
            return Err(document.wrong(section, "a source has [bucket] or [mqtt], not both"));
        }
        let mut bucket = file.bucket.as_ref().map(|section| bucket::checked(&document, section)).transpose()?;
        let prefix = bucket.as_ref().map(|b| b.location.prefix()).unwrap_or_default();
        let decoder = decoder(&document, name, &file, prefix)?;
        if let (Some(bucket), Some(section)) = (&mut bucket, &file.bucket) {
            bucket.images = bucket::images(&document, section, decoder.companion("object").is_some())?;
        }
        Ok(Self {
            name: name.clone(),
            decoder,
            bucket,
            mqtt: file.mqtt.as_ref().map(|section| mqtt::checked(&document, section.as_ref())).transpose()?,
            auth: file.auth.as_ref().map_or(Ok(IntakeAuth::Token), |section| auth(&document, section))?,
            description: file.description,
        })
    }

    /// The decoder for the source's payloads and objects.
    pub fn decoder(&self) -> Arc<dyn PartDecoder> {
        Arc::clone(&self.decoder)
    }

    /// The decoder for pushes: a source with a bucket takes notifications about its objects, any other
    /// takes the payload itself.
    pub fn push_decoder(&self) -> Arc<dyn Decoder> {
        match &self.bucket {
            Some(bucket) => Arc::new(S3Notification { bucket: bucket.location.bucket().map(str::to_owned) }),
            None => self.decoder(),
        }
    }
}

/// The decoder. A source of readings has none, and what is pushed to it is not read.
fn decoder(
    document: &Document<'_>,
    name: &Name,
    file: &SourceFile,
    prefix: &str,
) -> Result<Arc<dyn PartDecoder>, Problem> {
    let takes_readings = file.mqtt.as_ref().is_some_and(|section| section.as_ref().takes_readings());
    match &file.decoder {
        Some(given) if takes_readings => {
            Err(document.wrong(given, "readings are kept as they are: leave the decoder out"))
        }
        Some(given) => decoding::checked(document, name, given, prefix),
        None if takes_readings => Ok(Arc::new(Unread)),
        None => Err(document.lacking("the key decoder is missing")),
    }
}

fn auth(document: &Document<'_>, section: &AuthSection) -> Result<IntakeAuth, Problem> {
    let limits = (Duration::from_secs(1), Duration::from_hours(1));
    let tolerance = document.duration(section.tolerance.as_ref(), Duration::from_mins(5), limits)?;
    Ok(IntakeAuth::Hmac {
        secret: document.name(&section.hmac_secret)?,
        signature_header: header(document, section.signature_header.as_ref(), "x-andon-signature")?,
        timestamp_header: header(document, section.timestamp_header.as_ref(), "x-andon-timestamp")?,
        tolerance_seconds: tolerance.as_secs(),
    })
}

fn header(document: &Document<'_>, given: Option<&Spanned<String>>, default: &str) -> Result<String, Problem> {
    let Some(given) = given else { return Ok(default.to_owned()) };
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    if given.as_ref().is_empty() || !given.as_ref().bytes().all(legal) {
        return Err(document.wrong(given, "a header name is made of letters, digits, '-' and '_'"));
    }
    Ok(given.as_ref().to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
