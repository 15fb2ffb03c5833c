//! Whatever is read from outside, in any shape: it is read or refused, without a panic.

#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::time::Duration;

use andon_devices::enrolment::{BulkFormat, Enrolment, bulk_lines};
use andon_devices::pki::{Authority, KeyKind, PrivateKey, SigningRequest, certificate_der, read_certificate};
use andon_devices::policy::{DefaultPolicies, Policy, TopicPrefix, check_filter, check_topic, filter_matches};
use andon_devices::token::{Client, Expected, FamilyId, Jwks, RefreshFamily, SigningKey, TokenRequest, bearer, verify};
use andon_devices::{Device, KeySource, SystemEntropy};
use andon_model::{Secret, Timestamp};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_micros(1_772_719_200_000_000);

/// Changes that keep most of a good sample: a byte replaced, some removed, some doubled.
#[derive(Debug, Clone)]
enum Damage {
    Replace(usize, u8),
    Remove(usize, usize),
    Double(usize, usize),
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let damage = prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (any::<usize>(), 1..20usize).prop_map(|(at, count)| Damage::Remove(at, count)),
        (any::<usize>(), 1..20usize).prop_map(|(at, count)| Damage::Double(at, count)),
    ];
    prop::collection::vec(damage, 1..5)
}

fn damaged(sample: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for damage in damages {
        let length = bytes.len().max(1);
        match *damage {
            Damage::Replace(at, byte) => bytes.iter_mut().skip(at % length).take(1).for_each(|b| *b = byte),
            Damage::Remove(at, count) => {
                let at = at % length;
                bytes.drain(at.min(bytes.len())..(at + count).min(bytes.len()));
            }
            Damage::Double(at, count) => {
                let at = (at % length).min(bytes.len());
                let part = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    bytes
}

/// Hands `bytes` to everything that reads.
fn read(bytes: &[u8]) {
    let _ = (SigningRequest::from_der(bytes), read_certificate(bytes));
    let text = String::from_utf8_lossy(bytes);
    let secret = Secret::new(text.as_ref());
    let _ = (SigningRequest::from_pem(&text), certificate_der(&text), PrivateKey::from_pem(&secret));
    let _ = Authority::open(&text, &secret);
    if let Ok(policy) = Policy::parse(&text) {
        let _ = policy.warnings();
    }
    let _ = (Device::parse(&text), Enrolment::parse(&text), Client::parse(&text), RefreshFamily::parse(&text));
    let _ = (TokenRequest::parse(Some(&text), &text, bytes), FamilyId::of_token(&secret), bearer(&text));
    for format in [BulkFormat::Csv, BulkFormat::JsonLines] {
        let _ = bulk_lines(format, bytes).count();
    }
    let keys = serde_json::from_slice::<Jwks>(bytes).map(|jwks| jwks.verification_keys()).unwrap_or_default();
    let expected =
        Expected { issuer: String::new(), audiences: Vec::new(), clients: Vec::new(), leeway: Duration::ZERO };
    let _ = verify(&text, &keys, &expected, NOW);
    if let (Ok(filter), Ok(())) = (check_filter(&text), check_topic(&text)) {
        assert!(filter.len() < text.len() || filter_matches(filter, &text), "a topic is covered by itself");
    }
}

/// A good one of everything that is read.
fn samples() -> Vec<Vec<u8>> {
    let key = SystemEntropy.generate(KeyKind::EcdsaP256).expect("a key");
    let signing = SigningKey::new(&key).expect("it signs");
    let prefix = TopicPrefix::new("data").expect("a prefix");
    let policy = DefaultPolicies { root: prefix.clone(), commands: prefix }.gateway().expect("legal");
    let keys = serde_json::to_string(&Jwks { keys: vec![signing.jwk().clone()] }).expect("JSON");
    let token = signing.sign(&serde_json::json!({ "iss": "", "exp": 2_000_000_000, "sub": "s" })).expect("signed");
    let texts = [
        policy.text().to_owned(),
        keys,
        token,
        key.to_pem().expose().to_owned(),
        key.public().expect("ours").to_pem(),
        include_str!("golden/device_v1.json").to_owned(),
        include_str!("golden/enrolment_v1.json").to_owned(),
        include_str!("golden/client_v1.json").to_owned(),
        include_str!("golden/refresh_family_v1.json").to_owned(),
        "device,groups,attributes.plant\npump-01,line-4;x,1710\n".to_owned(),
        "Basic YTpi".to_owned(),
        "grant_type=refresh_token&client_id=c&refresh_token=t&scope=a%20b".to_owned(),
        "$share/group/data/+/x/#".to_owned(),
    ];
    let mut samples: Vec<_> = texts.map(String::into_bytes).to_vec();
    samples.push(request(&key));
    samples
}

fn request(key: &PrivateKey) -> Vec<u8> {
    let pair = rcgen::KeyPair::from_pem(key.to_pem().expose()).expect("a key");
    let request = rcgen::CertificateParams::default().serialize_request(&pair).expect("a request");
    request.der().to_vec()
}

#[test]
fn good_samples_are_read_and_cut_ones_do_not_panic() {
    for sample in samples() {
        (0..=sample.len()).for_each(|end| read(&sample[..end]));
    }
}

proptest! {
    #[test]
    fn damaged_samples_do_not_panic(which in any::<usize>(), damages in damages()) {
        let samples = samples();
        read(&damaged(&samples[which % samples.len()], &damages));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes);
    }
}
