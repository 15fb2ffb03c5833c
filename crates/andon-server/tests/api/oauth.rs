//! Access tokens: how they are come by, what they open, and how they end.

use andon_devices::enrolment::Enrolment;
use andon_devices::registry::{Kind, Registry, get};
use andon_journal::Role;
use http::StatusCode;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Answer, World, request};

impl World {
    async fn client(&self, body: Value) -> (String, String) {
        let made = self.tell(Role::Admin, "POST", "/api/v1/oauth/clients", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
        let made = made.json();
        (made["id"].as_str().unwrap().to_owned(), made["client_secret"].as_str().unwrap_or_default().to_owned())
    }

    async fn token(&self, form: &str) -> Answer {
        let post = request("POST", "/oauth2/token").header("content-type", "application/x-www-form-urlencoded");
        self.send(post.body(form.to_owned())).await
    }

    async fn access(&self, form: &str) -> String {
        let answer = self.token(form).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    async fn status(&self, authorization: &str, path: &str) -> u16 {
        self.send(request("GET", path).header("authorization", authorization).empty()).await.status.as_u16()
    }
}

#[tokio::test]
async fn a_client_gets_a_token_and_sees_devices() {
    let world = World::start().await;
    let wish = json!({ "grants": ["client_credentials"], "scopes": "andon/devices" });
    let (id, secret) = world.client(wish).await;
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let token = world.access(&form).await;
    assert_eq!(world.status(&format!("Bearer {token}"), "/api/v1/devices").await, 200);
    assert_eq!(world.status(&token, "/api/v1/devices").await, 200);
    assert_eq!(world.status(&token, "/api/v1/tokens").await, 403);
    assert_eq!(world.status(&token, "/api/v1/events").await, 403);
    assert_eq!(world.status(&format!("{}x", &token[..token.len() - 1]), "/api/v1/devices").await, 401);
    world.clock.advance(4_000);
    assert_eq!(world.status(&token, "/api/v1/devices").await, 401);
    let listed = world.ask(Role::Admin, "GET", "/api/v1/oauth/clients").await;
    assert!(!String::from_utf8_lossy(&listed.body).contains("secret"), "{:?}", listed.body);
    assert_eq!(world.ask(Role::Admin, "DELETE", &format!("/api/v1/oauth/clients/{id}")).await.status, 204);
    let refused = world.token(&form).await;
    assert_eq!((refused.status, refused.json()), (StatusCode::BAD_REQUEST, json!({ "error": "invalid_client" })));
}

#[tokio::test]
async fn a_token_ends_with_its_client() {
    let world = World::start().await;
    let wish = json!({ "id": "gateway", "grants": ["client_credentials"], "scopes": "andon/devices" });
    let (id, secret) = world.client(wish.clone()).await;
    let token = world.access(&format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")).await;
    assert_eq!(world.status(&token, "/api/v1/devices").await, 200);
    assert_eq!(world.ask(Role::Admin, "DELETE", "/api/v1/oauth/clients/gateway").await.status, 204);
    assert_eq!(world.status(&token, "/api/v1/devices").await, 401);
    world.clock.advance(1);
    world.client(wish).await;
    assert_eq!(world.status(&token, "/api/v1/devices").await, 401, "it was another client's");
}

#[tokio::test]
async fn a_token_ends_with_the_refresh_token_that_it_came_from() {
    let world = World::start().await;
    let wish = json!({ "grants": ["refresh_token"], "scopes": "andon/devices", "public": true });
    let (id, _) = world.client(wish).await;
    let path = format!("/api/v1/oauth/clients/{id}/refresh-tokens");
    let made = world.tell(Role::Admin, "POST", &path, &json!({ "subject": "gateway-7" })).await.json();
    let refresh = made["refresh_token"].as_str().unwrap();
    let token = world.access(&format!("grant_type=refresh_token&client_id={id}&refresh_token={refresh}")).await;
    assert_eq!(world.status(&token, "/api/v1/devices").await, 200);
    let family = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(world.ask(Role::Admin, "DELETE", &family).await.status, 200);
    assert_eq!(world.status(&token, "/api/v1/devices").await, 401);
}

#[tokio::test]
async fn roles_are_scopes_too() {
    let world = World::start().await;
    let wish = json!({ "grants": ["client_credentials"], "scopes": "andon/viewer" });
    let (id, secret) = world.client(wish).await;
    let token = world.access(&format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")).await;
    assert_eq!(world.status(&token, "/api/v1/events").await, 200);
    assert_eq!(world.status(&token, "/api/v1/tokens").await, 403);
}

#[tokio::test]
async fn refresh_tokens_are_replaced_and_caught_when_stolen() {
    let world = World::start().await;
    let wish = json!({ "grants": ["refresh_token"], "scopes": "andon/devices", "public": true });
    let (id, secret) = world.client(wish).await;
    assert_eq!(secret, "");
    let path = format!("/api/v1/oauth/clients/{id}/refresh-tokens");
    let made = world.tell(Role::Admin, "POST", &path, &json!({ "subject": "gateway-7" })).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let first = made.json()["refresh_token"].as_str().unwrap().to_owned();
    let query = |token: &str| format!("/oauth2/token?grant_type=refresh_token&client_id={id}&refresh_token={token}");
    let refresh = async |token: &str| world.send(request("POST", &query(token)).empty()).await;
    let answer = refresh(&first).await.json();
    let access = answer["access_token"].as_str().unwrap();
    assert!(answer["id_token"].is_string());
    assert_eq!(world.status(access, "/api/v1/devices").await, 200);
    let access = access.to_owned();
    let second = answer["refresh_token"].as_str().unwrap().to_owned();
    world.clock.advance(60);
    assert_eq!(refresh(&first).await.json(), json!({ "error": "invalid_grant" }));
    assert_eq!(refresh(&second).await.json(), json!({ "error": "invalid_grant" }), "the family is revoked");
    assert_eq!(world.status(&access, "/api/v1/devices").await, 401, "and what came from it");
}

#[tokio::test]
async fn others_can_verify_tokens() {
    let world = World::start().await;
    let keys = world.send(request("GET", "/.well-known/jwks.json").empty()).await.json();
    assert_eq!((&keys["keys"][0]["alg"], keys["keys"].as_array().unwrap().len()), (&json!("ES256"), 1));
    assert!(keys["keys"][0].get("d").is_none());
    let found = world.send(request("GET", "/.well-known/openid-configuration").empty()).await.json();
    assert_eq!(found["token_endpoint"], "http://127.0.0.1:8480/oauth2/token");
    assert_eq!(found["id_token_signing_alg_values_supported"], json!([keys["keys"][0]["alg"]]));
    let same = world.send(request("GET", "/.well-known/oauth-authorization-server").empty()).await.json();
    assert_eq!(same, found);
}

#[tokio::test]
async fn a_claim_asks_for_its_own_devices_alone() {
    let world = World::start().await;
    let wish = json!({ "grants": ["client_credentials"], "scopes": "andon/claim" });
    let (id, secret) = world.client(wish).await;
    let token = world.access(&format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")).await;
    let enrol = async |name: &str| {
        let body = json!({ "device": name, "csr": crate::keys::csr_of(name) });
        world.send(request("POST", "/api/v1/devices").bearer(&token).json(&body)).await.status.as_u16()
    };
    assert_eq!(enrol("pump-01").await, 403);
    let claim = json!({ "allow": ["pump-*"], "groups": ["line-4"] });
    let store = async || world.tell(Role::Admin, "PUT", &format!("/api/v1/device-rules/claims/{id}"), &claim).await;
    assert_eq!(store().await.status, StatusCode::UNPROCESSABLE_ENTITY, "there is no such group");
    world.groups(&["line-4"]).await;
    let stored = store().await;
    assert_eq!(stored.status, StatusCode::OK, "{:?}", stored.body);
    let foreign = json!({ "device": "pump-01", "csr": crate::keys::csr_of("pump-01"), "groups": ["line-4", "hall-7"] });
    let foreign = world.send(request("POST", "/api/v1/devices").bearer(&token).json(&foreign)).await;
    let detail = "the claim does not allow the group hall-7";
    assert_eq!((foreign.status.as_u16(), &foreign.json()["detail"]), (403, &json!(detail)));
    assert_eq!(foreign.json()["place"], format!("claim {id}"));
    assert_eq!(enrol("pump-01").await, 200);
    assert_eq!(world.status(&token, "/api/v1/authorities").await, 200);
    assert_eq!(enrol("camera-1").await, 409);
    assert_eq!(world.registry.entry(Kind::Enrolment, "camera-1").await.unwrap(), None);
    assert_eq!(world.status(&token, "/api/v1/devices").await, 403);
    let device = world.ask(Role::Viewer, "GET", "/api/v1/devices/pump-01").await.json();
    assert_eq!(device["groups"], json!(["line-4"]));
    world.ask(Role::Operator, "DELETE", "/api/v1/devices/pump-01").await;
    let kept = world.ask(Role::Admin, "DELETE", "/api/v1/device-rules/groups/line-4").await;
    let detail = format!("the group line-4 is in use, take it from these first: claim {id}");
    assert_eq!((kept.status.as_u16(), &kept.json()["detail"]), (409, &json!(detail)));
}

#[tokio::test]
async fn a_claim_gets_nothing_of_what_others_began_or_have() {
    let world = World::start().await;
    let mut tokens = Vec::new();
    for id in ["ours", "theirs", "ended"] {
        let wish = json!({ "id": id, "grants": ["client_credentials"], "scopes": "andon/claim" });
        let (id, secret) = world.client(wish).await;
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        tokens.push(world.access(&form).await);
    }
    let ended = json!({ "allow": ["cam-*"], "expires": "2020-01-01T00:00:00Z" });
    for (id, claim) in
        [("ours", json!({ "allow": ["cam-*"] })), ("theirs", json!({ "allow": ["*"] })), ("ended", ended)]
    {
        let path = format!("/api/v1/device-rules/claims/{id}");
        assert_eq!(world.tell(Role::Admin, "PUT", &path, &claim).await.status, StatusCode::OK);
    }
    let ask = |token: &str, body: Value| request("POST", "/api/v1/devices").bearer(token).json(&body);
    let status = async |which: usize, body: Value| world.send(ask(&tokens[which], body)).await.status.as_u16();
    let key = json!({ "device": "cam-1" });
    drop(world.router.clone().oneshot(ask(&tokens[0], key.clone())).await.unwrap());
    assert_eq!(status(2, key.clone()).await, 409, "an ended claim goes on with nothing");
    assert_eq!(status(1, key.clone()).await, 409, "nor does another one");
    assert_eq!(status(0, key.clone()).await, 200, "the one that began it does");
    let with_csr = json!({ "device": "cam-2", "csr": crate::devices::CSR });
    assert_eq!(status(0, with_csr.clone()).await, 200);
    for name in ["cam-1", "cam-2"] {
        while get::<Enrolment>(&world.registry, name).await.unwrap().is_none_or(|found| found.value.status().is_none())
        {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(status(0, with_csr.clone()).await, 200, "the device with the key of its certificate");
    assert_eq!(status(2, with_csr).await, 409, "an ended claim reads nothing");
    assert_eq!(status(0, json!({ "device": "cam-2" })).await, 409, "nobody reads it without the key");
    assert_eq!(status(0, key).await, 409);
}

#[tokio::test]
async fn a_claim_names_the_attributes_that_may_be_asked_for() {
    let world = World::start().await;
    let wish = json!({ "id": "c", "grants": ["client_credentials"], "scopes": "andon/claim" });
    let (_, secret) = world.client(wish).await;
    let token = world.access(&format!("grant_type=client_credentials&client_id=c&client_secret={secret}")).await;
    let check = async |device: &str, claim: Value, status: u16| {
        assert_eq!(
            world.tell(Role::Admin, "PUT", "/api/v1/device-rules/claims/c", &claim).await.status,
            StatusCode::OK
        );
        let body = json!({ "device": device, "attributes": { "plant": "9999" } });
        let answer = world.send(request("POST", "/api/v1/devices").bearer(&token).json(&body)).await;
        assert_eq!(answer.status.as_u16(), status, "{:?}", answer.body);
    };
    check("a", json!({ "allow": ["*"] }), 403).await;
    check("a", json!({ "allow": ["*"], "attributes": ["hall"] }), 403).await;
    check("a", json!({ "allow": ["*"], "attributes": ["hall", "plant"] }), 200).await;
    let bad = json!({ "allow": ["*"], "attributes": [""] });
    assert_eq!(world.tell(Role::Admin, "PUT", "/api/v1/device-rules/claims/c", &bad).await.status.as_u16(), 422);
}

#[tokio::test]
async fn unknown_scopes_are_refused() {
    let world = World::start().await;
    let wish = json!({ "grants": ["client_credentials"], "scopes": "andon/everything" });
    assert_eq!(world.tell(Role::Admin, "POST", "/api/v1/oauth/clients", &wish).await.status, 400);
    let twice = json!({ "id": "line-4", "grants": ["client_credentials"], "scopes": "andon/devices" });
    world.client(twice.clone()).await;
    assert_eq!(world.tell(Role::Admin, "POST", "/api/v1/oauth/clients", &twice).await.status, 409);
}

#[tokio::test]
async fn one_refresh_token_is_revoked_and_the_others_live_on() {
    let world = World::start().await;
    let wish = json!({ "grants": ["refresh_token"], "scopes": "andon/devices", "public": true });
    let (id, _) = world.client(wish.clone()).await;
    let (other, _) = world.client(wish).await;
    let path = format!("/api/v1/oauth/clients/{id}/refresh-tokens");
    let make = async |subject: &str| {
        let made = world.tell(Role::Admin, "POST", &path, &json!({ "subject": subject })).await.json();
        (made["id"].as_str().unwrap().to_owned(), made["refresh_token"].as_str().unwrap().to_owned())
    };
    let (stolen, good) = (make("gateway-7").await, make("gateway-8").await);
    let refresh = async |token: &str| {
        let form = format!("grant_type=refresh_token&client_id={id}&refresh_token={token}");
        world.token(&form).await.status.as_u16()
    };
    let foreign = format!("/api/v1/oauth/clients/{other}/refresh-tokens/{}", stolen.0);
    assert_eq!(world.ask(Role::Admin, "DELETE", &foreign).await.status, 404);
    for _ in 0..2 {
        let revoked = world.ask(Role::Admin, "DELETE", &format!("{path}/{}", stolen.0)).await;
        assert_eq!((revoked.status.as_u16(), &revoked.json()["subject"]), (200, &json!("gateway-7")));
    }
    assert_eq!((refresh(&stolen.1).await, refresh(&good.1).await), (400, 200));
    let page = world.ask(Role::Admin, "GET", &format!("{path}?limit=1")).await.json();
    let rest = format!("{path}?limit=1&after={}", page["next"].as_str().unwrap());
    let rest = world.ask(Role::Admin, "GET", &rest).await.json();
    let mut ids = [page["tokens"][0]["id"].as_str().unwrap(), rest["tokens"][0]["id"].as_str().unwrap()];
    ids.sort_unstable();
    let mut expect = [stolen.0.as_str(), good.0.as_str()];
    expect.sort_unstable();
    assert_eq!(ids, expect);
}

#[tokio::test]
async fn tokens_of_a_replaced_key_live_to_their_end() {
    let world = World::start().await;
    let wish = json!({ "grants": ["client_credentials"], "scopes": "andon/devices" });
    let (id, secret) = world.client(wish).await;
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let before = world.access(&form).await;
    let keys = world.ask(Role::Admin, "POST", "/api/v1/oauth/keys/rotate").await.json();
    assert_eq!(keys.as_array().unwrap().len(), 2);
    let after = world.access(&form).await;
    assert_ne!(before.split('.').next(), after.split('.').next(), "another key");
    for token in [&before, &after] {
        assert_eq!(world.status(token, "/api/v1/devices").await, 200);
    }
    let published = world.send(request("GET", "/.well-known/jwks.json").empty()).await.json();
    assert_eq!(published["keys"].as_array().unwrap().len(), 2);
}
