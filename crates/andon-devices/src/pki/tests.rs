//! Authorities, certificates and revocation lists, read back with another parser than the one that wrote them.

use std::time::Duration;

use andon_model::Timestamp;
use x509_parser::prelude::*;

use super::*;
use crate::{DeviceName, SystemEntropy};

const NOW: Timestamp = Timestamp::from_micros(1_772_719_200_500_000);
const HOUR: Duration = Duration::from_hours(1);

fn serial() -> Serial {
    Serial::generate(&SystemEntropy).expect("entropy")
}

fn key() -> PrivateKey {
    PrivateKey::generate(KeyKind::EcdsaP256).expect("a key")
}

fn terms(name: &str, days: u32) -> AuthorityTerms {
    AuthorityTerms { common_name: name.to_owned(), organization: Some("Plant 1710".to_owned()), days }
}

fn hierarchy() -> (Authority, Authority) {
    let root = Authority::root(&terms("Andon root", 7_300), key(), &serial(), NOW).expect("a root");
    let issuing = root.issuing(&terms("Andon issuing", 1_825), key(), &serial(), NOW).expect("an issuing authority");
    (root, issuing)
}

fn device_terms(name: &str) -> CertificateTerms {
    let device = DeviceName::new(name).expect("a name");
    let crl_url = Some("http://andon.plant.example/crl".to_owned());
    CertificateTerms { device, organization: Some("Plant 1710".to_owned()), days: 730, crl_url }
}

#[test]
fn a_device_certificate_says_what_it_should() {
    let (_, issuing) = hierarchy();
    let (key, serial) = (key(), serial());
    let issued = issuing.issue(&device_terms("pump-01"), &key.public().expect("ours"), &serial, NOW).expect("issued");
    let der = issued.der().expect("PEM");
    let (_, certificate) = parse_x509_certificate(&der).expect("DER");
    assert_eq!(certificate.subject().to_string(), "O=Plant 1710, CN=pump-01");
    assert_eq!(certificate.issuer().to_string(), "O=Plant 1710, CN=Andon issuing");
    assert_eq!(certificate.raw_serial(), hex::decode(serial.as_str()).expect("hex"));
    assert!(!certificate.is_ca() && certificate.basic_constraints().is_ok_and(|c| c.is_some()));
    let usage = certificate.extended_key_usage().expect("readable").expect("there").value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
    let usage = certificate.key_usage().expect("readable").expect("there").value;
    assert!(usage.digital_signature() && !usage.key_cert_sign());
    assert_eq!(issued.not_before.to_string(), "2026-03-05T13:55:00Z");
    assert_eq!(issued.not_after.to_string(), "2028-03-04T14:00:00Z");
    let facts = read_certificate(&der).expect("readable");
    assert_eq!((&facts.id, &facts.serial), (&issued.id, &serial));
    assert_eq!(facts.public_key_pem(), key.public().expect("ours").to_pem());
    let urn = (AlternativeName::UniformResourceIdentifier, "urn:andon:device:pump-01".to_owned());
    assert_eq!(facts.subject_alternative, [urn]);
}

/// Whoever trusts the old root alone finds the new one's key under the new one's name, signed by the old one.
#[test]
fn a_root_vouches_for_the_next_one() {
    let (old, limited) = hierarchy();
    let wanted = terms("Andon root-2", 9_000);
    let next = Authority::root(&wanted, key(), &serial(), NOW).expect("a root");
    let der = certificate_der(&old.cross(&next, &wanted, &serial(), NOW).expect("vouched for")).expect("PEM");
    let (facts, own) = (read_certificate(&der).expect("readable"), next.facts());
    assert_eq!((&facts.subject, &facts.public_key_der), (&own.subject, &own.public_key_der));
    assert_eq!((&facts.issuer, facts.not_after), (&old.facts().subject, old.facts().not_after));
    assert_eq!((old.verify(&der), next.verify(&der)), (Ok(()), Err(PkiError::NotOurs)));
    let issuing = next.issuing(&terms("Andon issuing-2", 900), key(), &serial(), NOW).expect("an issuing authority");
    let below = certificate_der(&issuing.to_pem()).expect("PEM");
    assert_eq!(is_signed_by(&below, &der), Ok(true));
    let (_, certificate) = parse_x509_certificate(&der).expect("DER");
    let constraints = certificate.basic_constraints().expect("readable").expect("there").value;
    assert!(constraints.ca && constraints.path_len_constraint.is_none());
    assert_eq!(limited.cross(&next, &wanted, &serial(), NOW), Err(PkiError::NotAnAuthority));
    let over = old.facts().not_after.after(HOUR);
    assert!(matches!(old.cross(&next, &wanted, &serial(), over), Err(PkiError::AuthorityExpired { .. })));
}

#[test]
fn key_identifiers_and_distribution_point_lead_to_the_authority() {
    let (root, issuing) = hierarchy();
    let issued = issuing.issue(&device_terms("p"), &key().public().expect("ours"), &serial(), NOW).expect("issued");
    let der = issued.der().expect("PEM");
    let identifiers = |der: &[u8]| {
        let (_, certificate) = parse_x509_certificate(der).expect("DER");
        let mut found = (None, None);
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(aki) => {
                    found.0 = aki.key_identifier.as_ref().map(|k| k.0.to_vec());
                }
                ParsedExtension::SubjectKeyIdentifier(ski) => found.1 = Some(ski.0.to_vec()),
                _ => {}
            }
        }
        found
    };
    let bytes = |pem: &str| super::pem::decode(pem, "CERTIFICATE", &[]).expect("PEM");
    let (leaf, middle, top) =
        (identifiers(&der), identifiers(&bytes(&issuing.to_pem())), identifiers(&bytes(&root.to_pem())));
    assert!(leaf.1.is_some() && leaf.0.is_some() && leaf.0 == middle.1, "{leaf:?} {middle:?}");
    assert!(middle.0.is_some() && middle.0 == top.1);
    let text = String::from_utf8_lossy(&der).into_owned();
    assert!(text.contains("http://andon.plant.example/crl"));
}

#[test]
fn only_its_own_certificates_are_verified() {
    let ((root, issuing), (_, other)) = (hierarchy(), hierarchy());
    let public = key().public().expect("ours");
    let ours = issuing.issue(&device_terms("pump-01"), &public, &serial(), NOW).expect("issued").der().expect("PEM");
    let theirs = other.issue(&device_terms("pump-01"), &public, &serial(), NOW).expect("issued").der().expect("PEM");
    assert_eq!(issuing.verify(&ours), Ok(()));
    assert_eq!(issuing.verify(&theirs), Err(PkiError::NotOurs));
    assert_eq!(root.verify(&ours), Err(PkiError::NotOurs));
    let middle = super::pem::decode(&issuing.to_pem(), "CERTIFICATE", &[]).expect("PEM");
    assert_eq!(root.verify(&middle), Ok(()));
    let same_key = PrivateKey::from_pem(&issuing.key_pem()).expect("a key");
    let renamed = root.issuing(&terms("Another name", 30), same_key, &serial(), NOW).expect("an issuing authority");
    assert_eq!(renamed.verify(&ours), Err(PkiError::NotOurs));
    for at in (0..ours.len()).step_by(7) {
        let mut changed = ours.clone();
        changed[at] ^= 0x10;
        assert!(issuing.verify(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn an_authority_survives_its_text() {
    let (_, issuing) = hierarchy();
    let again = Authority::open(&issuing.to_pem(), &issuing.key_pem()).expect("opened");
    let public = key().public().expect("ours");
    let issued = again.issue(&device_terms("pump-01"), &public, &serial(), NOW).expect("issued");
    assert_eq!(issuing.verify(&issued.der().expect("PEM")), Ok(()));
    let (_, other) = hierarchy();
    assert_eq!(Authority::open(&issuing.to_pem(), &other.key_pem()).err(), Some(PkiError::KeyMismatch));
    let device = key();
    let leaf = issuing.issue(&device_terms("p"), &device.public().expect("ours"), &serial(), NOW).expect("issued");
    assert_eq!(Authority::open(&leaf.pem, &device.to_pem()).err(), Some(PkiError::NotAnAuthority));
}

#[test]
fn rsa_devices_and_authorities_work_alike() {
    let rsa = || PrivateKey::generate(KeyKind::Rsa2048).expect("a key");
    let root = Authority::root(&terms("RSA root", 3_650), rsa(), &serial(), NOW).expect("a root");
    let issuing = root.issuing(&terms("EC issuing", 365), key(), &serial(), NOW).expect("issuing");
    let issued = issuing.issue(&device_terms("old-1"), &rsa().public().expect("ours"), &serial(), NOW).expect("issued");
    assert_eq!(issued.key, KeyKind::Rsa2048);
    assert_eq!(issuing.verify(&issued.der().expect("PEM")), Ok(()));
}

#[test]
fn nothing_outlives_its_authority() {
    let (root, issuing) = hierarchy();
    let public = key().public().expect("ours");
    let late = NOW.after(HOUR * 24 * 1_824);
    let issued = issuing.issue(&device_terms("p"), &public, &serial(), late).expect("issued");
    assert_eq!(issued.not_after, issuing.facts().not_after);
    let after = NOW.after(HOUR * 24 * 1_826);
    let refused = issuing.issue(&device_terms("p"), &public, &serial(), after);
    assert!(matches!(refused, Err(PkiError::AuthorityExpired { .. })), "{refused:?}");
    let long = root.issuing(&terms("long", 36_525), key(), &serial(), NOW).expect("issuing");
    assert_eq!(long.facts().not_after, root.facts().not_after);
}

#[test]
fn what_cannot_stand_in_a_certificate_is_refused() {
    let (_, issuing) = hierarchy();
    let public = key().public().expect("ours");
    let check = |change: fn(&mut CertificateTerms)| {
        let mut terms = device_terms("pump-01");
        change(&mut terms);
        issuing.issue(&terms, &public, &serial(), NOW).expect_err("refused")
    };
    assert!(matches!(check(|t| t.days = 0), PkiError::Lifetime { .. }));
    assert!(matches!(check(|t| t.days = MAX_CERTIFICATE_DAYS + 1), PkiError::Lifetime { .. }));
    assert!(matches!(check(|t| t.organization = Some("x".repeat(65))), PkiError::Name(_)));
    assert!(matches!(check(|t| t.organization = Some("a\nb".to_owned())), PkiError::Name(_)));
    assert!(matches!(check(|t| t.crl_url = Some("http://ä".to_owned())), PkiError::Name(_)));
}

#[test]
fn a_server_certificate_is_for_servers() {
    let (_, issuing) = hierarchy();
    let addresses = vec!["10.1.2.3".parse().expect("an address")];
    let terms = ServerTerms { hosts: vec!["mqtt.plant.example".to_owned()], addresses, days: 90 };
    let issued = issuing.issue_server(&terms, &key().public().expect("ours"), &serial(), NOW).expect("issued");
    let der = issued.der().expect("PEM");
    let (_, certificate) = parse_x509_certificate(&der).expect("DER");
    let usage = certificate.extended_key_usage().expect("readable").expect("there").value;
    assert!(usage.server_auth && !usage.client_auth);
    let names = read_certificate(&der).expect("readable").subject_alternative;
    assert_eq!(names[0], (AlternativeName::DnsName, "mqtt.plant.example".to_owned()));
    assert_eq!(names[1], (AlternativeName::IpAddress, "10.1.2.3".to_owned()));
    let nobody = ServerTerms { hosts: vec![], addresses: vec![], days: 90 };
    assert!(issuing.issue_server(&nobody, &key().public().expect("ours"), &serial(), NOW).is_err());
}

fn revoked(serial: &str, not_after: Timestamp) -> RevokedEntry {
    let (serial, reason) = (serial.parse().expect("hex"), RevocationReason::KeyCompromise);
    RevokedEntry { serial, at: NOW, reason, not_after, issuer: None }
}

#[test]
fn a_revocation_list_names_the_revoked_that_have_not_expired() {
    let (_, issuing) = hierarchy();
    let entries =
        [revoked("5b02", NOW.after(HOUR)), revoked("4a01", NOW.after(HOUR)), revoked("6c03", NOW.before(HOUR))];
    let list = issuing.revocation_list(7, &entries, HOUR * 24, NOW).expect("signed");
    assert_eq!((list.entries, list.next_update), (2, NOW.after(HOUR * 24)));
    let (_, read) = parse_x509_crl(&list.der).expect("DER");
    let serials: Vec<_> = read.iter_revoked_certificates().map(|r| r.raw_serial().to_vec()).collect();
    assert_eq!(serials, [vec![0x4a, 1], vec![0x5b, 2]]);
    assert_eq!(read.crl_number().map(ToString::to_string).as_deref(), Some("7"));
    let own = super::pem::decode(&issuing.to_pem(), "CERTIFICATE", &[]).expect("PEM");
    let (_, authority) = parse_x509_certificate(&own).expect("DER");
    assert!(read.verify_signature(authority.public_key()).is_ok());
    assert!(list.pem.starts_with("-----BEGIN X509 CRL-----\n"));
}

#[test]
fn a_revocation_list_names_what_its_authority_issued() {
    let ((_, ours), (_, theirs)) = (hierarchy(), hierarchy());
    let identifier = |authority: &Authority| {
        let der = super::pem::decode(&authority.to_pem(), "CERTIFICATE", &[]).expect("PEM");
        super::key_identifiers(&der).expect("DER").own
    };
    let issued_by = |serial: &str, issuer| RevokedEntry { issuer, ..revoked(serial, NOW.after(HOUR)) };
    let entries =
        [issued_by("4a01", identifier(&ours)), issued_by("5b02", identifier(&theirs)), issued_by("6c03", None)];
    let check = |authority: &Authority, expect: [Vec<u8>; 2]| {
        let list = authority.revocation_list(7, &entries, HOUR, NOW).expect("signed");
        let (_, read) = parse_x509_crl(&list.der).expect("DER");
        let serials: Vec<_> = read.iter_revoked_certificates().map(|known| known.raw_serial().to_vec()).collect();
        assert_eq!(serials, expect);
    };
    check(&ours, [vec![0x4a, 1], vec![0x6c, 3]]);
    check(&theirs, [vec![0x5b, 2], vec![0x6c, 3]]);
}

#[test]
fn an_empty_revocation_list_is_a_list() {
    let (_, issuing) = hierarchy();
    let list = issuing.revocation_list(1, &[], HOUR, NOW).expect("signed");
    assert_eq!(parse_x509_crl(&list.der).expect("DER").1.iter_revoked_certificates().count(), 0);
}
