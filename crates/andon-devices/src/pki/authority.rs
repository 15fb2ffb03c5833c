//! The certificate authority: a root that signs an issuing authority, which signs everything else.
//!
//! The root's key is needed when an issuing authority is made or replaced, and may be kept elsewhere in between. Keys
//! leave as [`Secret`]s, to be kept encrypted by whoever stores them.

use std::time::Duration;

use andon_model::{Secret, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData,
};

use super::inspect::parse;
use super::issue::rcgen_serial;
use super::{
    CERTIFICATE, CertificateFacts, PkiError, PrivateKey, Serial, certificate_der, certificate_time, pem,
    read_certificate,
};

/// Longest life of an authority, in days: a century.
pub const MAX_AUTHORITY_DAYS: u32 = 36_525;

/// How far a fresh certificate reaches back, so that a device whose clock is a little slow accepts it.
pub(super) const BACKDATED: Duration = Duration::from_mins(5);

/// Longest part of a name, in characters (RFC 5280, upper bounds of X.520).
const MAX_NAME_CHARS: usize = 64;

/// What a new authority is called and how long it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityTerms {
    /// Its common name, 1 to 64 characters.
    pub common_name: String,
    /// The organization that runs it, 1 to 64 characters.
    pub organization: Option<String>,
    /// Its life in days.
    pub days: u32,
}

/// A certificate authority that can sign.
pub struct Authority {
    pub(super) issuer: Issuer<'static, KeyPair>,
    pub(super) der: Vec<u8>,
    facts: CertificateFacts,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("id", &self.facts.id).finish_non_exhaustive()
    }
}

impl Authority {
    /// A new root: self-signed, allowed to sign issuing authorities, and other roots' cross certificates.
    pub fn root(terms: &AuthorityTerms, key: PrivateKey, serial: &Serial, now: Timestamp) -> Result<Self, PkiError> {
        let params = authority_params(terms, serial, now, BasicConstraints::Unconstrained)?;
        let certificate = params.self_signed(&key.0)?;
        Self::assemble(certificate.der().to_vec(), key)
    }

    /// A new issuing authority below this root, allowed to sign devices but no further authority. It ends no later than
    /// its root.
    pub fn issuing(
        &self,
        terms: &AuthorityTerms,
        key: PrivateKey,
        serial: &Serial,
        now: Timestamp,
    ) -> Result<Self, PkiError> {
        self.check_alive(now)?;
        let mut params = authority_params(terms, serial, now, BasicConstraints::Constrained(0))?;
        params.not_after = params.not_after.min(certificate_time(self.facts.not_after)?);
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key.0, &self.issuer)?;
        Self::assemble(certificate.der().to_vec(), key)
    }

    /// A cross certificate: subject and key are those of the root `next`, which was made with these terms, and this root
    /// is the issuer. Who trusts this root alone verifies by it what `next` signs. It ends with the first of the two.
    ///
    /// # Errors
    /// [`PkiError::NotAnAuthority`] when this root may have no more than issuing authorities below it.
    pub fn cross(
        &self,
        next: &Self,
        terms: &AuthorityTerms,
        serial: &Serial,
        now: Timestamp,
    ) -> Result<String, PkiError> {
        self.check_alive(now)?;
        check_may_vouch(&self.der)?;
        let mut params = authority_params(terms, serial, now, BasicConstraints::Unconstrained)?;
        params.not_after = certificate_time(next.facts.not_after.min(self.facts.not_after))?;
        params.use_authority_key_identifier_extension = true;
        let signed = params.signed_by(next.issuer.key(), &self.issuer)?;
        Ok(pem::encode(CERTIFICATE, signed.der()))
    }

    /// A stored authority: its certificate in PEM and its key.
    pub fn open(certificate_pem: &str, key: &Secret) -> Result<Self, PkiError> {
        Self::assemble(certificate_der(certificate_pem)?, PrivateKey::from_pem(key)?)
    }

    fn assemble(der: Vec<u8>, key: PrivateKey) -> Result<Self, PkiError> {
        let facts = read_certificate(&der)?;
        if facts.public_key_der != key.0.subject_public_key_info() {
            return Err(PkiError::KeyMismatch);
        }
        check_may_sign(&der)?;
        let issuer = Issuer::from_ca_cert_der(&der.as_slice().into(), key.0)
            .map_err(|e| PkiError::malformed("the certificate", e))?;
        Ok(Self { issuer, der, facts })
    }

    /// What its certificate says.
    pub fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// Its certificate in PEM: for a root, what devices are to trust.
    pub fn to_pem(&self) -> String {
        pem::encode(CERTIFICATE, &self.der)
    }

    /// Its key, to be kept encrypted.
    pub fn key_pem(&self) -> Secret {
        Secret::new(pem::encode("PRIVATE KEY", self.issuer.key().serialized_der()))
    }

    /// Whether this authority signed `der`. Says nothing about revocation: the registry knows that.
    pub fn verify(&self, der: &[u8]) -> Result<(), PkiError> {
        if is_signed_by(der, &self.der)? { Ok(()) } else { Err(PkiError::NotOurs) }
    }

    pub(super) fn check_alive(&self, now: Timestamp) -> Result<(), PkiError> {
        let ends = self.facts.not_after;
        if (self.facts.not_before..=ends).contains(&now) {
            return Ok(());
        }
        Err(PkiError::AuthorityExpired { now, ends })
    }
}

/// Whether the key of the certificate `issuer` signed `der` under its name; both in DER.
pub fn is_signed_by(der: &[u8], issuer: &[u8]) -> Result<bool, PkiError> {
    let (ours, theirs) = (parse(issuer)?, parse(der)?);
    Ok(theirs.issuer() == ours.subject() && theirs.verify_signature(Some(ours.public_key())).is_ok())
}

fn authority_params(
    terms: &AuthorityTerms,
    serial: &Serial,
    now: Timestamp,
    below: BasicConstraints,
) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name(&terms.common_name, terms.organization.as_deref())?;
    params.is_ca = IsCa::Ca(below);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(rcgen_serial(serial));
    params.not_before = certificate_time(now.before(BACKDATED))?;
    params.not_after = certificate_time(end_after(now, terms.days, MAX_AUTHORITY_DAYS)?)?;
    Ok(params)
}

/// `now` and `days` later, within `limit`.
pub(super) fn end_after(now: Timestamp, days: u32, limit: u32) -> Result<Timestamp, PkiError> {
    if !(1..=limit).contains(&days) {
        return Err(PkiError::Lifetime { days, limit });
    }
    Ok(now.after(Duration::from_secs(u64::from(days) * 86_400)))
}

/// A subject: organization, then common name.
pub(super) fn distinguished_name(common_name: &str, organization: Option<&str>) -> Result<DistinguishedName, PkiError> {
    let mut name = DistinguishedName::new();
    for (kind, value) in [(DnType::OrganizationName, organization), (DnType::CommonName, Some(common_name))] {
        let Some(value) = value else { continue };
        if value.is_empty() || value.chars().count() > MAX_NAME_CHARS || value.chars().any(char::is_control) {
            return Err(PkiError::Name(value.chars().take(MAX_NAME_CHARS).collect()));
        }
        name.push(kind, value);
    }
    Ok(name)
}

fn check_may_sign(der: &[u8]) -> Result<(), PkiError> {
    let certificate = parse(der)?;
    let usage = certificate.key_usage().ok().flatten().map(|extension| extension.value);
    let may_sign = certificate.is_ca() && usage.is_some_and(|usage| usage.key_cert_sign() && usage.crl_sign());
    if may_sign { Ok(()) } else { Err(PkiError::NotAnAuthority) }
}

/// Below a root that vouches for another one there are two authorities: the other root, and what that signs.
fn check_may_vouch(der: &[u8]) -> Result<(), PkiError> {
    let certificate = parse(der)?;
    let constraints = certificate.basic_constraints().ok().flatten().map(|extension| extension.value);
    let below = constraints.filter(|constraints| constraints.ca).map(|constraints| constraints.path_len_constraint);
    if below.is_some_and(|most| most.is_none_or(|most| most >= 2)) { Ok(()) } else { Err(PkiError::NotAnAuthority) }
}
