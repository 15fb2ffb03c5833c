//! Hooks of claims: asked once per device, believed when they say a clear yes.

use std::sync::Arc;

use andon_devices::registry::{Kind, Registry};
use andon_journal::Role;
use andon_server::NoAnswer;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::outside::StandIn;
use crate::support::{Answer, HOOK_SECRET, World, request};

const HOOK: &str = "https://hooks.plant.example/onboard";

struct Plant {
    world: World,
    outside: Arc<StandIn>,
    client: String,
    token: String,
}

impl Plant {
    async fn start() -> Self {
        let outside = Arc::new(StandIn::default());
        let used = outside.clone();
        let world = World::with_office(move |office| office.outside = used).await;
        let wish = json!({ "id": "installers", "grants": ["client_credentials"], "scopes": "andon/claim" });
        let made = world.tell(Role::Admin, "POST", "/api/v1/oauth/clients", &wish).await.json();
        let (client, secret) = ("installers".to_owned(), made["client_secret"].as_str().unwrap());
        let form = format!("grant_type=client_credentials&client_id={client}&client_secret={secret}");
        let token = world.send(request("POST", "/oauth2/token").body(form)).await.json();
        let token = token["access_token"].as_str().unwrap().to_owned();
        for name in ["s1", "rs40"] {
            world.tell(Role::Admin, "PUT", &format!("/api/v1/device-rules/profiles/{name}"), &json!({})).await;
        }
        world.groups(&["line-4", "hall-7"]).await;
        let plant = Self { world, outside, client, token };
        assert_eq!(plant.claim(json!({ "url": HOOK, "secret": "hook" })).await, 200);
        plant
    }

    async fn claim(&self, hook: Value) -> u16 {
        let claim = json!({ "allow": ["pump-*"], "profiles": ["s1"], "groups": ["line-4"], "attributes": ["plant"],
            "hook": hook });
        let path = format!("/api/v1/device-rules/claims/{}", self.client);
        self.world.tell(Role::Admin, "PUT", &path, &claim).await.status.as_u16()
    }

    async fn enrol(&self, name: &str) -> Answer {
        let body = json!({ "device": name, "csr": crate::keys::csr_of(name), "attributes": { "plant": "1710" } });
        self.world.send(request("POST", "/api/v1/devices").bearer(&self.token).json(&body)).await
    }
}

#[tokio::test]
async fn a_yes_onboards_with_what_it_adds() {
    let plant = Plant::start().await;
    plant.outside.answer(
        HOOK,
        &json!({ "allow": true, "profile": "rs40", "attributes": { "hall": "7", "plant": "" }, "groups": ["hall-7"] }),
    );
    let device = plant.enrol("pump-01").await;
    assert_eq!(device.status.as_u16(), 200, "{:?}", device.body);
    let device = device.json();
    assert_eq!((&device["profile"], &device["groups"]), (&json!("rs40"), &json!(["hall-7", "line-4"])));
    assert_eq!(device["attributes"], json!({ "hall": "7" }));
    let asked = plant.outside.asked();
    assert_eq!(asked.len(), 1);
    let asked = &asked[0];
    assert_eq!(
        (asked.url.as_str(), &asked.body["device"], &asked.body["claim"]),
        (HOOK, &json!("pump-01"), &json!("installers"))
    );
    assert_eq!((&asked.body["profile"], &asked.body["v"]), (&json!("s1"), &json!(1)));
    assert_eq!(asked.body["key"]["fingerprint"].as_str().unwrap().len(), 64);
    assert_eq!(asked.headers["idempotency-key"], asked.body["id"].as_str().unwrap());
    let mut mac = Hmac::<Sha256>::new_from_slice(HOOK_SECRET.as_bytes()).unwrap();
    mac.update(asked.headers["x-andon-timestamp"].as_bytes());
    mac.update(b".");
    mac.update(&asked.bytes);
    assert_eq!(asked.headers["x-andon-signature"], format!("sha256={}", hex::encode(mac.finalize().into_bytes())));
    let again = plant.enrol("pump-01").await.json();
    assert_eq!((&again["id"], again["certificates"].as_array().unwrap().len()), (&device["id"], 1));
    assert_eq!(plant.outside.asked().len(), 0, "it has its certificate");
}

#[tokio::test]
async fn whatever_is_not_a_yes_is_a_no() {
    let plant = Plant::start().await;
    let check = async |answer: Result<&str, NoAnswer>, status: u16, code: &str| {
        plant.outside.say(HOOK, answer.clone().map(str::to_owned));
        let refused = plant.enrol("pump-01").await;
        assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (status, &json!(code)), "{answer:?}");
        assert_eq!(plant.outside.asked().len(), 1);
        for kind in [Kind::Device, Kind::Enrolment] {
            assert_eq!(plant.world.registry.entry(kind, "pump-01").await.unwrap(), None, "{answer:?}");
        }
    };
    check(Ok(r#"{"allow":false,"reason":"reported stolen"}"#), 409, "AND-7006").await;
    check(Ok(r#"{"allow":true,"profil":"s1"}"#), 503, "AND-7008").await;
    check(Ok(r#"{"allow":true,"profile":"nothing"}"#), 422, "AND-7001").await;
    check(Ok(r#"{"allow":true,"groups":["nothing"]}"#), 422, "AND-7001").await;
    check(Ok("yes"), 503, "AND-7008").await;
    check(Err(NoAnswer::Status(500)), 503, "AND-7008").await;
    check(Err(NoAnswer::Unreachable("no answer in time".to_owned())), 503, "AND-7008").await;
    plant.outside.answer(HOOK, &json!({ "allow": true }));
    assert_eq!(plant.enrol("camera-1").await.status.as_u16(), 409);
    assert_eq!(plant.outside.asked().len(), 0, "nobody is asked about what the list does not name");
    assert_eq!(plant.enrol("pump-01").await.status.as_u16(), 200);
}

#[tokio::test]
async fn only_hooks_that_can_be_trusted_are_stored() {
    let plant = Plant::start().await;
    assert_eq!(plant.claim(json!({ "url": "http://hooks.plant.example" })).await, 422);
    assert_eq!(plant.claim(json!({ "url": HOOK, "timeout_seconds": 0 })).await, 422);
    assert_eq!(plant.claim(json!({ "url": HOOK, "timeout": 3 })).await, 422);
    assert_eq!(plant.claim(json!({ "url": "http://127.0.0.1:8700/onboard" })).await, 200);
    plant.claim(json!({ "url": HOOK, "secret": "missing" })).await;
    assert_eq!(plant.enrol("pump-01").await.json()["code"], json!("AND-4008"));
}
