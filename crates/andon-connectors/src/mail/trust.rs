//! Whom the mail server's certificate may come from, and when TLS begins.

use std::path::Path;
use std::sync::Arc;

use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::{Encryption, SmtpSettings};

/// How the connection is encrypted, with the authorities of the settings or else those of the system.
pub(super) enum Tls {
    /// A server on this machine that does not encrypt.
    Never,
    /// The connection begins in the clear.
    Later(TlsParameters),
    /// From the first byte.
    First(Arc<ClientConfig>),
}

impl Tls {
    /// Says what is wrong with the file of authorities.
    pub(super) fn of(settings: &SmtpSettings) -> Result<Self, String> {
        let given = settings.ca.as_deref().map(authorities).transpose()?;
        match settings.encryption {
            Encryption::None => Ok(Self::Never),
            Encryption::Starttls => later(&settings.host, given).map(Self::Later),
            Encryption::Tls => first(given).map(|config| Self::First(Arc::new(config))),
        }
    }
}

fn later(host: &str, given: Option<Vec<CertificateDer<'static>>>) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(given) = given {
        builder = builder.certificate_store(CertificateStore::None);
        for authority in given {
            let authority = Certificate::from_der(authority.to_vec()).map_err(|error| error.to_string())?;
            builder = builder.add_root_certificate(authority);
        }
    }
    builder.build_rustls().map_err(|error| error.to_string())
}

fn first(given: Option<Vec<CertificateDer<'static>>>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if let Some(given) = given {
        given.into_iter().try_for_each(|der| roots.add(der)).map_err(|error| error.to_string())?;
    } else {
        let (usable, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if usable == 0 {
            return Err("this system has no authorities: install them, or set ca".to_owned());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let told = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    let text = std::fs::read(file).map_err(|error| told(&error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| told(&"it has no certificate in PEM"))
}
