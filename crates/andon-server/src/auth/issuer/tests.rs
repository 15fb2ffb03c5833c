//! What is believed of an external issuer's tokens, and when its keys are fetched.

use std::sync::atomic::{AtomicI64, Ordering};

use andon_devices::pki::KeyKind;
use andon_devices::token::SigningKey;
use andon_devices::{KeySource, SystemEntropy};
use andon_model::Timestamp;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::*;
use crate::outside::NoAnswer;

const ISSUER: &str = "https://login.plant.example/realms/plant";
const NOW: i64 = 1_772_719_200;

struct StandIn {
    clock: AtomicI64,
    /// The members of the answers; none while the issuer is down.
    discovery: std::sync::Mutex<Option<Value>>,
    keys: std::sync::Mutex<Value>,
    asked: AtomicI64,
}

impl Clock for StandIn {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.load(Ordering::SeqCst) * 1_000_000)
    }
}

impl Outside for StandIn {
    fn ask<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Result<Vec<u8>, NoAnswer>> {
        let discovery = self.discovery.lock().unwrap().clone();
        let answer = match (ask.url.ends_with("/keys"), discovery) {
            (_, None) => Err(NoAnswer::Unreachable("nobody there".to_owned())),
            (false, Some(document)) => Ok(document.to_string().into_bytes()),
            (true, Some(_)) => {
                self.asked.fetch_add(1, Ordering::SeqCst);
                Ok(self.keys.lock().unwrap().to_string().into_bytes())
            }
        };
        Box::pin(std::future::ready(answer))
    }
}

struct Bench {
    outside: Arc<StandIn>,
    issuer: ExternalIssuer,
}

fn key(kind: KeyKind) -> SigningKey {
    SigningKey::new(&SystemEntropy.generate(kind).unwrap()).unwrap()
}

fn published(keys: &[&SigningKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| serde_json::to_value(key.jwk()).unwrap()).collect::<Vec<_>>() })
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": ["andon", "other"], "sub": "f:1", "preferred_username": "Anna B", "azp": "console",
        "iat": NOW, "nbf": NOW, "exp": NOW + 300, "realm_access": { "roles": ["plant-admin", "x"] } })
}

impl Bench {
    fn new(keys: &[&SigningKey]) -> Self {
        let discovery = json!({ "issuer": ISSUER, "jwks_uri": format!("{ISSUER}/keys"), "unknown": true });
        let outside = Arc::new(StandIn {
            clock: AtomicI64::new(NOW),
            discovery: std::sync::Mutex::new(Some(discovery)),
            keys: std::sync::Mutex::new(published(keys)),
            asked: AtomicI64::new(0),
        });
        let mut settings = OidcSettings::new(ISSUER, vec!["andon".to_owned()]);
        settings.claim = "realm_access.roles".to_owned();
        settings.name_claim = "preferred_username".to_owned();
        settings.scopes.insert("plant-admin".to_owned(), "andon/admin".parse().unwrap());
        let issuer = ExternalIssuer::new(settings, outside.clone(), outside.clone());
        Self { outside, issuer }
    }

    fn later(&self, seconds: i64) {
        self.outside.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    fn down(&self) {
        *self.outside.discovery.lock().unwrap() = None;
    }

    fn fetches(&self) -> i64 {
        self.outside.asked.load(Ordering::SeqCst)
    }

    async fn check(&self, token: &str, expect: Result<(), TokenRejected>) {
        let seen = self.issuer.verify(token).await.unwrap();
        assert_eq!(seen.map(|_| ()), expect, "{token}");
    }
}

#[tokio::test]
async fn claims_decide() {
    let (ec, rsa) = (key(KeyKind::EcdsaP256), key(KeyKind::Rsa2048));
    let bench = Bench::new(&[&ec, &rsa]);
    let check = async |change: Value, expect: Result<(), TokenRejected>| {
        let mut all = claims();
        for (name, value) in change.as_object().unwrap() {
            all[name] = value.clone();
        }
        for key in [&ec, &rsa] {
            bench.check(&key.sign(&all).unwrap(), expect).await;
        }
    };
    check(json!({}), Ok(())).await;
    check(json!({ "iss": "https://login.plant.example/realms/other" }), Err(TokenRejected::Issuer)).await;
    check(json!({ "aud": "other" }), Err(TokenRejected::Audience)).await;
    check(json!({ "exp": NOW - 31 }), Err(TokenRejected::Expired)).await;
    check(json!({ "nbf": NOW + 31 }), Err(TokenRejected::NotYetValid)).await;
    check(json!({ "token_use": "id" }), Err(TokenRejected::NotAccess)).await;
    check(json!({ "exp": null }), Err(TokenRejected::Malformed)).await;
    let verified = bench.issuer.verify(&ec.sign(&claims()).unwrap()).await.unwrap().unwrap();
    assert_eq!((verified.subject.as_str(), verified.client_id.as_deref()), ("Anna B", Some("console")));
    assert_eq!((verified.scopes.to_string(), bench.fetches()), ("andon/admin".to_owned(), 1));
}

#[tokio::test]
async fn the_key_decides_the_algorithm() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    let rsa = key(KeyKind::Rsa2048);
    let bench = Bench::new(&[&rsa]);
    let payload = BASE64.encode(claims().to_string());
    for alg in ["none", "HS256", "ES256", "PS256"] {
        let header = BASE64.encode(json!({ "alg": alg, "kid": rsa.jwk().kid }).to_string());
        // HS256 with the public key as the secret is what confused verifiers take.
        bench.check(&format!("{header}.{payload}.{}", BASE64.encode("forged")), Err(TokenRejected::Algorithm)).await;
    }
    bench.check("a.b.c", Err(TokenRejected::Malformed)).await;
    let forged = key(KeyKind::Rsa2048).sign(&claims()).unwrap();
    bench.check(&forged, Err(TokenRejected::UnknownKey)).await;
}

#[tokio::test]
async fn a_new_key_is_fetched_once_in_a_while() {
    let (old, new) = (key(KeyKind::EcdsaP256), key(KeyKind::EcdsaP256));
    let bench = Bench::new(&[&old]);
    let (with_old, with_new) = (old.sign(&claims()).unwrap(), new.sign(&claims()).unwrap());
    bench.check(&with_old, Ok(())).await;
    *bench.outside.keys.lock().unwrap() = published(&[&new]);
    bench.check(&with_new, Err(TokenRejected::UnknownKey)).await;
    assert_eq!(bench.fetches(), 1, "it was just fetched");
    bench.later(30);
    bench.check(&with_new, Ok(())).await;
    bench.check(&with_old, Err(TokenRejected::UnknownKey)).await;
    for _ in 0..10 {
        bench.check(&key(KeyKind::EcdsaP256).sign(&claims()).unwrap(), Err(TokenRejected::UnknownKey)).await;
    }
    assert_eq!(bench.fetches(), 2);
}

#[tokio::test]
async fn known_keys_outlast_an_issuer_that_is_down() {
    let key = key(KeyKind::EcdsaP256);
    let token = |exp: i64| {
        let mut all = claims();
        all["exp"] = json!(exp);
        key.sign(&all).unwrap()
    };
    let lasting = token(NOW + 200_000);
    let bench = Bench::new(&[&key]);
    bench.down();
    assert_eq!(bench.issuer.verify(&lasting).await.unwrap_err().code, Code::TokenIssuer);
    let bench = Bench::new(&[&key]);
    bench.check(&lasting, Ok(())).await;
    bench.down();
    bench.later(3_600);
    bench.check(&lasting, Ok(())).await;
    bench.later(86_400);
    assert_eq!(bench.issuer.verify(&lasting).await.unwrap_err().code, Code::TokenIssuer);
}

#[tokio::test]
async fn a_discovery_document_of_somebody_else_is_not_followed() {
    let key = key(KeyKind::EcdsaP256);
    let refused = async |discovery: Value, keys: Value| {
        let bench = Bench::new(&[&key]);
        *bench.outside.discovery.lock().unwrap() = Some(discovery.clone());
        *bench.outside.keys.lock().unwrap() = keys;
        let seen = bench.issuer.verify(&key.sign(&claims()).unwrap()).await;
        assert_eq!(seen.unwrap_err().code, Code::TokenIssuer, "{discovery}");
    };
    let uri = format!("{ISSUER}/keys");
    refused(json!({ "issuer": "https://evil.example", "jwks_uri": uri }), published(&[&key])).await;
    refused(json!({ "issuer": ISSUER, "jwks_uri": "http://evil.example/keys" }), published(&[&key])).await;
    refused(json!({ "issuer": ISSUER }), published(&[&key])).await;
    refused(json!({ "issuer": ISSUER, "jwks_uri": uri }), json!({ "keys": [] })).await;
    refused(json!({ "issuer": ISSUER, "jwks_uri": uri }), published(&[&key; 65])).await;
}
