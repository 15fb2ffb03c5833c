//! Whom the mail server's certificate may come from.

use std::path::Path;

use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{Encryption, SmtpSettings};

/// How TLS is spoken, with the authorities of the settings or else those of the system; none where nothing is encrypted.
/// Says what is wrong with the file of authorities.
pub(super) fn parameters(settings: &SmtpSettings) -> Result<Option<TlsParameters>, String> {
    if settings.encryption == Encryption::None {
        return Ok(None);
    }
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(file) = &settings.ca {
        builder = builder.certificate_store(CertificateStore::None);
        for authority in authorities(file)? {
            builder = builder.add_root_certificate(authority);
        }
    }
    builder.build_rustls().map(Some).map_err(|error| error.to_string())
}

fn authorities(file: &Path) -> Result<Vec<Certificate>, String> {
    let told = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    let text = std::fs::read(file).map_err(|error| told(&error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.ok().filter(|found| !found.is_empty()).ok_or_else(|| told(&"it has no certificate in PEM"))?;
    let all: Result<Vec<_>, _> = found.iter().map(|der| Certificate::from_der(der.to_vec())).collect();
    all.map_err(|error| told(&error))
}
