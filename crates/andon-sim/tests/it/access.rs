//! Credentials, tokens, cookies.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use andon_model::{Clock, Secret, Timestamp};
use andon_sim::{Access, SapSimulator, SimulatorConfig};
use serde_json::json;

use crate::client::{NOTIFICATIONS, SERVICE, World, cookies, header, http};

struct HandClock(Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[tokio::test]
async fn credentials_are_needed() {
    let world = World::new().await;
    for credentials in [None, Some("Basic QU5ET046d3Jvbmc="), Some("Bearer x"), Some("Basic")] {
        let mut ask = world.http.get(format!("{}{SERVICE}", world.sap.base_url()));
        if let Some(credentials) = credentials {
            ask = ask.header("authorization", credentials);
        }
        let answer = ask.send().await.unwrap();
        assert_eq!(answer.status(), 401, "{credentials:?}");
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic realm="));
    }
}

#[tokio::test]
async fn an_api_key_can_stand_in() {
    let config = SimulatorConfig { access: Access::ApiKey(Secret::new("k1")), ..Default::default() };
    let sap = SapSimulator::start(config).await.unwrap();
    let ask = |key: &'static str| http().get(format!("{}{SERVICE}", sap.base_url())).header("APIKey", key).send();
    assert_eq!(ask("k1").await.unwrap().status(), 200);
    assert_eq!(ask("k2").await.unwrap().status(), 401);
}

#[tokio::test]
async fn token_and_cookie_must_belong_together() {
    let world = World::new().await;
    let (token, cookie) = (world.headers["x-csrf-token"].clone(), world.headers["cookie"].clone());
    let mut second = World { sap: world.sap, http: http(), headers: world.headers.clone() };
    second.fetch_token().await;
    let pairs = [
        (Some(&token), Some(&cookie), 201),
        (Some(&token), None, 403),
        (None, Some(&cookie), 403),
        (Some(&token), Some(&second.headers["cookie"]), 403),
    ];
    for (token, cookie, expect) in pairs {
        let mut headers = second.headers.clone();
        headers.remove("x-csrf-token");
        headers.remove("cookie");
        token.map(|token| headers.insert("x-csrf-token", token.clone()));
        cookie.map(|cookie| headers.insert("cookie", cookie.clone()));
        let url = format!("{}{NOTIFICATIONS}", second.sap.base_url());
        let answer =
            second.http.post(url).headers(headers).json(&json!({"NotificationText": "x"})).send().await.unwrap();
        assert_eq!(answer.status(), expect, "{token:?} {cookie:?}");
        if expect == 403 {
            assert_eq!(answer.headers()["x-csrf-token"], "Required");
            assert_eq!(answer.headers()["content-type"], "text/plain;charset=utf-8");
        }
    }
    assert_eq!(second.sap.books().totals.documents, 1);
}

#[tokio::test]
async fn a_fetch_within_a_session_gives_its_token_again() {
    let world = World::new().await;
    let (name, value) = header("x-csrf-token", "fetch");
    let mut headers = world.headers.clone();
    headers.insert(name, value);
    let url = format!("{}{SERVICE}", world.sap.base_url());
    let answer = world.http.get(url).headers(headers).send().await.unwrap();
    assert_eq!(answer.headers()["x-csrf-token"], world.headers["x-csrf-token"]);
    assert_eq!(cookies(&answer), "");
}

#[tokio::test]
async fn sessions_end_when_unused() {
    let clock = Arc::new(HandClock(Mutex::new("2024-03-05T14:00:00Z".parse().unwrap())));
    let lifetime = Duration::from_mins(1);
    let config = SimulatorConfig { clock: Arc::clone(&clock) as _, session_lifetime: lifetime, ..Default::default() };
    let world = World::with(config).await;
    for (pass, expect) in [(59, 201), (60, 201), (61, 403)] {
        let now = clock.now().after(Duration::from_secs(pass));
        *clock.0.lock().unwrap() = now;
        let answer = world.post(NOTIFICATIONS, &json!({"NotificationText": "x"})).await;
        assert_eq!(answer.status(), expect, "after {pass} s");
    }
}

#[tokio::test]
async fn sessions_can_be_ended_at_once() {
    let world = World::new().await;
    world.sap.expire_sessions();
    let answer = world.post(NOTIFICATIONS, &json!({"NotificationText": "x"})).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["x-csrf-token"]), (403, &"Required".parse().unwrap()));
}
