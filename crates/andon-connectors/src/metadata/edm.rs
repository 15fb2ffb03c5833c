//! The primitive types of OData and the forms of their values, in JSON and in addresses.
//!
//! Sources: OData 2.0 "Overview" (abstract type system) and "JSON Format"; OData 4.01 JSON Format and ABNF.

use super::model::{Format, Property, Version};

/// A type, as far as its values can be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// `Edm.Byte`, `SByte`, `Int16`, `Int32`: smallest and largest value.
    Integer(i64, i64),
    /// 64 bits; a text in V2.
    Int64,
    /// Exact; a text in V2.
    Decimal,
    /// `Edm.Double`, `Single`.
    Double,
    /// Date and time without a zone (V2).
    DateTime,
    /// Date and time with a zone.
    DateTimeOffset,
    /// Time of day as a duration (V2).
    Time,
    /// A day (V4).
    Date,
    /// Time of day (V4).
    TimeOfDay,
    /// `8-4-4-4-12` hexadecimal digits.
    Guid,
    /// Bytes.
    Binary,
    /// A complex type or enumeration of the service, by qualified name.
    Named(String),
    /// Anything else: not checked.
    Other,
}

impl Kind {
    /// The kind of a type name such as `Edm.String`.
    pub fn of(name: &str) -> Self {
        match name {
            "Edm.String" => Self::String,
            "Edm.Boolean" => Self::Boolean,
            "Edm.Byte" => Self::Integer(0, 255),
            "Edm.SByte" => Self::Integer(-128, 127),
            "Edm.Int16" => Self::Integer(i64::from(i16::MIN), i64::from(i16::MAX)),
            "Edm.Int32" => Self::Integer(i64::from(i32::MIN), i64::from(i32::MAX)),
            "Edm.Int64" => Self::Int64,
            "Edm.Decimal" => Self::Decimal,
            "Edm.Double" | "Edm.Single" => Self::Double,
            "Edm.DateTime" => Self::DateTime,
            "Edm.DateTimeOffset" => Self::DateTimeOffset,
            "Edm.Time" => Self::Time,
            "Edm.Date" => Self::Date,
            "Edm.TimeOfDay" => Self::TimeOfDay,
            "Edm.Guid" => Self::Guid,
            "Edm.Binary" => Self::Binary,
            name if name.starts_with("Edm.") => Self::Other,
            name => Self::Named(name.to_owned()),
        }
    }

    /// Whether its values are texts in JSON.
    pub fn is_text(&self, version: Version) -> Option<bool> {
        match self {
            Self::Boolean | Self::Integer(..) => Some(false),
            Self::Decimal | Self::Int64 => Some(version == Version::V2),
            Self::Double | Self::Named(_) | Self::Other => None,
            _ => Some(true),
        }
    }

    /// How a value is written in JSON, for people.
    pub fn form(&self, version: Version) -> String {
        let (name, form) = match self {
            Self::String => ("Edm.String", "a text"),
            Self::Boolean => ("Edm.Boolean", "true or false without quotes"),
            Self::Integer(smallest, largest) => {
                return format!("it is a whole number from {smallest} to {largest}, without quotes");
            }
            Self::Int64 if version == Version::V2 => ("Edm.Int64", "a text in JSON, as in \"42\""),
            Self::Int64 => ("Edm.Int64", "a number without quotes"),
            Self::Decimal if version == Version::V2 => ("Edm.Decimal", "a text in JSON, as in \"13.5\""),
            Self::Decimal => ("Edm.Decimal", "a number without quotes, as in 13.5"),
            Self::Double => ("Edm.Double", "a number"),
            Self::DateTime => ("Edm.DateTime", "\"/Date(1687839153000)/\" or \"2023-06-27T04:12:33\" without a zone"),
            Self::DateTimeOffset if version == Version::V2 => {
                ("Edm.DateTimeOffset", "\"/Date(1687839153000+0000)/\" or \"2023-06-27T04:12:33Z\"")
            }
            Self::DateTimeOffset => ("Edm.DateTimeOffset", "\"2023-06-27T04:12:33Z\""),
            Self::Time => ("Edm.Time", "\"PT04H12M33S\""),
            Self::Date => ("Edm.Date", "\"2023-06-27\""),
            Self::TimeOfDay => ("Edm.TimeOfDay", "\"04:12:33\""),
            Self::Guid => ("Edm.Guid", "\"fa163e4d-0000-1000-8000-00155d012345\""),
            Self::Binary => ("Edm.Binary", "a text in base64"),
            Self::Named(name) => return format!("it is a {name}"),
            Self::Other => ("of a type that is not checked", "anything"),
        };
        format!("it is {name}: {form}")
    }
}

/// Whether a text is a value of the property, in the JSON of this version; the reason when it is not.
/// Length is looked at elsewhere.
pub(super) fn text_fault(property: &Property, version: Version, text: &str) -> Option<String> {
    let is_good = match &property.kind {
        Kind::String => return digits_fault(property, text),
        Kind::DateTime => return date_time_fault(property, version, text),
        Kind::Decimal if version == Version::V2 => return decimal_fault(property, text),
        Kind::Boolean | Kind::Integer(..) | Kind::Decimal => false,
        Kind::Int64 => version == Version::V2 && text.parse::<i64>().is_ok(),
        Kind::Double => {
            text.parse::<f64>().is_ok() && (version == Version::V2 || matches!(text, "INF" | "-INF" | "NaN"))
        }
        Kind::DateTimeOffset => is_moment(text) || (version == Version::V2 && is_epoch(text)),
        Kind::Time => is_duration(text),
        Kind::Date => is_day(text),
        Kind::TimeOfDay => is_time_of_day(text),
        Kind::Guid => is_guid(text),
        Kind::Binary => text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=-_".contains(&b)),
        Kind::Named(_) | Kind::Other => true,
    };
    (!is_good).then(|| format!("{text:?} is not a value of it; {}", property.kind.form(version)))
}

fn digits_fault(property: &Property, text: &str) -> Option<String> {
    let is_bad = property.format == Format::Digits && !text.bytes().all(|b| b.is_ascii_digit());
    is_bad.then(|| format!("{text:?} is not a value of it; it holds digits alone"))
}

fn date_time_fault(property: &Property, version: Version, text: &str) -> Option<String> {
    let milliseconds = epoch(text).filter(|(_, zone)| !zone).map(|(milliseconds, _)| milliseconds);
    if milliseconds.is_none() && !is_local_moment(text) {
        return Some(format!("{text:?} is not a value of it; {}", property.kind.form(version)));
    }
    let is_midnight = match milliseconds {
        Some(milliseconds) => milliseconds % 86_400_000 == 0,
        None => text.get(11..).is_none_or(|time| time.chars().all(|c| matches!(c, '0' | ':' | '.'))),
    };
    let is_late = property.format == Format::Date && !is_midnight;
    is_late.then(|| format!("{text:?} has a time of day, but it is a day: its time is 00:00:00, as odata_day gives it"))
}

fn decimal_fault(property: &Property, text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_number = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    if !is_number {
        return Some(format!("{text:?} is not a value of it; {}", property.kind.form(Version::V2)));
    }
    digits_of(property, whole, fraction).map(|what| format!("{text:?} {what}"))
}

/// What is wrong with the number of a decimal's digits.
pub(super) fn digits_of(property: &Property, whole: &str, fraction: &str) -> Option<String> {
    let (whole, fraction) = (whole.trim_start_matches('0').len(), fraction.trim_end_matches('0').len());
    if let Some(scale) = property.scale.filter(|scale| fraction > *scale) {
        return Some(format!("has {fraction} digits after the point, it takes {scale}"));
    }
    let precision = property.precision?;
    let before = precision.saturating_sub(property.scale.unwrap_or(0));
    let most = if property.scale.is_some() { before } else { precision };
    (whole > most).then(|| format!("has {whole} digits before the point, it takes {most}"))
}

/// `/Date(n)/` or `/Date(n+nnnn)/`: milliseconds since the epoch, and whether an offset is given.
fn epoch(text: &str) -> Option<(i64, bool)> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let zone = inner.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-'));
    match zone {
        None => Some((inner.parse().ok()?, false)),
        Some((at, _)) => {
            let offset = &inner[at + 1..];
            let is_offset = !offset.is_empty() && offset.bytes().all(|b| b.is_ascii_digit());
            is_offset.then_some((inner[..at].parse().ok()?, true))
        }
    }
}

fn is_epoch(text: &str) -> bool {
    epoch(text).is_some()
}

/// Whether the text has this shape: `9` stands for a digit, everything else for itself.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(b, s)| if s == b'9' { b.is_ascii_digit() } else { b == s })
}

fn is_day(text: &str) -> bool {
    let part = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    has_shape(text, "9999-99-99") && (1..=12).contains(&part(5..7)) && (1..=31).contains(&part(8..10))
}

fn is_time_of_day(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_clock = has_shape(clock, "99:99:99") || has_shape(clock, "99:99");
    let limits = [24, 60, 60];
    let in_limits = clock.split(':').zip(limits).all(|(part, limit)| part.parse::<u32>().is_ok_and(|n| n < limit));
    is_clock && in_limits && !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit())
}

fn is_local_moment(text: &str) -> bool {
    text.split_once('T').is_some_and(|(day, time)| is_day(day) && is_time_of_day(time))
}

fn is_moment(text: &str) -> bool {
    let Some((day, time)) = text.split_once('T') else { return false };
    let zone = time.find(['Z', '+', '-']).map_or("", |at| &time[at..]);
    let is_zone = zone == "Z" || has_shape(zone, "+99:99") || has_shape(zone, "-99:99");
    is_day(day) && is_zone && is_time_of_day(&time[..time.len() - zone.len()])
}

/// `PT04H12M33S`, its parts optional.
fn is_duration(text: &str) -> bool {
    let Some(mut rest) = text.strip_prefix("PT").filter(|rest| !rest.is_empty()) else { return false };
    for unit in ['H', 'M', 'S'] {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        if digits > 0 && rest[digits..].starts_with(unit) {
            rest = &rest[digits + 1..];
        }
    }
    rest.is_empty()
}

fn is_guid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, length)| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// How a value is written in an address: what stands before and after it.
pub(super) fn address_form(kind: &Kind, version: Version) -> Option<(&'static str, &'static str)> {
    Some(match (kind, version) {
        (Kind::String, _) => ("'", "'"),
        (Kind::Guid, Version::V2) => ("guid'", "'"),
        (Kind::DateTime, Version::V2) => ("datetime'", "'"),
        (Kind::DateTimeOffset, Version::V2) => ("datetimeoffset'", "'"),
        (Kind::Time, Version::V2) => ("time'", "'"),
        (Kind::Boolean | Kind::Integer(..) | Kind::Int64 | Kind::Decimal | Kind::Double, _)
        | (Kind::Guid | Kind::Date | Kind::DateTimeOffset | Kind::TimeOfDay, Version::V4) => ("", ""),
        _ => return None,
    })
}

/// What is wrong with a literal without quotes in an address, when all of it is known.
pub(super) fn plain_fault(kind: &Kind, version: Version, text: &str) -> bool {
    let number = text.trim_end_matches(['L', 'l', 'M', 'm', 'd', 'D', 'f', 'F']);
    let is_good = match kind {
        Kind::Boolean => matches!(text, "true" | "false"),
        Kind::Integer(smallest, largest) => text.parse::<i64>().is_ok_and(|n| (*smallest..=*largest).contains(&n)),
        Kind::Int64 => number.parse::<i64>().is_ok(),
        Kind::Decimal | Kind::Double => number.parse::<f64>().is_ok(),
        Kind::Guid => version == Version::V4 && is_guid(text),
        Kind::Date => is_day(text),
        Kind::DateTimeOffset => is_moment(text),
        Kind::TimeOfDay => is_time_of_day(text),
        _ => true,
    };
    !is_good
}
