//! Faults as a client meets them.

use std::time::Duration;

use andon_sim::{FaultKind, FaultProfile, SapSimulator, SimulatorConfig};
use reqwest::Client;
use serde_json::{Value, json};

use crate::client::{NOTIFICATIONS, World, Z_SET, http};

/// Sends one create; gives the status, or none when the connection failed, and the header that matters.
async fn create(world: &World, key: &str) -> (Option<u16>, Option<String>) {
    let body = json!({"NotificationText": "x", "MaintNotifExtReferenceNumber": key});
    match world.request("POST", NOTIFICATIONS).json(&body).send().await {
        Ok(answer) => {
            let names = ["x-csrf-token", "retry-after", "www-authenticate"];
            let told = names.iter().find_map(|name| answer.headers().get(*name));
            (Some(answer.status().as_u16()), told.map(|value| value.to_str().unwrap().to_owned()))
        }
        Err(_) => (None, None),
    }
}

async fn check(kind: FaultKind, statuses: &[Option<u16>], told: Option<&str>, documents: u64) {
    let mut world = World::new().await;
    world.sap.set_faults(1, FaultProfile::none().with(kind, 1.0));
    for n in 0..8 {
        let (status, header) = create(&world, &format!("K{n}")).await;
        assert!(statuses.contains(&status), "{kind:?}: {status:?}");
        assert!(told.is_none_or(|told| header.is_some_and(|header| header.starts_with(told))), "{kind:?}");
        world.sap.set_faults(1, FaultProfile::none());
        world.fetch_token().await;
        world.sap.set_faults(1, FaultProfile::none().with(kind, 1.0));
    }
    assert_eq!(world.sap.books().totals.documents, documents * 8, "{kind:?}");
    assert_eq!(world.sap.statistics().faults[kind.as_str()], 8);
}

#[tokio::test]
async fn each_kind_does_what_its_name_says() {
    check(FaultKind::ServerError, &[Some(500), Some(502), Some(504)], None, 0).await;
    check(FaultKind::CommitThenDrop, &[None], None, 1).await;
    check(FaultKind::DropBefore, &[None], None, 0).await;
    check(FaultKind::CommitThen500, &[Some(500)], None, 1).await;
    check(FaultKind::TokenExpired, &[Some(403)], Some("Required"), 0).await;
    check(FaultKind::Unauthorized, &[Some(401)], Some("Basic"), 0).await;
    check(FaultKind::Busy, &[Some(503), Some(429)], Some("1"), 0).await;
}

#[tokio::test]
async fn definite_errors_have_many_shapes() {
    let world = World::new().await;
    for (kind, status, content_type) in [
        (FaultKind::Locked, 423, "application/json"),
        (FaultKind::HtmlError, 500, "text/html;charset=utf-8"),
        (FaultKind::XmlError, 500, "application/xml"),
        (FaultKind::TextError, 500, "text/plain;charset=utf-8"),
    ] {
        world.sap.set_faults(1, FaultProfile::none().with(kind, 1.0));
        let answer = world.post(NOTIFICATIONS, &json!({"NotificationText": "x"})).await;
        assert_eq!(answer.status(), status, "{kind:?}");
        assert_eq!(answer.headers()["content-type"], content_type, "{kind:?}");
        assert!(!answer.text().await.unwrap().is_empty());
    }
    assert_eq!(world.sap.books().totals.documents, 0);
}

#[tokio::test]
async fn an_entity_can_be_changed_by_somebody_else() {
    let world = World::new().await;
    let created = world.create(json!({"NotificationText": "x"})).await;
    let etag = created["__metadata"]["etag"].as_str().unwrap();
    let path = format!("{NOTIFICATIONS}('10000001')");
    let change = async |etag: &str| {
        let request = world.request("PATCH", &path).header("if-match", etag).json(&json!({"MaintPriority": "1"}));
        request.send().await.unwrap().status().as_u16()
    };
    world.sap.set_faults(1, "precondition_required=1".parse().unwrap());
    assert_eq!(change(etag).await, 428);
    world.sap.set_faults(1, "etag_moved=1".parse().unwrap());
    assert_eq!(change(etag).await, 412);
    world.sap.set_faults(1, FaultProfile::none());
    assert_eq!(change(etag).await, 412, "the tag has really moved");
    let (_, read) = world.get(&path).await;
    assert_eq!(change(read["d"]["__metadata"]["etag"].as_str().unwrap()).await, 204);
}

#[tokio::test]
async fn bytes_can_trickle() {
    let world = World::new().await;
    world.sap.set_faults(1, "slow_drip=1:400ms".parse().unwrap());
    let started = std::time::Instant::now();
    let answer = world.post(NOTIFICATIONS, &json!({"NotificationText": "x"})).await;
    assert_eq!(answer.json::<Value>().await.unwrap()["d"]["NotificationText"], "x");
    assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
    assert_eq!(world.sap.books().totals.documents, 1);
}

#[tokio::test]
async fn a_dropped_create_is_an_error_of_the_connection_and_stands_in_the_books() {
    let world = World::new().await;
    world.sap.set_faults(1, "commit_then_drop=1".parse().unwrap());
    let body = json!({"NotificationText": "x", "MaintNotifExtReferenceNumber": "K"});
    let error = world.request("POST", NOTIFICATIONS).json(&body).send().await.unwrap_err();
    assert!(error.is_request() && !error.is_connect() && !error.is_timeout(), "{error:?}");
    assert_eq!(world.sap.books_for("K").documents.len(), 1);
    let probe = format!("{NOTIFICATIONS}?$filter=MaintNotifExtReferenceNumber%20eq%20'K'");
    assert_eq!(world.get(&probe).await.1["d"]["results"][0]["MaintenanceNotification"], "10000001");
}

#[tokio::test]
async fn an_expired_token_stays_expired() {
    let mut world = World::new().await;
    world.sap.set_faults(1, "token_expired=1".parse().unwrap());
    assert_eq!(create(&world, "K").await.0, Some(403));
    world.sap.set_faults(1, FaultProfile::none());
    assert_eq!(create(&world, "K").await.0, Some(403));
    world.fetch_token().await;
    assert_eq!(create(&world, "K").await.0, Some(201));
}

/// Sends six creates, each given up after 100 ms.
async fn give_up_six(world: &World) {
    let hasty = Client::builder().no_proxy().timeout(Duration::from_millis(100)).build().unwrap();
    let url = format!("{}{Z_SET}", world.sap.base_url());
    for n in 0..6 {
        let body = json!({"ShortText": n.to_string()});
        let error = hasty.post(&url).headers(world.headers.clone()).json(&body).send().await.unwrap_err();
        assert!(error.is_timeout());
    }
}

#[tokio::test]
async fn slow_waits_before_or_after_the_commit() {
    let world = World::new().await;
    world.sap.set_faults(1, "slow=1:60s".parse().unwrap());
    give_up_six(&world).await;
    let committed = world.sap.books().totals.documents;
    assert!((1..6).contains(&committed), "{committed} of 6 were committed before the wait");
}

#[tokio::test]
async fn what_a_client_gave_up_is_done_nevertheless() {
    let world = World::new().await;
    // The same seed as above, so some of them wait before the commit.
    world.sap.set_faults(1, "slow=1:3s".parse().unwrap());
    give_up_six(&world).await;
    let all_done = async {
        while world.sap.books().totals.documents < 6 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), all_done).await.is_ok(), "{:?}", world.sap.books().totals);
}

#[tokio::test]
async fn an_outage_refuses_connections_and_ends() {
    let world = World::new().await;
    world.sap.refuse_connections(Duration::from_millis(300));
    assert_eq!(create(&world, "K").await.0, None, "an open connection is reset");
    let refused = http().get(world.sap.base_url()).send().await.unwrap_err();
    assert!(refused.is_connect(), "{refused:?}");
    let reached = async {
        loop {
            if let (Some(status), _) = create(&world, "K").await {
                return status;
            }
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(10), reached).await, Ok(201), "the door opens again");
}

#[tokio::test]
async fn a_drawn_outage_shuts_the_door() {
    let world = World::new().await;
    world.sap.set_faults(1, "refuse_to_connect=1:60s".parse().unwrap());
    assert_eq!(create(&world, "K").await.0, None);
    assert!(http().get(world.sap.base_url()).send().await.unwrap_err().is_connect());
    assert_eq!(world.sap.books().totals.documents, 0);
}

/// What becomes of 60 keys, each tried three times.
async fn storm(seed: u64, backwards: bool) -> Vec<Option<u16>> {
    let faults = "server_error=0.2,commit_then_drop=0.2,drop_before=0.2,commit_then_500=0.2,busy=0.2".parse().unwrap();
    let world = World::with(SimulatorConfig { seed, faults, ..Default::default() }).await;
    let mut order: Vec<usize> = (0..60).collect();
    if backwards {
        order.reverse();
    }
    let mut found = vec![None; 180];
    for key in order {
        for attempt in 0..3 {
            found[key * 3 + attempt] = create(&world, &format!("K{key}")).await.0;
        }
    }
    found
}

#[tokio::test]
async fn the_same_seed_gives_the_same_faults_in_any_order() {
    let first = storm(7, false).await;
    assert_eq!(first, storm(7, true).await);
    assert_ne!(first, storm(8, false).await);
    assert!(first.iter().filter(|status| **status == Some(201)).count() > 30);
    assert!(first.contains(&None) && first.contains(&Some(500)));
}

#[tokio::test]
async fn reads_fail_at_their_own_rate() {
    let world = World::new().await;
    world.sap.set_faults(3, "reads=0.5".parse().unwrap());
    assert_eq!(create(&world, "K").await.0, Some(201));
    let mut failed = 0;
    for _ in 0..40 {
        let answer = world.request("GET", "/sim/equipment/1").send().await;
        failed += usize::from(answer.is_err() || !answer.unwrap().status().is_success());
    }
    assert!((8..33).contains(&failed), "{failed} of 40");
}

#[tokio::test]
async fn faults_can_be_changed_over_the_wire() {
    let world = World::new().await;
    let set = world.post("/sim/faults", &json!({"seed": 7, "profile": "busy=1:0s"})).await;
    assert_eq!(set.json::<Value>().await.unwrap(), json!({"seed": 7, "profile": "busy=1:0ms"}));
    assert_eq!(create(&world, "K").await.1.as_deref(), Some("0"));
    for bad in [json!({"profile": "fire=1"}), json!({"seed": 1}), json!({"profile": "none", "x": 1})] {
        assert_eq!(world.post("/sim/faults", &bad).await.status(), 400, "{bad}");
    }
    assert_eq!(world.post("/sim/faults", &json!({"profile": "none"})).await.status(), 200);
    let by_hand = world.request("POST", "/sim/faults").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(by_hand.body(r#"{"profile": "none"}"#).send().await.unwrap().status(), 200, "as curl sends it");
    assert_eq!(world.get("/sim/faults").await.1, json!({"seed": 7, "profile": "none"}));
}

#[tokio::test]
async fn shutdown_frees_the_port() {
    let sap = SapSimulator::start(SimulatorConfig::default()).await.unwrap();
    let listen = sap.address();
    let taken = SapSimulator::start(SimulatorConfig { listen, ..Default::default() }).await;
    assert!(taken.err().unwrap().to_string().starts_with("cannot listen on 127.0.0.1:"));
    sap.shutdown().await;
    SapSimulator::start(SimulatorConfig { listen, ..Default::default() }).await.unwrap();
}
