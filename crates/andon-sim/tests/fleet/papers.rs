//! An authority, a server's certificate, and those of devices.

use andon_model::Secret;
use andon_sim::fleet::Identity;
use rcgen::{BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, IsCa, Issuer, KeyPair};

/// An authority that signs both sides.
pub(crate) struct Authority {
    pub(crate) root_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut wanted = named("Test root", Vec::new());
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root_pem = wanted.self_signed(&key).expect("a root").pem();
        Self { root_pem, issuer: Issuer::new(wanted, key) }
    }

    /// Certificate and key for `localhost`.
    pub(crate) fn server(&self) -> (String, String) {
        self.issue(&named("localhost", vec!["localhost".to_owned()]))
    }

    pub(crate) fn device(&self, name: &str) -> Identity {
        let (chain_pem, key) = self.issue(&named(name, Vec::new()));
        Identity { device: name.to_owned(), chain_pem, key_pem: Secret::new(key) }
    }

    pub(crate) fn devices(&self, count: usize) -> Vec<Identity> {
        (1..=count).map(|number| self.device(&format!("sim-{number}"))).collect()
    }

    /// A certificate for a signing request.
    pub(crate) fn certify(&self, request: &CertificateSigningRequestParams) -> String {
        request.signed_by(&self.issuer).expect("a certificate").pem()
    }

    fn issue(&self, wanted: &CertificateParams) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        (wanted.signed_by(&key, &self.issuer).expect("a certificate").pem(), key.serialize_pem())
    }
}

fn named(name: &str, hosts: Vec<String>) -> CertificateParams {
    let mut wanted = CertificateParams::new(hosts).expect("names");
    wanted.distinguished_name.push(DnType::CommonName, name);
    wanted
}
