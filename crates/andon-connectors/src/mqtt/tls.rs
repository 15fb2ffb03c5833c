//! TLS to a broker: always verified, by the provider that the rest of the product uses.

use std::sync::Arc;

use andon_journal::Secrets;
use andon_model::{Code, Problem};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::credential::Credential;
use crate::source::MqttSpec;

/// Speaks TLS on a connection.
pub(super) async fn shake_hands(
    spec: &MqttSpec,
    secrets: &dyn Secrets,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Problem> {
    let config = config(spec, secrets).await?;
    let host = &spec.broker.host;
    let name = ServerName::try_from(host.clone());
    let name =
        name.map_err(|_| Problem::new(Code::ConfigurationValue, format!("{host:?} is not the name of a host")))?;
    let failed = |error: std::io::Error| Problem::new(Code::Broker, format!("TLS: {error}"));
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(failed)
}

async fn config(spec: &MqttSpec, secrets: &dyn Secrets) -> Result<ClientConfig, Problem> {
    let made = |error: rustls::Error| Problem::new(Code::BrokerRefused, format!("TLS cannot be set up: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(made)?;
    let builder = builder.with_root_certificates(authorities(spec.ca.as_ref(), secrets).await?);
    let mut config = match &spec.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = chain(certificate, secrets).await?;
            let unusable = |_| key.missing("certificate and key do not belong together");
            builder.with_client_auth_cert(chain, private_key(key, secrets).await?).map_err(unusable)?
        }
    };
    config.alpn_protocols.extend(spec.broker.alpn.iter().map(|name| name.as_bytes().to_vec()));
    Ok(config)
}

/// The authorities that are trusted: those given, or the system's.
async fn authorities(ca: Option<&Credential>, secrets: &dyn Secrets) -> Result<RootCertStore, Problem> {
    let mut roots = RootCertStore::empty();
    let Some(ca) = ca else {
        let (usable, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let none = || Problem::new(Code::BrokerRefused, "this system has no authorities: install them, or set ca");
        return (usable > 0).then_some(roots).ok_or_else(none);
    };
    for certificate in chain(ca, secrets).await? {
        roots.add(certificate).map_err(|_| ca.missing("a certificate in it is none of an authority"))?;
    }
    Ok(roots)
}

async fn chain(at: &Credential, secrets: &dyn Secrets) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let text = at.resolve(secrets).await?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.expose().as_bytes()).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| at.missing("no certificate in PEM form is there"))
}

async fn private_key(at: &Credential, secrets: &dyn Secrets) -> Result<PrivateKeyDer<'static>, Problem> {
    let text = at.resolve(secrets).await?;
    let found = PrivateKeyDer::from_pem_slice(text.expose().as_bytes());
    found.map_err(|_| at.missing("no private key in PEM form is there, or it is encrypted"))
}
