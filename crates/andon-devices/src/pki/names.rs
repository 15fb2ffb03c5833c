//! Parts of distinguished names and alternative names, under the words that AWS IoT policies use for them.

use x509_parser::extensions::GeneralName;
use x509_parser::x509::X509Name;

/// A part of a distinguished name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameField {
    /// `dnQualifier`.
    DistinguishedNameQualifier,
    /// `C`.
    Country,
    /// `O`.
    Organization,
    /// `OU`.
    OrganizationalUnit,
    /// `ST`.
    State,
    /// `CN`.
    CommonName,
    /// `serialNumber`, of the subject, not of the certificate.
    SerialNumber,
    /// `title`.
    Title,
    /// `SN`.
    Surname,
    /// `GN`.
    GivenName,
    /// `initials`.
    Initials,
    /// `pseudonym`.
    Pseudonym,
    /// `generationQualifier`.
    GenerationQualifier,
}

/// Every field with its word and its object identifier (X.520).
const FIELDS: &[(NameField, &str, &str)] = &[
    (NameField::DistinguishedNameQualifier, "DistinguishedNameQualifier", "2.5.4.46"),
    (NameField::Country, "Country", "2.5.4.6"),
    (NameField::Organization, "Organization", "2.5.4.10"),
    (NameField::OrganizationalUnit, "OrganizationalUnit", "2.5.4.11"),
    (NameField::State, "State", "2.5.4.8"),
    (NameField::CommonName, "CommonName", "2.5.4.3"),
    (NameField::SerialNumber, "SerialNumber", "2.5.4.5"),
    (NameField::Title, "Title", "2.5.4.12"),
    (NameField::Surname, "Surname", "2.5.4.4"),
    (NameField::GivenName, "GivenName", "2.5.4.42"),
    (NameField::Initials, "Initials", "2.5.4.43"),
    (NameField::Pseudonym, "Pseudonym", "2.5.4.65"),
    (NameField::GenerationQualifier, "GenerationQualifier", "2.5.4.44"),
];

/// A kind of subject or issuer alternative name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlternativeName {
    /// A mail address.
    Rfc822Name,
    /// A host name.
    DnsName,
    /// A distinguished name.
    DirectoryName,
    /// A URI.
    UniformResourceIdentifier,
    /// An address, four or sixteen bytes.
    IpAddress,
}

const ALTERNATIVES: &[(AlternativeName, &str)] = &[
    (AlternativeName::Rfc822Name, "RFC822Name"),
    (AlternativeName::DnsName, "DNSName"),
    (AlternativeName::DirectoryName, "DirectoryName"),
    (AlternativeName::UniformResourceIdentifier, "UniformResourceIdentifier"),
    (AlternativeName::IpAddress, "IPAddress"),
];

/// A part of a name with its value, in the order of the certificate.
pub type NamedValue<K> = (K, String);

impl NameField {
    /// The field that policies call `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        FIELDS.iter().find(|(_, known, _)| *known == word).map(|(field, ..)| *field)
    }

    /// The word that policies use.
    pub fn word(self) -> &'static str {
        FIELDS.iter().find(|(field, ..)| *field == self).map_or("", |(_, word, _)| word)
    }
}

impl AlternativeName {
    /// The kind that policies call `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        ALTERNATIVES.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}

/// The known parts of a distinguished name.
pub(super) fn name_values(name: &X509Name<'_>) -> Vec<NamedValue<NameField>> {
    let parts = name.iter_attributes().filter_map(|part| {
        let oid = part.attr_type().to_id_string();
        let (field, ..) = FIELDS.iter().find(|(_, _, known)| *known == oid)?;
        Some((*field, part.as_str().ok()?.to_owned()))
    });
    parts.collect()
}

/// The known alternative names.
pub(super) fn alternative_values(names: &[GeneralName<'_>]) -> Vec<NamedValue<AlternativeName>> {
    names.iter().filter_map(alternative).collect()
}

fn alternative(name: &GeneralName<'_>) -> Option<NamedValue<AlternativeName>> {
    match name {
        GeneralName::RFC822Name(text) => Some((AlternativeName::Rfc822Name, (*text).to_owned())),
        GeneralName::DNSName(text) => Some((AlternativeName::DnsName, (*text).to_owned())),
        GeneralName::DirectoryName(name) => Some((AlternativeName::DirectoryName, name.to_string())),
        GeneralName::URI(text) => Some((AlternativeName::UniformResourceIdentifier, (*text).to_owned())),
        GeneralName::IPAddress(bytes) => Some((AlternativeName::IpAddress, address(bytes)?)),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|b| std::net::Ipv4Addr::from(b).to_string());
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|b| std::net::Ipv6Addr::from(b).to_string())).ok()
}
