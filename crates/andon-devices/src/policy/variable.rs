//! Policy variables: what `${…}` may name, and what it stands for on a connection.

use super::Connection;
use crate::pki::{AlternativeName, NameField, NamedValue};

/// Whose name in the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Party {
    /// The one that it was issued to.
    Subject,
    /// The one that signed it.
    Issuer,
}

/// What part of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Of the distinguished name.
    Name(NameField),
    /// Of the alternative names.
    Alternative(AlternativeName),
}

/// Which of several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The only one; none when there are several.
    Only,
    /// The one at this place, counted from zero.
    At(usize),
    /// All of them.
    List,
}

/// Something about a connection that a policy may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Variable {
    ClientId,
    SourceIp,
    ThingName,
    ThingTypeName,
    Attribute(String),
    IsAttached,
    OnBehalfOf,
    CertificateId,
    SerialNumber,
    AvailableKeys,
    Certificate(Party, Part, Which),
}

/// Most values of a variable that comes from a certificate.
const MAX_CERTIFICATE_VALUES: usize = 5;

/// Longest value that is put in, in characters.
const MAX_VALUE_CHARACTERS: usize = 1_024;

const ATTRIBUTES: &str = "iot:Connection.Thing.Attributes[";

impl Variable {
    /// The variable that a policy calls `name`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "iot:ClientId" => Self::ClientId,
            "aws:SourceIp" => Self::SourceIp,
            "iot:Connection.Thing.ThingName" => Self::ThingName,
            "iot:Connection.Thing.ThingTypeName" => Self::ThingTypeName,
            "iot:Connection.Thing.IsAttached" => Self::IsAttached,
            "andon:OnBehalfOf" => Self::OnBehalfOf,
            "iot:CertificateId" => Self::CertificateId,
            "iot:Certificate.SerialNumber" => Self::SerialNumber,
            "iot:Certificate.AvailableKeys" => Self::AvailableKeys,
            _ => match name.strip_prefix(ATTRIBUTES) {
                Some(rest) => Self::Attribute(rest.strip_suffix(']').filter(|name| !name.is_empty())?.to_owned()),
                None => certificate_variable(name.strip_prefix("iot:Certificate.")?)?,
            },
        })
    }

    /// Whether it may stand for several values at once.
    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::OnBehalfOf | Self::AvailableKeys | Self::Certificate(_, _, Which::List))
    }

    /// Its values on `connection`; none when it is not known there.
    pub(super) fn values(&self, connection: &Connection<'_>) -> Vec<String> {
        let device = connection.named_device();
        let one = match self {
            Self::ClientId => Some(connection.client_id.to_owned()),
            Self::SourceIp => connection.source.map(|address| address.to_string()),
            Self::ThingName => device.map(|device| device.name.to_string()),
            Self::ThingTypeName => device.and_then(|device| device.profile.as_ref()).map(ToString::to_string),
            Self::Attribute(name) => device.and_then(|device| device.attributes.get(name)).map(str::to_owned),
            Self::IsAttached => Some(device.is_some().to_string()),
            Self::CertificateId => Some(connection.certificate.id.to_string()),
            Self::SerialNumber => Some(connection.certificate.serial.to_string()),
            Self::OnBehalfOf => {
                return device.map(|d| d.on_behalf_of.iter().map(ToString::to_string).collect()).unwrap_or_default();
            }
            Self::AvailableKeys => return available_keys(connection),
            Self::Certificate(party, part, which) => return certificate_values(connection, *party, *part, *which),
        };
        one.into_iter().collect()
    }

    /// Its values as far as they may be put into a resource: AWS IoT Core leaves a variable as it stands when its value
    /// holds a character that means something in a policy or a filter.
    pub(super) fn substitutes(&self, connection: &Connection<'_>) -> Vec<String> {
        let harmless = |value: &String| {
            !value.is_empty()
                && !value.contains(['*', '$', '+', '?', '#'])
                && value.chars().count() <= MAX_VALUE_CHARACTERS
        };
        self.values(connection).into_iter().filter(harmless).collect()
    }
}

fn certificate_variable(name: &str) -> Option<Variable> {
    let (party, rest) = name.split_once('.')?;
    let party = match party {
        "Subject" => Party::Subject,
        "Issuer" => Party::Issuer,
        _ => return None,
    };
    let (rest, alternative) = match rest.strip_prefix("AlternativeName.") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (word, which) = match rest.split_once('.') {
        None => (rest, Which::Only),
        Some((word, "List")) => (word, Which::List),
        Some((word, number)) => (word, Which::At(number.parse::<usize>().ok()?.checked_sub(1)?)),
    };
    let part = if alternative {
        Part::Alternative(AlternativeName::from_word(word)?)
    } else {
        Part::Name(NameField::from_word(word)?)
    };
    Some(Variable::Certificate(party, part, which))
}

fn certificate_values(connection: &Connection<'_>, party: Party, part: Part, which: Which) -> Vec<String> {
    let facts = connection.certificate;
    let all = match (party, part) {
        (Party::Subject, Part::Name(field)) => of_kind(&facts.subject, field),
        (Party::Issuer, Part::Name(field)) => of_kind(&facts.issuer, field),
        (Party::Subject, Part::Alternative(kind)) => of_kind(&facts.subject_alternative, kind),
        (Party::Issuer, Part::Alternative(kind)) => of_kind(&facts.issuer_alternative, kind),
    };
    match which {
        Which::List => all,
        Which::At(index) => all.into_iter().nth(index).into_iter().collect(),
        Which::Only if all.len() == 1 => all,
        Which::Only => Vec::new(),
    }
}

fn of_kind<K: PartialEq + Copy>(values: &[NamedValue<K>], wanted: K) -> Vec<String> {
    let found = values.iter().filter(|(kind, _)| *kind == wanted).map(|(_, value)| value.clone());
    found.take(MAX_CERTIFICATE_VALUES).collect()
}

fn available_keys(connection: &Connection<'_>) -> Vec<String> {
    let facts = connection.certificate;
    let subject = facts.subject.iter().map(|(field, _)| format!("Subject.{}", field.word()));
    let issuer = facts.issuer.iter().map(|(field, _)| format!("Issuer.{}", field.word()));
    let mut keys: Vec<_> = subject.chain(issuer).chain(["SerialNumber".to_owned()]).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
