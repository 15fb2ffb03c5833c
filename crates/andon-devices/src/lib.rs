//! Devices: who they are, how they come in, and what they may do.
//!
//! **Constraints.** No I/O and no clock; the only async things are the ports [`registry::Registry`] and
//! [`door::Admission`], which others implement. Time is a parameter, identifiers come from an
//! [`IdSource`](andon_model::IdSource), randomness from [`Entropy`] and key pairs from a [`KeySource`]. A private key
//! that was made for a device is handed over once and kept nowhere. Nothing panics on input, and everything has a limit.
//!
//! **Life of a device.** A request to onboard becomes an [`enrolment`], which asks whether it is allowed, has a certificate
//! issued and hands it over. The [`Device`] stays in the registry with its certificates until they are revoked. When
//! it connects, [`registry::admit()`] looks at its certificate, and [`policy::Permissions`] tell what it may do. People and
//! programs that manage devices come with a [`token`]; wizards made for AWS's quickstart find its shapes in [`quickstart`].

mod device;
pub mod door;
pub mod enrolment;
mod entropy;
pub mod pki;
pub mod policy;
pub mod quickstart;
pub mod registry;
pub mod token;

pub use device::{
    Attributes, Certificate, CertificateStatus, Device, DeviceError, DeviceId, DeviceName, ExpiryAlarm, ExpiryLevel,
    ExpiryTerms, Group, GroupName, KeyOrigin, MAX_ACTIVE, MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTE_VALUE, MAX_ATTRIBUTES,
    MAX_BEHIND_GATEWAY, MAX_CERTIFICATES, MAX_GROUPS, MAX_NAME_BYTES, MAX_OVERLAP, MAX_POLICIES, NotAdmitted,
    PolicyName, PolicyNames, Profile, ProfileName, Revocation,
};
pub use entropy::{Entropy, EntropyFailed, KeySource, SystemEntropy};
pub use pki::{CertificateId, Serial};
