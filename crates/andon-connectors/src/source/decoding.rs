//! The key `decoder` and the section `[decode]`: which decoder reads a source, with which options.
//!
//! A decoder is found by its name in [`DECODERS`] and makes itself of its [`Section`].

use std::sync::Arc;

use andon_model::{Name, Problem};
use toml::Spanned;

use super::section::Section;
use crate::config::Document;
use crate::decode::{self, FormData, Gunzip, PartDecoder};

/// Every decoder, by the name that `decoder = "…"` takes.
const DECODERS: &[(&str, Build)] = &[
    ("cloudevents", build::<decode::CloudEvents>),
    ("eventbridge", build::<decode::EventBridge>),
    ("framework", build::<decode::Framework>),
    ("json", build::<decode::Json>),
    ("lookout-equipment", build::<decode::LookoutEquipment>),
    ("lookout-vision", build::<decode::LookoutVision>),
    ("monitron", build::<decode::Monitron>),
    ("rekognition-ppe", build::<decode::RekognitionPpe>),
    ("sitewise-alarm", build::<decode::SitewiseAlarm>),
];

/// Makes a decoder of its section.
pub(super) type Build = fn(&Section<'_>) -> Result<Arc<dyn PartDecoder>, Problem>;

/// A decoder that a source can name.
pub(crate) trait Configured: PartDecoder + Sized {
    /// The decoder with the options of its section. A problem names line and column.
    fn configured(section: &Section<'_>) -> Result<Self, Problem>;
}

fn build<D: Configured + 'static>(section: &Section<'_>) -> Result<Arc<dyn PartDecoder>, Problem> {
    D::configured(section).map(|decoder| Arc::new(decoder) as Arc<dyn PartDecoder>)
}

/// The decoder that a document names, with its options; folders are counted below `prefix`.
pub(super) fn checked(
    document: &Document<'_>,
    source: &Name,
    decoder: &Spanned<String>,
    prefix: &str,
) -> Result<Arc<dyn PartDecoder>, Problem> {
    let section = Section::new(document, source, prefix);
    let decoder: Arc<dyn PartDecoder> = Arc::new(Gunzip(find(document, decoder)?(&section)?));
    Ok(Arc::new(FormData(decoder)))
}

/// The way to make the decoder of a name.
pub(super) fn find(document: &Document<'_>, decoder: &Spanned<String>) -> Result<Build, Problem> {
    let name = decoder.as_ref().as_str();
    let found = DECODERS.iter().find(|(known, _)| *known == name);
    found.map(|(_, build)| *build).ok_or_else(|| {
        let known: Vec<&str> = DECODERS.iter().map(|(known, _)| *known).collect();
        document.wrong(decoder, format!("{name:?} is not a decoder; known are {}", known.join(", ")))
    })
}
