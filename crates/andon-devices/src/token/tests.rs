//! The token endpoint as clients see it, refresh tokens through their lives, and what is believed of a token.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use andon_model::{IdSource, Secret, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::pki::{KeyKind, PrivateKey};
use crate::{Entropy, EntropyFailed};

const NOW: Timestamp = Timestamp::from_micros(1_709_647_331_000_000);
const ISSUER: &str = "https://andon.plant.example";
const CLIENT: &str = "1example23456789abcdefghij";
const SECRET: &str = "a-secret-of-the-test";

/// Ids and bytes that count up.
#[derive(Default)]
struct Counting(AtomicU64, AtomicU8);

impl IdSource for Counting {
    fn next_id(&self) -> u128 {
        self.0.fetch_add(1, Ordering::Relaxed).into()
    }
}

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        bytes.fill(self.1.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

struct Bench {
    key: SigningKey,
    scopes: Scopes,
    source: Counting,
}

impl Bench {
    fn new(kind: KeyKind) -> Self {
        let key = SigningKey::new(&PrivateKey::generate(kind).expect("a key")).expect("it signs");
        Self { key, scopes: scopes("andon/onboard andon/read andon/admin"), source: Counting::default() }
    }

    fn endpoint(&self) -> Endpoint<'_> {
        let (ids, entropy) = (&self.source, &self.source);
        Endpoint { issuer: ISSUER, key: &self.key, scopes: &self.scopes, ids, entropy }
    }

    fn keys(&self) -> Vec<VerificationKey> {
        Jwks { keys: vec![self.key.jwk().clone()] }.verification_keys()
    }

    fn family(&self, client: &Client) -> (RefreshFamily, Secret) {
        RefreshFamily::begin(client, "gateway-1", client.scopes.clone(), &self.source, NOW).expect("entropy")
    }

    fn ask(&self, form: &str, client: Option<&Client>, family: Option<RefreshFamily>) -> Answered {
        let request = TokenRequest::parse(None, form, b"").expect("a request");
        answer(&request, client, family, &self.endpoint(), NOW)
    }
}

fn scopes(text: &str) -> Scopes {
    text.parse().expect("scopes")
}

fn client() -> Client {
    let id = ClientId::new(CLIENT).expect("an id");
    let grants = [GrantKind::ClientCredentials, GrantKind::RefreshToken];
    Client { secret: Some(SecretHash::of(SECRET)), ..Client::new(id, grants, scopes("andon/onboard andon/read")) }
}

fn public_client() -> Client {
    Client { secret: None, ..client() }
}

fn refresh_form(token: &Secret) -> String {
    format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={}", token.expose())
}

fn expected() -> Expected {
    Expected { issuer: ISSUER.to_owned(), audiences: vec![], clients: vec![], leeway: Duration::from_secs(5) }
}

/// The claims of a token, without a look at its signature.
fn claims_of(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

#[test]
fn requests_are_read_from_query_body_and_header() {
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    let check = |header: Option<&str>, query: &str, body: &str, expect: &str| {
        let read = TokenRequest::parse(header, query, body.as_bytes());
        let told = match read {
            Err(error) => format!("{:?}", error.kind),
            Ok(TokenRequest { client_id, client_secret, grant, scopes }) => {
                let grant = match grant {
                    Grant::ClientCredentials => "itself".to_owned(),
                    Grant::RefreshToken(token) => format!("refresh {}", token.expose()),
                };
                let secret = client_secret.map(|secret| secret.expose().to_owned());
                format!("{client_id} {secret:?} {grant} {}", scopes.unwrap_or_default())
            }
        };
        assert_eq!(told.trim(), expect, "{query} | {body}");
    };
    let (refresh, own) = ("grant_type=refresh_token&client_id=c&refresh_token=t", "grant_type=client_credentials");
    check(None, refresh, "", "c None refresh t");
    check(None, "", refresh, "c None refresh t");
    check(None, refresh, "refresh_token=b", "c None refresh b");
    check(None, "client_id=c", own, "c None itself");
    check(
        Some(&basic),
        "",
        "grant_type=client_credentials&scope=andon%2Fread+andon%2Fonboard",
        &format!("{CLIENT} Some({SECRET:?}) itself andon/onboard andon/read"),
    );
    check(Some(&basic), "", &format!("{own}&client_id={CLIENT}"), &format!("{CLIENT} Some({SECRET:?}) itself"));
    check(None, "", &format!("{own}&client_id=c&client_secret=a%26b"), "c Some(\"a&b\") itself");
    check(Some("bAsIc YTpiJTIwYw=="), "", own, "a Some(\"b c\") itself");
    check(Some(&basic), "", &format!("{own}&client_id=other"), "InvalidRequest");
    check(Some(&basic), "", &format!("{own}&client_secret=x"), "InvalidRequest");
    check(Some("Bearer x"), "", own, "InvalidClient");
    check(Some("Basic ?"), "", own, "InvalidClient");
    check(None, "", own, "InvalidRequest");
    check(None, "", "client_id=c", "InvalidRequest");
    check(None, "", "grant_type=refresh_token&client_id=c", "InvalidRequest");
    check(None, "", "grant_type=refresh_token&client_id=c&refresh_token=", "InvalidRequest");
    check(None, "", "grant_type=client_credentials&client_id=c&client_id=c", "InvalidRequest");
    check(None, "", "grant_type=password&client_id=c", "UnsupportedGrantType");
    check(None, "", &format!("{own}&client_id=c&scope=%22"), "InvalidScope");
    check(None, "", "client_id=%ff", "InvalidRequest");
    check(None, &"x".repeat(MAX_FORM_BYTES + 1), "", "InvalidRequest");
    assert_eq!(TokenRequest::parse(None, "", b"\xff").map(|_| ()).map_err(|e| e.status()), Err(400));
}

#[test]
fn errors_have_the_shape_of_cognito() {
    let kinds = [
        (TokenErrorKind::InvalidRequest, "invalid_request"),
        (TokenErrorKind::InvalidClient, "invalid_client"),
        (TokenErrorKind::InvalidGrant, "invalid_grant"),
        (TokenErrorKind::UnauthorizedClient, "unauthorized_client"),
        (TokenErrorKind::UnsupportedGrantType, "unsupported_grant_type"),
        (TokenErrorKind::InvalidScope, "invalid_scope"),
    ];
    for (kind, word) in kinds {
        let error = TokenError::new(kind, "what exactly");
        assert_eq!(error.status(), 400);
        assert_eq!(serde_json::to_value(error.body()).expect("JSON"), json!({ "error": word }));
    }
}

#[test]
fn a_client_gets_a_token_for_itself() {
    for kind in [KeyKind::EcdsaP256, KeyKind::Rsa2048] {
        let bench = Bench::new(kind);
        let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}&scope=andon/read");
        let response = bench.ask(&form, Some(&client()), None).response.expect("a token");
        assert_eq!((response.expires_in, response.token_type), (3_600, "Bearer"));
        assert!(response.id_token.is_none() && response.refresh_token.is_none());
        let expect = json!({
            "sub": CLIENT, "token_use": "access", "scope": "andon/read", "auth_time": 1_709_647_331, "iss": ISSUER,
            "exp": 1_709_650_931, "iat": 1_709_647_331, "version": 2, "jti": "00000000-0000-4000-8000-000000000000",
            "client_id": CLIENT,
        });
        assert_eq!(claims_of(&response.access_token), expect);
        let verified = verify(&response.access_token, &bench.keys(), &expected(), NOW).expect("believed");
        assert_eq!((verified.subject.as_str(), verified.scopes), (CLIENT, scopes("andon/read")));
    }
}

#[test]
fn clients_are_refused_for_what_they_are() {
    use TokenErrorKind::{InvalidClient, InvalidGrant, InvalidScope, UnauthorizedClient};
    let bench = Bench::new(KeyKind::EcdsaP256);
    let check = |client: Option<Client>, more: &str, expect: TokenErrorKind| {
        let form = format!("grant_type=client_credentials&client_id={CLIENT}{more}");
        let answered = bench.ask(&form, client.as_ref(), None);
        assert_eq!(answered.response.map_err(|error| error.kind).map(|_| ()), Err(expect), "{more}");
    };
    let good = format!("&client_secret={SECRET}");
    check(None, &good, InvalidClient);
    check(Some(client()), "", InvalidClient);
    check(Some(client()), "&client_secret=wrong", InvalidClient);
    check(Some(Client { disabled: true, ..client() }), &good, InvalidClient);
    check(Some(public_client()), &good, InvalidClient);
    check(Some(public_client()), "", UnauthorizedClient);
    check(Some(Client { grants: [GrantKind::RefreshToken].into(), ..client() }), &good, UnauthorizedClient);
    check(Some(client()), &format!("{good}&scope=andon/admin"), InvalidGrant);
    check(Some(client()), &format!("{good}&scope=andon/none"), InvalidScope);
}

#[test]
fn a_refresh_gives_what_the_wizard_expects() {
    let bench = Bench::new(KeyKind::EcdsaP256);
    let refresh = RefreshTerms { rotate: false, days: 2_650, ..RefreshTerms::default() };
    let client = Client { refresh, ..public_client() };
    let (family, token) = bench.family(&client);
    for _ in 0..3 {
        let answered = bench.ask(&refresh_form(&token), Some(&client), Some(family.clone()));
        let response = serde_json::to_value(answered.response.expect("tokens")).expect("JSON");
        let members: Vec<_> = response.as_object().expect("an object").keys().cloned().collect();
        assert_eq!(members, ["access_token", "id_token", "expires_in", "token_type"]);
        let (access, id) = (response["access_token"].as_str(), response["id_token"].as_str());
        let claims = claims_of(access.expect("a text"));
        assert_eq!((&claims["sub"], &claims["username"]), (&json!("gateway-1"), &json!("gateway-1")));
        let claims = claims_of(id.expect("a text"));
        assert_eq!((&claims["aud"], &claims["token_use"]), (&json!(CLIENT), &json!("id")));
        let refused = verify(id.expect("a text"), &bench.keys(), &expected(), NOW);
        assert_eq!(refused, Err(TokenRejected::NotAccess));
    }
}

#[test]
fn a_refresh_token_is_only_its_clients_and_only_for_its_scopes() {
    use TokenErrorKind::{InvalidGrant, InvalidScope};
    let bench = Bench::new(KeyKind::EcdsaP256);
    let (family, token) = bench.family(&public_client());
    let check = |form: &str, client: Client, family: Option<RefreshFamily>, expect: TokenErrorKind| {
        let answered = bench.ask(form, Some(&client), family);
        assert_eq!(answered.response.map_err(|error| error.kind).map(|_| ()), Err(expect), "{form}");
    };
    let form = refresh_form(&token);
    check(&form, public_client(), None, InvalidGrant);
    let other = Client { id: ClientId::new("other").expect("an id"), ..public_client() };
    check(&form, other, Some(family.clone()), InvalidGrant);
    let guessed = Secret::new(format!("{}.guess", family.id.as_str()));
    check(&refresh_form(&guessed), public_client(), Some(family.clone()), InvalidGrant);
    check(&format!("{form}&scope=andon/admin"), public_client(), Some(family.clone()), InvalidScope);
    let less = Client { scopes: scopes("andon/read"), ..public_client() };
    let response = bench.ask(&form, Some(&less), Some(family)).response.expect("tokens");
    assert_eq!(claims_of(&response.access_token)["scope"], "andon/read");
}

/// Redeems at a time; the kind of error, or whether there is a new token.
fn redeem(
    family: &mut RefreshFamily,
    token: &Secret,
    source: &Counting,
    at: u64,
) -> Result<Option<Secret>, TokenErrorKind> {
    let now = NOW.after(Duration::from_secs(at));
    family.redeem(token, &RefreshTerms::default(), source, now).map_err(|error| error.kind)
}

#[test]
fn rotation_spends_a_token_and_its_reuse_revokes_the_family() {
    let bench = Bench::new(KeyKind::EcdsaP256);
    let source = &bench.source;
    let (mut family, first) = bench.family(&public_client());
    let second = redeem(&mut family, &first, source, 0).expect("good").expect("rotated");
    let retried = redeem(&mut family, &first, source, 29).expect("within the grace").expect("rotated");
    assert_ne!(second.expose(), retried.expose());
    let third = redeem(&mut family, &second, source, 40).expect("good").expect("rotated");
    assert_eq!(redeem(&mut family, &retried, source, 80).map(|_| ()), Err(TokenErrorKind::InvalidGrant));
    assert!(family.revoked.is_some(), "a spent token was used after its grace");
    assert_eq!(redeem(&mut family, &third, source, 81).map(|_| ()), Err(TokenErrorKind::InvalidGrant));
}

#[test]
fn a_family_ends_when_it_is_revoked_or_too_old() {
    let bench = Bench::new(KeyKind::EcdsaP256);
    let (family, token) = bench.family(&public_client());
    let mut old = family.clone();
    assert!(redeem(&mut old, &token, &bench.source, 30 * 86_400).is_ok());
    let mut old = family.clone();
    assert!(redeem(&mut old, &token, &bench.source, 30 * 86_400 + 1).is_err());
    let mut revoked = family;
    revoked.revoke(NOW);
    revoked.revoke(NOW.after(Duration::from_secs(9)));
    assert_eq!(revoked.revoked, Some(NOW));
    assert!(redeem(&mut revoked, &token, &bench.source, 0).is_err());
}

#[test]
fn what_is_stored_of_a_refresh_token_is_its_hash() {
    let bench = Bench::new(KeyKind::EcdsaP256);
    let (mut family, token) = bench.family(&public_client());
    let next = redeem(&mut family, &token, &bench.source, 0).expect("good").expect("rotated");
    let stored = serde_json::to_string(&family).expect("JSON");
    let golden = include_str!("../../tests/golden/refresh_family_v1.json");
    assert_eq!(format!("{}\n", serde_json::to_string_pretty(&family).expect("JSON")), golden);
    for token in [&token, &next] {
        let secret = token.expose().split_once('.').expect("two parts").1;
        assert!(!stored.contains(secret));
        assert_eq!(FamilyId::of_token(token).as_ref(), Some(&family.id));
    }
    assert_eq!(RefreshFamily::parse(&stored).expect("readable"), family);
    assert!(RefreshFamily::parse(&stored.replace("\"v\":1", "\"v\":2")).is_err());
    for bad in ["", "x", "x.y", &format!("{}.", family.id.as_str()), &"a".repeat(500)] {
        assert_eq!(FamilyId::of_token(&Secret::new(bad)), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn a_thief_and_the_owner_never_both_go_on(uses in prop::collection::vec((any::<bool>(), 0..100u64), 1..30)) {
        let bench = Bench::new(KeyKind::EcdsaP256);
        let (mut family, token) = bench.family(&public_client());
        let mut held = [token.clone(), token];
        let mut at = 0;
        for (thief, later) in uses {
            // Beyond the grace, so that nothing is excused as a retry.
            at += 31 + later;
            let who = usize::from(thief);
            if let Ok(Some(next)) = redeem(&mut family, &held[who], &bench.source, at) {
                held[who] = next;
            }
        }
        let both = (0..2).filter(|who| {
            redeem(&mut family.clone(), &held[*who], &bench.source, at + 31).is_ok()
        });
        prop_assert!(both.count() <= 1);
    }
}

#[test]
fn tokens_are_believed_for_a_reason() {
    let (bench, other) = (Bench::new(KeyKind::EcdsaP256), Bench::new(KeyKind::EcdsaP256));
    let good = json!({ "iss": ISSUER, "exp": 1_709_650_931, "iat": 1_709_647_331, "sub": "s", "client_id": "c",
        "token_use": "access", "scope": "a b" });
    let check = |change: Value, expect: Result<(), TokenRejected>| {
        let mut claims = good.clone();
        for (name, value) in change.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        let token = bench.key.sign(&claims).expect("signed");
        let expected = Expected { audiences: vec!["c".to_owned()], ..expected() };
        assert_eq!(verify(&token, &bench.keys(), &expected, NOW).map(|_| ()), expect, "{change}");
    };
    check(json!({}), Ok(()));
    check(json!({ "exp": 1_709_647_327 }), Ok(()));
    check(json!({ "exp": 1_709_647_325 }), Err(TokenRejected::Expired));
    check(json!({ "nbf": 1_709_647_336 }), Ok(()));
    check(json!({ "nbf": 1_709_647_337 }), Err(TokenRejected::NotYetValid));
    check(json!({ "iat": 1_709_647_400 }), Err(TokenRejected::NotYetValid));
    check(json!({ "iss": "https://andon.plant.example/" }), Err(TokenRejected::Issuer));
    check(json!({ "client_id": "other" }), Err(TokenRejected::Audience));
    check(json!({ "aud": "other" }), Err(TokenRejected::Audience));
    check(json!({ "aud": ["x", "c"], "client_id": "other" }), Ok(()));
    check(json!({ "token_use": "id" }), Err(TokenRejected::NotAccess));
    check(json!({ "token_use": null, "scope": null, "scp": ["a", "b"] }), Ok(()));
    check(json!({ "exp": "soon" }), Err(TokenRejected::Malformed));
    check(json!({ "scope": "\"" }), Err(TokenRejected::Malformed));
    let token = bench.key.sign(&good).expect("signed");
    let given_to =
        |clients: &[&str]| Expected { clients: clients.iter().map(|c| (*c).to_owned()).collect(), ..expected() };
    assert!(verify(&token, &bench.keys(), &given_to(&["x", "c"]), NOW).is_ok());
    assert_eq!(verify(&token, &bench.keys(), &given_to(&["x"]), NOW), Err(TokenRejected::Client));
    assert_eq!(verify(&token, &other.keys(), &expected(), NOW), Err(TokenRejected::UnknownKey));
    assert_eq!(verify(&token, &[], &expected(), NOW), Err(TokenRejected::UnknownKey));
}

#[test]
fn the_client_has_several_names() {
    let bench = Bench::new(KeyKind::EcdsaP256);
    let check = |claims: Value, expect: Option<&str>| {
        let mut all = json!({ "iss": ISSUER, "exp": 1_709_650_931, "sub": "s" });
        all.as_object_mut().expect("an object").extend(claims.as_object().expect("an object").clone());
        let token = bench.key.sign(&all).expect("signed");
        let verified = verify(&token, &bench.keys(), &expected(), NOW).expect("believed");
        assert_eq!(verified.client_id.as_deref(), expect, "{claims}");
        assert_eq!(Value::Object(verified.claims), all);
    };
    check(json!({ "client_id": "c", "azp": "a" }), Some("c"));
    check(json!({ "azp": "a", "appid": "b" }), Some("a"));
    check(json!({ "appid": "b" }), Some("b"));
    check(json!({}), None);
}

#[test]
fn no_changed_token_is_believed() {
    let bench = Bench::new(KeyKind::EcdsaP256);
    let claims = json!({ "iss": ISSUER, "exp": 1_709_650_931, "sub": "s" });
    let token = bench.key.sign(&claims).expect("signed");
    let good = verify(&token, &bench.keys(), &expected(), NOW).expect("believed");
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        let read = verify(&changed, &bench.keys(), &expected(), NOW);
        assert!(read.is_err() || read == Ok(good.clone()), "byte {at}");
    }
    for bad in ["", ".", "..", "a.b.c", &token[..token.len() - 10], &format!("{token}.x"), &"x".repeat(20_000)] {
        assert!(verify(bad, &bench.keys(), &expected(), NOW).is_err(), "{bad:.40}");
    }
}

#[test]
fn the_key_decides_the_algorithm() {
    let bench = Bench::new(KeyKind::EcdsaP256);
    let claims = URL_SAFE_NO_PAD.encode(json!({ "iss": ISSUER, "exp": 1_709_650_931, "sub": "s" }).to_string());
    let kid = &bench.key.jwk().kid;
    for header in [
        json!({ "alg": "none", "kid": kid }),
        json!({ "alg": "HS256", "kid": kid }),
        json!({ "alg": "RS256", "kid": kid }),
        json!({ "alg": "ES256", "kid": kid, "crit": ["b64"] }),
    ] {
        let token = format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(header.to_string()));
        assert_eq!(verify(&token, &bench.keys(), &expected(), NOW), Err(TokenRejected::Algorithm), "{header}");
    }
}

#[test]
fn published_keys_verify_and_strange_ones_are_skipped() {
    let (ec, rsa) = (Bench::new(KeyKind::EcdsaP256), Bench::new(KeyKind::Rsa2048));
    let published = Jwks { keys: vec![ec.key.jwk().clone(), rsa.key.jwk().clone()] };
    let mut text = serde_json::to_value(&published).expect("JSON");
    assert_eq!(text["keys"][0]["use"], "sig");
    assert_eq!(text["keys"][1]["e"], "AQAB");
    let strange = [
        json!({ "kty": "oct", "k": "AAAA" }),
        json!({ "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA" }),
        json!({ "kty": "RSA", "n": "AA", "e": "AQAB", "use": "enc" }),
        json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }),
    ];
    text["keys"].as_array_mut().expect("a list").extend(strange);
    let keys = serde_json::from_value::<Jwks>(text).expect("readable").verification_keys();
    assert_eq!(keys.iter().map(VerificationKey::algorithm).collect::<Vec<_>>(), [Algorithm::Es256, Algorithm::Rs256]);
    for bench in [ec, rsa] {
        let token = bench.key.sign(&json!({ "iss": ISSUER, "exp": 1_709_650_931, "sub": "s" })).expect("signed");
        assert!(verify(&token, &keys, &expected(), NOW).is_ok());
    }
}

#[test]
fn the_thumbprint_is_that_of_rfc_7638() {
    // The example of RFC 7638 §3.1.
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
             tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5h\
             ajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let jwk: Jwk = serde_json::from_value(json!({ "kty": "RSA", "n": n, "e": "AQAB" })).expect("readable");
    assert_eq!(jwk.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn the_header_may_say_bearer_or_not() {
    let check = |header: &str, expect: Option<&str>| assert_eq!(bearer(header), expect, "{header:?}");
    check("Bearer a.b.c", Some("a.b.c"));
    check("bearer  a.b.c ", Some("a.b.c"));
    check("a.b.c", Some("a.b.c"));
    check("Basic abc", None);
    check("", None);
    check("Bearer ", None);
}

#[test]
fn the_discovery_document_leads_to_the_endpoints() {
    let key = |alg: &str| json!({ "kid": alg, "kty": "EC", "alg": alg });
    let keys = serde_json::from_value(json!({ "keys": [key("ES256"), key("ES256")] })).expect("a key set");
    let document = serde_json::to_value(Discovery::of_issuer(ISSUER, &scopes("b a"), &keys)).expect("JSON");
    assert_eq!(document["jwks_uri"], "https://andon.plant.example/.well-known/jwks.json");
    assert_eq!(document["token_endpoint"], "https://andon.plant.example/oauth2/token");
    assert_eq!(document["scopes_supported"], json!(["a", "b"]));
    assert_eq!(document["id_token_signing_alg_values_supported"], json!(["ES256"]), "what the keys sign with");
    let foreign = json!({ "issuer": "https://idp.example", "jwks_uri": "https://idp.example/keys", "more": 1 });
    assert!(serde_json::from_value::<Discovery>(foreign).is_ok());
}

#[test]
fn clients_survive_their_stored_form() {
    let stored = serde_json::to_string(&client()).expect("JSON");
    assert!(!stored.contains(SECRET));
    let golden = include_str!("../../tests/golden/client_v1.json");
    assert_eq!(format!("{}\n", serde_json::to_string_pretty(&client()).expect("JSON")), golden);
    assert_eq!(Client::parse(&stored).expect("readable"), client());
    assert_eq!(ClientId::from_bits(u128::MAX).as_str().len(), 26);
    assert!(ClientId::new("a:b").is_none() && ClientId::new("").is_none());
}
