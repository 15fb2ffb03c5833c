//! The bare cost on one core: a key pair, a signature, and both with the certificate around them.

use std::time::Instant;

use rcgen::{CertificateParams, DistinguishedName, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};

use super::Row;

/// How often each is done.
const TIMES: usize = 5_000;

/// What the library does, without Andon.
pub(super) fn rows() -> anyhow::Result<Vec<Row>> {
    let authority = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = Issuer::new(params, authority);
    let device = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let leaf = || CertificateParams::new(vec!["device".to_owned()]);
    Ok(vec![
        timed("bare, one core: certificate", || {
            drop(leaf()?.signed_by(&device, &issuer)?.pem());
            Ok(())
        })?,
        timed("bare, one core: key and certificate", || {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
            drop((key.serialize_pem(), leaf()?.signed_by(&key, &issuer)?.pem()));
            Ok(())
        })?,
    ])
}

fn timed(way: &'static str, once: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<Row> {
    let begun = Instant::now();
    (0..TIMES).try_for_each(|_| once())?;
    let per_second = TIMES as f64 / begun.elapsed().as_secs_f64();
    Ok(Row { way, devices: TIMES, per_second, p50_ms: None, p99_ms: None, cpu_ms: None })
}

/// A signing request of a new key, in PEM.
pub(super) fn signing_request() -> anyhow::Result<String> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(&key)?.pem()?)
}
