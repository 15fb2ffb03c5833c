//! An external issuer of access tokens, as callers of the API meet it.

use std::sync::Arc;

use andon_devices::pki::KeyKind;
use andon_devices::token::SigningKey;
use andon_devices::{KeySource, SystemEntropy};
use andon_journal::Role;
use andon_server::OidcSettings;
use serde_json::{Value, json};

use crate::outside::StandIn;
use crate::support::{NOW, World, request};

const ISSUER: &str = "https://login.plant.example";

struct Plant {
    world: World,
    key: SigningKey,
    outside: Arc<StandIn>,
}

impl Plant {
    async fn start() -> Self {
        let key = SigningKey::new(&SystemEntropy.generate(KeyKind::EcdsaP256).unwrap()).unwrap();
        let outside = Arc::new(StandIn::default());
        let keys = format!("{ISSUER}/keys");
        outside.answer(
            &format!("{ISSUER}/.well-known/openid-configuration"),
            &json!({ "issuer": ISSUER, "jwks_uri": keys }),
        );
        outside.answer(&keys, &json!({ "keys": [key.jwk()] }));
        let mut oidc = OidcSettings::new(ISSUER, vec!["andon".to_owned()]);
        "roles".clone_into(&mut oidc.claim);
        oidc.scopes.insert("Plant Engineers".to_owned(), "andon/devices".parse().unwrap());
        oidc.scopes.insert("installers".to_owned(), "andon/claim".parse().unwrap());
        let used = outside.clone();
        let world = World::with_office(move |office| (office.oidc, office.outside) = (Some(oidc), used)).await;
        Self { world, key, outside }
    }

    fn token(&self, roles: &[&str]) -> String {
        let claims = json!({ "iss": ISSUER, "aud": "andon", "sub": "anna", "azp": "handhelds", "exp": NOW + 300,
            "iat": NOW, "roles": roles });
        self.key.sign(&claims).unwrap()
    }

    async fn status(&self, authorization: &str, method: &str, path: &str, body: &Value) -> u16 {
        let request = request(method, path).header("authorization", authorization).json(body);
        self.world.send(request).await.status.as_u16()
    }

    async fn sees_devices(&self, authorization: &str) -> u16 {
        self.status(authorization, "GET", "/api/v1/devices", &Value::Null).await
    }
}

#[tokio::test]
async fn its_tokens_open_what_its_roles_mean() {
    let plant = Plant::start().await;
    let token = plant.token(&["Plant Engineers", "others"]);
    assert_eq!(plant.sees_devices(&format!("Bearer {token}")).await, 200);
    assert_eq!(plant.sees_devices(&token).await, 200);
    assert_eq!(plant.sees_devices(&plant.token(&["others"])).await, 403);
    assert_eq!(plant.status(&token, "GET", "/api/v1/events", &Value::Null).await, 403);
    assert_eq!(plant.outside.asked().len(), 2, "discovery and keys, once");
    plant.world.clock.advance(400);
    assert_eq!(plant.sees_devices(&token).await, 401);
}

#[tokio::test]
async fn other_tokens_than_access_tokens_open_nothing() {
    let plant = Plant::start().await;
    let check = async |more: Value, status: u16| {
        let mut claims = json!({ "iss": ISSUER, "aud": "andon", "sub": "anna", "azp": "handhelds", "exp": NOW + 300,
            "iat": NOW, "roles": ["Plant Engineers"] });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(plant.sees_devices(&plant.key.sign(&claims).unwrap()).await, status, "{more}");
    };
    check(json!({ "typ": "Bearer" }), 200).await;
    check(json!({ "typ": "ID" }), 401).await;
    check(json!({ "typ": "Refresh" }), 401).await;
    check(json!({ "nonce": "n" }), 401).await;
    check(json!({ "at_hash": "h" }), 401).await;
    check(json!({ "token_use": "id" }), 401).await;
}

#[tokio::test]
async fn keys_are_not_fetched_less_safely_than_the_issuer_is_named() {
    let plant = Plant::start().await;
    let keys = "http://127.0.0.1:8700/keys";
    let discovery = json!({ "issuer": ISSUER, "jwks_uri": keys });
    plant.outside.answer(&format!("{ISSUER}/.well-known/openid-configuration"), &discovery);
    plant.outside.answer(keys, &json!({ "keys": [plant.key.jwk()] }));
    assert_eq!(plant.sees_devices(&plant.token(&["Plant Engineers"])).await, 503);
}

#[tokio::test]
async fn ours_are_given_out_no_more() {
    let plant = Plant::start().await;
    let form = request("POST", "/oauth2/token").body("grant_type=client_credentials".to_owned());
    let answer = plant.world.send(form).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (404, &json!("AND-1201")));
    assert!(answer.json()["detail"].as_str().unwrap().contains(ISSUER), "{:?}", answer.body);
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        assert_eq!(plant.world.send(request("GET", path).empty()).await.status.as_u16(), 404, "{path}");
    }
    let wish = json!({ "grants": ["client_credentials"], "scopes": "andon/devices" });
    let made = plant.world.tell(Role::Admin, "POST", "/api/v1/oauth/clients", &wish).await;
    assert_eq!(made.status.as_u16(), 409);
}

#[tokio::test]
async fn a_claim_belongs_to_a_client_of_the_issuer() {
    let plant = Plant::start().await;
    let claim = json!({ "allow": ["pump-*"] });
    let stored = plant.world.tell(Role::Admin, "PUT", "/api/v1/device-rules/claims/handhelds", &claim).await;
    assert_eq!(stored.status.as_u16(), 200);
    let enrol = async |name: &str| {
        let body = json!({ "device": name, "csr": crate::keys::csr_of(name) });
        plant.status(&plant.token(&["installers"]), "POST", "/api/v1/devices", &body).await
    };
    assert_eq!(enrol("pump-01").await, 200);
    assert_eq!(enrol("camera-1").await, 409);
}

#[tokio::test]
async fn an_issuer_that_is_down_is_told_apart_from_a_bad_token() {
    let plant = Plant::start().await;
    plant.outside.say(&format!("{ISSUER}/keys"), Err(andon_server::NoAnswer::Status(502)));
    let token = plant.token(&["Plant Engineers"]);
    let answer = plant.world.send(request("GET", "/api/v1/devices").bearer(&token).empty()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (503, &json!("AND-7007")));
    assert_eq!(plant.world.ask(Role::Viewer, "GET", "/api/v1/devices").await.status.as_u16(), 200);
}
