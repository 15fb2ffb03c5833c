//! Revocation lists (RFC 5280 §5): what other servers need to know; our own door asks the registry instead.

use std::time::Duration;

use andon_model::Timestamp;
use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};
use serde::{Deserialize, Serialize};

use super::authority::BACKDATED;
use super::issue::rcgen_serial;
use super::{Authority, PkiError, Serial, certificate_time, key_identifiers, pem};

/// Most revoked certificates in one list.
pub const MAX_REVOKED: usize = 200_000;

/// Why a certificate was revoked, in the words of RFC 5280.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// No reason was given.
    #[default]
    Unspecified,
    /// Somebody else may have the private key.
    KeyCompromise,
    /// The device belongs to somebody else now.
    AffiliationChanged,
    /// A newer certificate took its place.
    Superseded,
    /// The device is out of service.
    CessationOfOperation,
    /// The device may no longer do what it did.
    PrivilegeWithdrawn,
}

impl RevocationReason {
    fn as_rcgen(self) -> rcgen::RevocationReason {
        match self {
            Self::Unspecified => rcgen::RevocationReason::Unspecified,
            Self::KeyCompromise => rcgen::RevocationReason::KeyCompromise,
            Self::AffiliationChanged => rcgen::RevocationReason::AffiliationChanged,
            Self::Superseded => rcgen::RevocationReason::Superseded,
            Self::CessationOfOperation => rcgen::RevocationReason::CessationOfOperation,
            Self::PrivilegeWithdrawn => rcgen::RevocationReason::PrivilegeWithdrawn,
        }
    }
}

/// A line of a revocation list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedEntry {
    /// The certificate.
    pub serial: Serial,
    /// When it was revoked.
    pub at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
    /// Its last moment, after which it need not be listed.
    pub not_after: Timestamp,
    /// The identifier of the key that issued it, as in [`super::KeyIdentifiers`]. Without it (revocations that were stored by
    /// builds before this one), it stands in every authority's list: serial numbers are random, so that it can be taken
    /// for no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// A signed revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// In DER, as `application/pkix-crl` (RFC 2585).
    pub der: Vec<u8>,
    /// In PEM.
    pub pem: String,
    /// How many certificates it names.
    pub entries: usize,
    /// When the next one is due.
    pub next_update: Timestamp,
}

impl Authority {
    /// Signs the list number `number` (each higher than the one before), good for `lifetime`: of those in `revoked`, the
    /// certificates that this authority issued. What expired before this list begins is left out; the others stand in
    /// the order of their serial numbers.
    pub fn revocation_list(
        &self,
        number: u64,
        revoked: &[RevokedEntry],
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<RevocationList, PkiError> {
        let begins = now.before(BACKDATED);
        let own = key_identifiers(&self.der)?.own;
        let is_ours = |entry: &&RevokedEntry| entry.issuer.is_none() || entry.issuer == own;
        let mut listed: Vec<_> = revoked.iter().filter(|entry| entry.not_after >= begins).filter(is_ours).collect();
        if listed.len() > MAX_REVOKED {
            return Err(PkiError::TooManyRevoked { count: listed.len(), limit: MAX_REVOKED });
        }
        listed.sort_by(|a, b| a.serial.cmp(&b.serial));
        let next_update = now.after(lifetime);
        let params = CertificateRevocationListParams {
            this_update: certificate_time(begins)?,
            next_update: certificate_time(next_update)?,
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: listed.iter().map(|entry| revoked_params(entry)).collect::<Result<_, _>>()?,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let signed = params.signed_by(&self.issuer)?;
        let der = signed.der().to_vec();
        Ok(RevocationList { pem: pem::encode("X509 CRL", &der), der, entries: listed.len(), next_update })
    }
}

fn revoked_params(entry: &RevokedEntry) -> Result<RevokedCertParams, PkiError> {
    Ok(RevokedCertParams {
        serial_number: rcgen_serial(&entry.serial),
        revocation_time: certificate_time(entry.at)?,
        reason_code: Some(entry.reason.as_rcgen()),
        invalidity_date: None,
    })
}
