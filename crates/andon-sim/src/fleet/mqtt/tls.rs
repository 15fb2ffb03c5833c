//! TLS of devices: whom they trust, and the certificate that they show.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::fleet::FleetError;
use crate::fleet::identity::Identity;

const VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// What the TLS of all devices shares.
pub(in crate::fleet) struct Trust {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    /// Trusts the certificates in a PEM text, and nobody else.
    pub(in crate::fleet) fn new(roots_pem: &str) -> Result<Self, FleetError> {
        let broken = |what: String| FleetError::Roots(what);
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(roots_pem.as_bytes()) {
            let certificate = certificate.map_err(|error| broken(error.to_string()))?;
            roots.add(certificate).map_err(|error| broken(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(broken("there is no certificate".to_owned()));
        }
        Ok(Self { roots: Arc::new(roots), provider: Arc::new(ring::default_provider()) })
    }

    /// The TLS of one device. Sessions are not resumed: every connect is a whole handshake, as after a power cut.
    pub(in crate::fleet) fn config(&self, identity: &Identity) -> Result<Arc<ClientConfig>, FleetError> {
        let unusable = |what: String| FleetError::Unusable { device: identity.device.clone(), what };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(identity.chain_pem.as_bytes()).collect();
        let chain = chain.map_err(|error| unusable(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(identity.key_pem.expose().as_bytes());
        let key = key.map_err(|error| unusable(error.to_string()))?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider)).with_protocol_versions(VERSIONS);
        let config = config.map_err(|error| unusable(error.to_string()))?;
        let config = config.with_root_certificates(Arc::clone(&self.roots)).with_client_auth_cert(chain, key);
        let mut config = config.map_err(|error| unusable(error.to_string()))?;
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}
