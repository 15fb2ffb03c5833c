//! Certificates and revocation lists as the verifier of rustls sees them, which guards the door of the broker.

#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::time::Duration;

use andon_devices::pki::{
    Authority, AuthorityTerms, CertificateTerms, IssuedCertificate, KeyKind, RevocationReason, RevokedEntry,
    ServerTerms, certificate_der,
};
use andon_devices::{DeviceName, KeySource, Serial, SystemEntropy};
use andon_model::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{
    ALL_VERIFICATION_ALGS, CertRevocationList, EndEntityCert, Error, KeyUsage, OwnedCertRevocationList,
    RevocationCheckDepth, RevocationOptionsBuilder, anchor_from_trusted_cert,
};

const NOW: Timestamp = Timestamp::from_micros(1_772_719_200_000_000);
const DAY: Duration = Duration::from_hours(24);

struct Plant {
    root: Authority,
    issuing: Authority,
}

fn serial() -> Serial {
    Serial::generate(&SystemEntropy).expect("entropy")
}

impl Plant {
    fn new(kind: KeyKind) -> Self {
        let key = || SystemEntropy.generate(kind).expect("a key");
        let terms = |name: &str| AuthorityTerms { common_name: name.to_owned(), organization: None, days: 3_650 };
        let root = Authority::root(&terms("root"), key(), &serial(), NOW).expect("a root");
        let issuing = root.issuing(&terms("issuing"), key(), &serial(), NOW).expect("an issuing authority");
        Self { root, issuing }
    }

    fn device(&self, kind: KeyKind) -> IssuedCertificate {
        let key = SystemEntropy.generate(kind).expect("a key").public().expect("ours");
        let device = DeviceName::new("pump-01").expect("a name");
        let crl_url = Some("http://andon.plant.example/crl".to_owned());
        let terms = CertificateTerms { device, organization: None, days: 30, crl_url };
        self.issuing.issue(&terms, &key, &serial(), NOW).expect("issued")
    }

    fn server(&self) -> IssuedCertificate {
        let key = SystemEntropy.generate(KeyKind::EcdsaP256).expect("a key").public().expect("ours");
        let terms = ServerTerms { hosts: vec!["mqtt.plant.example".to_owned()], addresses: vec![], days: 30 };
        self.issuing.issue_server(&terms, &key, &serial(), NOW).expect("issued")
    }

    /// A list that names the given certificates.
    fn list(&self, revoked: &[&IssuedCertificate]) -> CertRevocationList<'static> {
        let entry = |issued: &&IssuedCertificate| RevokedEntry {
            serial: issued.serial.clone(),
            at: NOW,
            reason: RevocationReason::KeyCompromise,
            not_after: issued.not_after,
            issuer: None,
        };
        let entries: Vec<_> = revoked.iter().map(entry).collect();
        let list = self.issuing.revocation_list(1, &entries, DAY * 60, NOW).expect("signed");
        OwnedCertRevocationList::from_der(&list.der).expect("readable").into()
    }

    /// Whether `issued` opens a TLS door that trusts the root, as the verifier of rustls says.
    fn verify(
        &self,
        issued: &IssuedCertificate,
        usage: KeyUsage,
        at: Timestamp,
        list: Option<&CertRevocationList<'_>>,
    ) -> Result<(), Error> {
        let root = CertificateDer::from(certificate_der(&self.root.to_pem()).expect("PEM"));
        let anchors = [anchor_from_trusted_cert(&root).expect("a root")];
        let between = [CertificateDer::from(certificate_der(&self.issuing.to_pem()).expect("PEM"))];
        let der = CertificateDer::from(issued.der().expect("PEM"));
        let leaf = EndEntityCert::try_from(&der)?;
        let lists: Vec<_> = list.into_iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists).ok();
        let revocation = revocation.map(|options| options.with_depth(RevocationCheckDepth::EndEntity).build());
        let time = UnixTime::since_unix_epoch(at.since(Timestamp::default()));
        leaf.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, &between, time, usage, revocation, None).map(|_| ())
    }
}

#[test]
fn a_device_is_verified_as_a_client_and_as_nothing_else() {
    for (authority, device) in [
        (KeyKind::EcdsaP256, KeyKind::EcdsaP256),
        (KeyKind::EcdsaP256, KeyKind::Rsa2048),
        (KeyKind::Rsa2048, KeyKind::EcdsaP384),
    ] {
        let plant = Plant::new(authority);
        let issued = plant.device(device);
        assert_eq!(plant.verify(&issued, KeyUsage::client_auth(), NOW, None), Ok(()), "{authority:?} {device:?}");
        assert!(plant.verify(&issued, KeyUsage::server_auth(), NOW, None).is_err());
    }
}

#[test]
fn a_server_is_verified_as_a_server_and_under_its_name() {
    let plant = Plant::new(KeyKind::EcdsaP256);
    let issued = plant.server();
    assert_eq!(plant.verify(&issued, KeyUsage::server_auth(), NOW, None), Ok(()));
    assert!(plant.verify(&issued, KeyUsage::client_auth(), NOW, None).is_err());
    let der = CertificateDer::from(issued.der().expect("PEM"));
    let leaf = EndEntityCert::try_from(&der).expect("readable");
    let named = |name: &'static str| leaf.verify_is_valid_for_subject_name(&name.try_into().expect("a name"));
    assert!(named("mqtt.plant.example").is_ok() && named("other.plant.example").is_err());
}

#[test]
fn time_and_authority_count() {
    let (plant, other) = (Plant::new(KeyKind::EcdsaP256), Plant::new(KeyKind::EcdsaP256));
    let issued = plant.device(KeyKind::EcdsaP256);
    let check = |plant: &Plant, at: Timestamp| plant.verify(&issued, KeyUsage::client_auth(), at, None).is_ok();
    assert!(check(&plant, NOW.after(DAY * 30)));
    assert!(!check(&plant, NOW.after(DAY * 31)));
    assert!(!check(&plant, NOW.before(DAY)));
    assert!(!check(&other, NOW), "another plant of the same names");
}

#[test]
fn a_revocation_list_revokes() {
    let plant = Plant::new(KeyKind::EcdsaP256);
    let (good, bad) = (plant.device(KeyKind::EcdsaP256), plant.device(KeyKind::EcdsaP256));
    let list = plant.list(&[&bad]);
    let verify = |issued| plant.verify(issued, KeyUsage::client_auth(), NOW, Some(&list));
    assert_eq!(verify(&good), Ok(()));
    assert_eq!(verify(&bad), Err(Error::CertRevoked));
}

/// As the door trusts issuing authorities alone, the key of one that is distrusted opens nothing, whatever is sent along.
#[test]
fn what_another_issuing_authority_signed_is_not_verified() {
    let plant = Plant::new(KeyKind::EcdsaP256);
    let key = SystemEntropy.generate(KeyKind::EcdsaP256).expect("a key");
    let terms = AuthorityTerms { common_name: "next".to_owned(), organization: None, days: 3_650 };
    let next = plant.root.issuing(&terms, key, &serial(), NOW).expect("an issuing authority");
    let der = |pem: &str| CertificateDer::from(certificate_der(pem).expect("PEM"));
    let (issuing, next, root) = (der(&plant.issuing.to_pem()), der(&next.to_pem()), der(&plant.root.to_pem()));
    let leaf = CertificateDer::from(plant.device(KeyKind::EcdsaP256).der().expect("PEM"));
    let check = |trusted: &CertificateDer<'static>, expect: bool| {
        let anchors = [anchor_from_trusted_cert(trusted).expect("an authority")];
        let (leaf, sent) = (EndEntityCert::try_from(&leaf).expect("readable"), [issuing.clone(), root.clone()]);
        let (time, usage) = (UnixTime::since_unix_epoch(NOW.since(Timestamp::default())), KeyUsage::client_auth());
        let verified = leaf.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, &sent, time, usage, None, None);
        assert_eq!(verified.is_ok(), expect);
    };
    check(&issuing, true);
    check(&next, false);
}

#[test]
fn a_device_cannot_sign_for_another() {
    let plant = Plant::new(KeyKind::EcdsaP256);
    let key = SystemEntropy.generate(KeyKind::EcdsaP256).expect("a key");
    let device = DeviceName::new("pump-01").expect("a name");
    let terms = CertificateTerms { device, organization: None, days: 30, crl_url: None };
    let issued = plant.issuing.issue(&terms, &key.public().expect("ours"), &serial(), NOW).expect("issued");
    assert!(Authority::open(&issued.pem, &key.to_pem()).is_err());
}
