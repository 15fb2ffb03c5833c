//! Devices as the registry keeps them: names, attributes, profiles and groups, certificates and their states.
//!
//! **Constraints.** Pure data and functions of it; `now` is always given. A change either holds every limit or is
//! refused, and a change that was made already is not an error, so that whoever was interrupted may repeat it.
//!
//! **Life of a device.** It is onboarded ([`crate::enrolment`]) with one certificate; [`Device::rotate`] brings the next
//! one before [`ExpiryTerms::alarm`] turns urgent; [`Device::revoke`] locks one certificate out, [`Device::retire`] all
//! of them; what they leave behind is the line in the revocation list.

mod admission;
mod attributes;
mod certificate;
mod error;
mod expiry;
mod names;
mod profile;
mod record;
mod rotation;
#[cfg(test)]
mod tests;

pub use admission::NotAdmitted;
pub use attributes::{Attributes, MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTE_VALUE, MAX_ATTRIBUTES};
pub use certificate::{Certificate, CertificateStatus, KeyOrigin, Revocation};
pub use error::DeviceError;
pub use expiry::{ExpiryAlarm, ExpiryLevel, ExpiryTerms};
pub use names::{DeviceName, GroupName, MAX_NAME_BYTES, PolicyName, ProfileName};
pub use profile::{Group, PolicyNames, Profile};
pub use record::{Device, DeviceId, MAX_BEHIND_GATEWAY, MAX_CERTIFICATES, MAX_GROUPS, MAX_POLICIES};
pub use rotation::{MAX_ACTIVE, MAX_OVERLAP};
