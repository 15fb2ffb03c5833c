//! What can be wrong about a device, and what its state does not allow.

use andon_model::{Code, Problem, Timestamp};

use super::{CertificateStatus, MAX_NAME_BYTES};
use crate::CertificateId;

/// Why a value or a change of a device is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Not a legal name.
    #[error("{text:?} is not {what}: use 1 to {MAX_NAME_BYTES} of {characters}")]
    Name {
        /// Of what.
        what: &'static str,
        /// What it may be made of.
        characters: &'static str,
        /// The text, shortened.
        text: String,
    },
    /// An attribute's name or value.
    #[error("attribute {name:?}: {why}")]
    Attribute {
        /// Its name, shortened.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// More of something than allowed.
    #[error("{count} {what}, at most {limit} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// It names devices that it speaks for, and is no gateway.
    #[error(
        "only a gateway speaks for other devices: give it a profile with gateway = true, which `andon devices profiles \
         put NAME FILE` stores"
    )]
    NoGateway,
    /// A profile whose certificates would have ended when they begin.
    #[error("a certificate lives for 1 day or more: set certificate_days of the profile")]
    NoLife,
    /// No such certificate at this device.
    #[error("the device has no certificate {0}")]
    NoCertificate(CertificateId),
    /// A certificate that it has already.
    #[error("the device has the certificate {0} already")]
    KnownCertificate(CertificateId),
    /// A change that the state machine does not know.
    #[error("a certificate that is {from} cannot become {to}")]
    Transition {
        /// Its state.
        from: CertificateStatus,
        /// The state asked for.
        to: CertificateStatus,
    },
    /// A certificate that is past its end.
    #[error("the certificate ended at {0}")]
    Expired(Timestamp),
    /// Only what is not in use may be deleted.
    #[error("an ACTIVE certificate cannot be deleted; make it INACTIVE or revoke it first")]
    InUse,
}

impl DeviceError {
    pub(super) fn name(what: &'static str, characters: &'static str, text: &str) -> Self {
        Self::Name { what, characters, text: text.chars().take(MAX_NAME_BYTES).collect() }
    }

    /// What kind of error this is to an operator.
    pub fn code(&self) -> Code {
        match self {
            Self::Name { .. } | Self::Attribute { .. } | Self::TooMany { .. } | Self::NoGateway | Self::NoLife => {
                Code::DeviceValue
            }
            Self::NoCertificate(_) => Code::NotFound,
            Self::KnownCertificate(_) | Self::Transition { .. } | Self::Expired(_) | Self::InUse => {
                Code::CertificateState
            }
        }
    }
}

impl From<DeviceError> for Problem {
    fn from(error: DeviceError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
