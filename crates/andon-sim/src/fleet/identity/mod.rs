//! Who the devices are: names, certificates and keys, kept in a folder so that the next run uses them again.
//!
//! **Life of an identity.** The key is made here and written down before anything is sent; then its signing request goes
//! to the API, and the certificate that comes back is written beside it. A run that is killed in between goes on with the
//! same key, so that the API comes to the same device. Keys never leave the folder.

mod folder;
mod onboarding;

use andon_model::Secret;
use rcgen::{CertificateParams, DnType, KeyPair};

pub use folder::IdentityFolder;
pub use onboarding::{Onboarded, Onboarding, OnboardingWay};

use super::error::FleetError;

/// What a device needs to connect.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its name, which is its client id too.
    pub device: String,
    /// Its certificate and those of the authorities below the root, in PEM.
    pub chain_pem: String,
    /// Its private key in PEM.
    pub key_pem: Secret,
}

/// A fresh key (ECDSA P-256) in PEM, from the randomness of the operating system.
fn fresh_key() -> Result<Secret, FleetError> {
    Ok(Secret::new(KeyPair::generate()?.serialize_pem()))
}

/// The signing request (PKCS #10) of a device for its key, in PEM.
fn signing_request(device: &str, key_pem: &Secret) -> Result<String, FleetError> {
    let key = KeyPair::from_pem(key_pem.expose())?;
    let mut request = CertificateParams::default();
    request.distinguished_name.push(DnType::CommonName, device);
    Ok(request.serialize_request(&key)?.pem()?)
}
