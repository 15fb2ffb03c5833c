//! The program together with other systems: an external issuer of access tokens, and the hook of a claim.

use andon_devices::pki::KeyKind;
use andon_devices::token::SigningKey;
use andon_devices::{KeySource, SystemEntropy};
use andon_model::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::common::Server;
use crate::stand_in::StandIn;

fn send(method: &str, url: &str, authorization: &str, body: &Value) -> (u16, Value) {
    let client = reqwest::Client::builder().build().unwrap();
    let request = client.request(method.parse().unwrap(), url).header("authorization", authorization).json(body);
    let answer = async {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    };
    tokio::runtime::Runtime::new().unwrap().block_on(answer)
}

#[test]
fn tokens_of_an_external_issuer_open_the_api() {
    let issuer = StandIn::start();
    let key = SigningKey::new(&SystemEntropy.generate(KeyKind::Rsa2048).unwrap()).unwrap();
    let keys = format!("{}/keys", issuer.url);
    issuer.answer("/.well-known/openid-configuration", &json!({ "issuer": issuer.url, "jwks_uri": keys }));
    issuer.answer("/keys", &json!({ "keys": [key.jwk()] }));
    let variables = [
        ("ANDON_OIDC__ISSUER", issuer.url.as_str()),
        ("ANDON_OIDC__AUDIENCES", "[\"andon\"]"),
        ("ANDON_OIDC__CLAIM", "realm_access.roles"),
        ("ANDON_OIDC__SCOPES", "{engineers=\"andon/devices\"}"),
    ];
    let server = Server::start_with(tempfile::tempdir().unwrap(), &variables);
    let now = SystemClock.now().as_millis() / 1_000;
    let token = |role: &str, audience: &str| {
        let claims = json!({ "iss": issuer.url, "aud": audience, "sub": "anna", "iat": now, "exp": now + 300,
            "realm_access": { "roles": [role] } });
        key.sign(&claims).unwrap()
    };
    let onboard = |authorization: &str| {
        let url = format!("{}/api/onboard/pump-01", server.url);
        send("POST", &url, authorization, &Value::Null).0
    };
    assert_eq!(onboard(&token("engineers", "others")), 401);
    assert_eq!(onboard(&token("guests", "andon")), 403);
    assert_eq!(onboard(&token("engineers", "andon")), 200);
    assert_eq!(onboard(&format!("Bearer {}", token("engineers", "andon"))), 200);
    assert_eq!(issuer.asked().len(), 2, "{:?}", issuer.asked());
    assert_eq!(send("POST", &format!("{}/oauth2/token", server.url), "", &Value::Null).0, 404);
}

#[test]
fn a_hook_is_asked_before_a_claim_onboards() {
    let hook = StandIn::start();
    let server = Server::start();
    let made = server.json(&["oauth", "clients", "create", "--id", "installers", "--scope", "andon/claim"]);
    let basic = format!("Basic {}", base64_of(&format!("installers:{}", made["client_secret"].as_str().unwrap())));
    let url = format!("{}/hook", hook.url);
    server.json(&["devices", "groups", "put", "hall-7"]);
    server.json(&["devices", "claims", "put", "installers", "--allow", "pump-*", "--hook", &url]);
    assert_eq!(server.json(&["devices", "claims", "show", "installers"])["hook"]["url"], url);
    let token =
        send("POST", &format!("{}/oauth2/token?grant_type=client_credentials", server.url), &basic, &Value::Null);
    let token = token.1["access_token"].as_str().unwrap().to_owned();
    let enrol =
        |device: &str| send("POST", &format!("{}/api/v1/devices", server.url), &token, &json!({ "device": device }));
    let (status, refused) = enrol("pump-01");
    assert_eq!((status, &refused["code"]), (503, &json!("AND-7008")), "{refused}");
    hook.answer("/hook", &json!({ "allow": false, "reason": "unknown serial number" }));
    let (status, refused) = enrol("pump-01");
    assert_eq!(status, 409);
    assert!(refused["detail"].as_str().unwrap().contains("unknown serial number"), "{refused}");
    hook.answer("/hook", &json!({ "allow": true, "groups": ["hall-7"], "attributes": { "plant": "1710" } }));
    let (status, device) = enrol("pump-01");
    assert_eq!((status, &device["groups"], &device["attributes"]["plant"]), (200, &json!(["hall-7"]), &json!("1710")));
    let asked = hook.asked();
    let ids: Vec<Value> =
        asked.iter().map(|(_, body)| serde_json::from_str::<Value>(body).unwrap()["id"].clone()).collect();
    assert_eq!((asked.len(), &ids[0], &ids[1]), (3, &ids[1], &ids[2]));
}

/// Base64 as in RFC 4648, with padding.
fn base64_of(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for part in text.as_bytes().chunks(3) {
        let bits = part.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..4 {
            let digit = char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]);
            encoded.push(if place <= part.len() { digit } else { '=' });
        }
    }
    encoded
}
