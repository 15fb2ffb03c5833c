//! Issuing: a public key and our terms become a certificate.

use std::net::IpAddr;

use andon_model::Timestamp;
use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, CrlDistributionPoint, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    SanType, SerialNumber,
};

use super::authority::{BACKDATED, distinguished_name, end_after};
use super::{
    Authority, CERTIFICATE, CertificateId, KeyKind, PkiError, PublicKey, Serial, certificate_der, certificate_time,
    pem, read_certificate, whole_seconds,
};
use crate::DeviceName;

/// Longest life of a certificate, in days: twenty years.
pub const MAX_CERTIFICATE_DAYS: u32 = 7_305;

/// What a device's certificate says beside its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateTerms {
    /// The device: common name and, in full, a URI among the alternative names.
    pub device: DeviceName,
    /// The organization in the subject.
    pub organization: Option<String>,
    /// Its life in days; it ends no later than the authority.
    pub days: u32,
    /// Where the revocation list is to be had.
    pub crl_url: Option<String>,
}

/// What a server's certificate says, for the listeners that devices connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTerms {
    /// Host names; the first is the common name.
    pub hosts: Vec<String>,
    /// Addresses, for devices without name resolution.
    pub addresses: Vec<IpAddr>,
    /// Its life in days.
    pub days: u32,
}

/// A certificate as it was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// Its fingerprint.
    pub id: CertificateId,
    /// Its serial number.
    pub serial: Serial,
    /// The certificate in PEM.
    pub pem: String,
    /// First moment of its validity.
    pub not_before: Timestamp,
    /// Last moment of its validity.
    pub not_after: Timestamp,
    /// The kind of its key.
    pub key: KeyKind,
}

impl Authority {
    /// Issues a device's certificate: for TLS clients only, valid from a little before `now`.
    pub fn issue(
        &self,
        terms: &CertificateTerms,
        key: &PublicKey,
        serial: &Serial,
        now: Timestamp,
    ) -> Result<IssuedCertificate, PkiError> {
        let name = distinguished_name(&terms.device.common_name(), terms.organization.as_deref())?;
        let mut params = self.leaf_params(name, terms.days, serial, now)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names = vec![SanType::URI(ia5(&terms.device.urn())?)];
        params.crl_distribution_points = distribution_points(terms.crl_url.as_deref())?;
        self.sign(&params, key)
    }

    /// Issues the certificate of a listener, for TLS servers only.
    pub fn issue_server(
        &self,
        terms: &ServerTerms,
        key: &PublicKey,
        serial: &Serial,
        now: Timestamp,
    ) -> Result<IssuedCertificate, PkiError> {
        let addresses = terms.addresses.iter().map(ToString::to_string);
        let first = terms.hosts.iter().cloned().chain(addresses).next();
        let first = first.ok_or_else(|| PkiError::Name("a server without host and address".to_owned()))?;
        let mut params = self.leaf_params(distinguished_name(&first, None)?, terms.days, serial, now)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for host in &terms.hosts {
            params.subject_alt_names.push(SanType::DnsName(ia5(host)?));
        }
        params.subject_alt_names.extend(terms.addresses.iter().map(|address| SanType::IpAddress(*address)));
        self.sign(&params, key)
    }

    fn leaf_params(
        &self,
        name: DistinguishedName,
        days: u32,
        serial: &Serial,
        now: Timestamp,
    ) -> Result<CertificateParams, PkiError> {
        self.check_alive(now)?;
        let end = whole_seconds(end_after(now, days, MAX_CERTIFICATE_DAYS)?).min(self.facts().not_after);
        let mut params = CertificateParams::default();
        params.distinguished_name = name;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.serial_number = Some(rcgen_serial(serial));
        params.use_authority_key_identifier_extension = true;
        params.not_before = certificate_time(now.before(BACKDATED).max(self.facts().not_before))?;
        params.not_after = certificate_time(end)?;
        Ok(params)
    }

    fn sign(&self, params: &CertificateParams, key: &PublicKey) -> Result<IssuedCertificate, PkiError> {
        let signed = params.signed_by(&key.info, &self.issuer)?;
        let facts = read_certificate(signed.der())?;
        Ok(IssuedCertificate {
            id: facts.id,
            serial: facts.serial,
            pem: pem::encode(CERTIFICATE, signed.der()),
            not_before: facts.not_before,
            not_after: facts.not_after,
            key: key.kind(),
        })
    }
}

impl IssuedCertificate {
    /// The certificate in DER.
    pub fn der(&self) -> Result<Vec<u8>, PkiError> {
        certificate_der(&self.pem)
    }
}

pub(super) fn rcgen_serial(serial: &Serial) -> SerialNumber {
    SerialNumber::from(serial.to_bytes())
}

fn ia5(text: &str) -> Result<Ia5String, PkiError> {
    let legal = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    let made = legal.then(|| Ia5String::try_from(text).ok()).flatten();
    made.ok_or_else(|| PkiError::Name(text.chars().take(80).collect()))
}

fn distribution_points(url: Option<&str>) -> Result<Vec<CrlDistributionPoint>, PkiError> {
    let Some(url) = url else { return Ok(Vec::new()) };
    ia5(url)?;
    Ok(vec![CrlDistributionPoint { uris: vec![url.to_owned()] }])
}
