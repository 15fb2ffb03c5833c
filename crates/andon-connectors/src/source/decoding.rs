//! The key `decoder` and the section `[decode]`.

use std::ops::Range;

use andon_model::{Name, Problem, Timestamp};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::file::{DecodeSection, SourceFile};
use crate::config::Document;
use crate::decode::{AttributeFrom, CloudEvents, DecoderSpec, EquipmentNaming, Framework, Json, LookoutEquipment};

/// The decoder that the document names, with its options; folders are counted below `prefix`.
pub(super) fn checked(
    document: &Document<'_>,
    name: &Name,
    file: &SourceFile,
    prefix: String,
) -> Result<DecoderSpec, Problem> {
    let decoder = file.decoder.as_ref().as_str();
    let options = &file.decode;
    refuse_foreign(document, decoder, options)?;
    match decoder {
        "cloudevents" => Ok(DecoderSpec::CloudEvents(CloudEvents)),
        "framework" => Ok(DecoderSpec::Framework(Framework)),
        "json" => json(document, name, options).map(DecoderSpec::Json),
        "lookout-equipment" => lookout(document, options, prefix).map(DecoderSpec::LookoutEquipment),
        other => {
            let known = DecoderSpec::NAMES.join(", ");
            Err(document.wrong(&file.decoder, format!("{other:?} is not a decoder; known are {known}")))
        }
    }
}

/// Keys that belong to another decoder are a mistake, not decoration.
fn refuse_foreign(document: &Document<'_>, decoder: &str, options: &DecodeSection) -> Result<(), Problem> {
    let allowed: &[&str] = match decoder {
        "lookout-equipment" => &["equipment", "utc_offset", "include_normal"],
        "json" => &["type", "source", "id", "subject", "time", "time_unit", "data", "lines"],
        "cloudevents" | "framework" => &[],
        _ => return Ok(()),
    };
    match options.given().into_iter().find(|(key, _)| !allowed.contains(key)) {
        None => Ok(()),
        Some((key, span)) => {
            Err(document.wrong(&Spanned::new(span, ()), format!("{key} is not an option of the decoder {decoder}")))
        }
    }
}

impl DecodeSection {
    /// The keys that are there, with where their values stand.
    fn given(&self) -> Vec<(&'static str, Range<usize>)> {
        fn span<T>(value: Option<&Spanned<T>>) -> Option<Range<usize>> {
            value.map(Spanned::span)
        }
        let all = [
            ("equipment", span(self.equipment.as_ref())),
            ("utc_offset", span(self.utc_offset.as_ref())),
            ("include_normal", span(self.include_normal.as_ref())),
            ("type", span(self.kind.as_ref())),
            ("source", span(self.source.as_ref())),
            ("id", span(self.id.as_ref())),
            ("subject", span(self.subject.as_ref())),
            ("time", span(self.time.as_ref())),
            ("time_unit", span(self.time_unit.as_ref())),
            ("data", span(self.data.as_ref())),
            ("lines", span(self.lines.as_ref())),
        ];
        all.into_iter().filter_map(|(key, span)| span.map(|span| (key, span))).collect()
    }
}

fn lookout(document: &Document<'_>, options: &DecodeSection, prefix: String) -> Result<LookoutEquipment, Problem> {
    let Some(equipment) = &options.equipment else {
        return Err(document.lacking(
            "the decoder lookout-equipment needs the key equipment in [decode]: a name, \"{1}\" for the first folder \
             below the prefix, or \"{component}\"",
        ));
    };
    let naming: EquipmentNaming = equipment.as_ref().parse().map_err(|why: String| document.wrong(equipment, why))?;
    Ok(LookoutEquipment {
        equipment: naming,
        prefix,
        utc_offset: utc_offset(document, options.utc_offset.as_ref())?,
        include_normal: options.include_normal.as_ref().is_some_and(|value| *value.as_ref()),
    })
}

fn utc_offset(document: &Document<'_>, given: Option<&Spanned<String>>) -> Result<String, Problem> {
    let Some(given) = given else { return Ok("+00:00".into()) };
    match format!("2000-01-01T00:00:00{}", given.as_ref()).parse::<Timestamp>() {
        Ok(_) => Ok(given.as_ref().clone()),
        Err(_) => Err(document.wrong(given, "use an offset such as +01:00")),
    }
}

fn json(document: &Document<'_>, name: &Name, options: &DecodeSection) -> Result<Json, Problem> {
    let Some(kind) = &options.kind else {
        return Err(document.lacking("the decoder json needs the key type in [decode]: the events' type"));
    };
    if let Some(id) = &options.id
        && matches!(id.as_ref(), AttributeFrom::Constant(_))
    {
        return Err(document.wrong(id, "with a constant id all events were one; use { pointer = \"/…\" }"));
    }
    if let Some(time) = &options.time
        && matches!(time.as_ref(), AttributeFrom::Constant(_))
    {
        return Err(document.wrong(time, "a time comes from the body; use { pointer = \"/…\" }"));
    }
    let take = |from: &Option<Spanned<AttributeFrom>>| from.as_ref().map(|value| value.as_ref().clone());
    Ok(Json {
        kind: kind.as_ref().clone(),
        source: take(&options.source).unwrap_or_else(|| AttributeFrom::Constant(format!("/sources/{name}"))),
        id: take(&options.id),
        subject: take(&options.subject),
        time: take(&options.time),
        time_unit: options.time_unit.as_ref().map(|unit| *unit.as_ref()),
        data: data_pointer(document, options.data.as_ref())?,
        lines: options.lines.as_ref().is_some_and(|value| *value.as_ref()),
    })
}

fn data_pointer(document: &Document<'_>, given: Option<&Spanned<String>>) -> Result<String, Problem> {
    let Some(given) = given else { return Ok(String::new()) };
    if !is_pointer(given.as_ref()) {
        return Err(document.wrong(given, NO_POINTER));
    }
    Ok(given.as_ref().clone())
}

const NO_POINTER: &str = "a JSON pointer is empty or starts with '/', as in /device/id";

fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

/// `"text"` or `{ pointer = "/a/b" }`.
impl<'de> Deserialize<'de> for AttributeFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AttributeVisitor)
    }
}

struct AttributeVisitor;

impl<'de> Visitor<'de> for AttributeVisitor {
    type Value = AttributeFrom;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a text, or { pointer = \"/a/b\" }")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<AttributeFrom, E> {
        if text.is_empty() {
            return Err(E::custom("the text is empty"));
        }
        Ok(AttributeFrom::Constant(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AttributeFrom, A::Error> {
        match (map.next_entry::<String, String>()?, map.next_key::<String>()?) {
            (Some((key, pointer)), None) if key == "pointer" && is_pointer(&pointer) => {
                Ok(AttributeFrom::Pointer(pointer))
            }
            (Some((key, _)), None) if key == "pointer" => Err(A::Error::custom(NO_POINTER)),
            _ => Err(A::Error::custom("exactly one key is expected here: pointer")),
        }
    }
}
