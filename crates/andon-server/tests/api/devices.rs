//! Onboarding and managing devices, through crashes and lost answers.

use andon_devices::enrolment::Enrolment;
use andon_devices::registry::{Registry, get};
use andon_devices::{CertificateStatus, Device};
use andon_journal::Role;
use andon_testkit::memory_journal::WriteFault;
use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Answer, World, request, token_of};

/// Somebody's signing request; its subject is not read.
pub(crate) const CSR: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIHMMHQCAQAwEjEQMA4GA1UEAwwHcHVtcC0wMjBZMBMGByqGSM49AgEGCCqGSM49
AwEHA0IABHzSscoE8Wf7fI35rq5IHrpPaSJwkhm0rXkwPO/8NuA84F6U9ZPcjv1E
WIJYealzcdHiI/+H3LYrwmA2TtWeYFKgADAKBggqhkjOPQQDAgNIADBFAiEAtTeW
Q+Uwjn74tHCAngdNEDPDlWqcK/iWIJKAS5KoojACICbSnjl8UFUdC5ubbGZfOT6Z
/GHUfgH8S4+MWyR7IpYI
-----END CERTIFICATE REQUEST-----
";

const DEVICE: &str = "/api/onboard/DEV_00000001";

impl World {
    async fn onboard(&self) -> Answer {
        self.ask(Role::Operator, "POST", DEVICE).await
    }

    /// Stores groups without policies.
    pub(crate) async fn groups(&self, names: &[&str]) {
        for name in names {
            let path = format!("/api/v1/device-rules/groups/{name}");
            assert_eq!(self.tell(Role::Admin, "PUT", &path, &json!({})).await.status, StatusCode::OK);
        }
    }

    async fn stored(&self, name: &str) -> Option<Device> {
        get::<Device>(&self.registry, name).await.unwrap().map(|found| found.value)
    }

    /// Waits until it is noted that the answer has gone out.
    async fn noted(&self, name: &str) {
        while get::<Enrolment>(&self.registry, name).await.unwrap().is_none_or(|found| found.value.status().is_none()) {
            tokio::task::yield_now().await;
        }
    }
}

fn active(device: &Device) -> Vec<&str> {
    let active = device.certificates.iter().filter(|known| known.status == CertificateStatus::Active);
    active.map(|known| known.id.as_str()).collect()
}

#[tokio::test]
async fn the_quickstart_s_three_methods() {
    let world = World::start().await;
    let first = world.onboard().await;
    assert_eq!(first.status, StatusCode::OK);
    let first = first.json();
    assert!(first["credential"]["privateKey"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!((&first["serialNumber"], &first["mqttEndpoint"]), (&json!("DEV_00000001"), &json!("localhost")));
    assert_eq!(first["error"], json!({ "code": "", "msg": "", "type": "" }));
    world.noted("DEV_00000001").await;
    let mut without_key = first.clone();
    without_key["credential"]["privateKey"] = json!("");
    assert_eq!(world.onboard().await.json(), without_key);
    assert_eq!(world.ask(Role::Viewer, "GET", DEVICE).await.json(), without_key);
    let gone = world.ask(Role::Operator, "DELETE", DEVICE).await;
    assert_eq!((gone.status, gone.json()["error"]["code"].clone()), (StatusCode::OK, json!("")));
    let missing = world.ask(Role::Viewer, "GET", DEVICE).await;
    assert_eq!((missing.status, missing.json()["error"]["code"].clone()), (StatusCode::BAD_REQUEST, json!("AND-1201")));
    assert_eq!(world.ask(Role::Operator, "DELETE", DEVICE).await.status, StatusCode::OK);
    let again = world.onboard().await.json();
    assert_ne!(again["thingId"], first["thingId"]);
    let bad = world.ask(Role::Operator, "POST", "/api/onboard/a%20b").await;
    assert_eq!((bad.status, bad.json()["error"]["code"].clone()), (StatusCode::BAD_REQUEST, json!("AND-7001")));
}

#[tokio::test]
async fn an_answer_that_nobody_took_is_replaced() {
    let world = World::start().await;
    let lost = request("POST", DEVICE).bearer(token_of(Role::Operator)).empty();
    drop(world.router.clone().oneshot(lost).await.unwrap());
    let before = world.stored("DEV_00000001").await.unwrap();
    let answer = world.onboard().await.json();
    let device = world.stored("DEV_00000001").await.unwrap();
    assert_eq!(
        (&device.id, active(&device)),
        (&before.id, vec![answer["credential"]["certificateId"].as_str().unwrap()])
    );
    assert_ne!(active(&before), active(&device));
    let revoked = world.registry.revoked(andon_model::Timestamp::default(), 10).await.unwrap();
    assert_eq!(revoked.iter().map(|entry| &entry.serial).collect::<Vec<_>>(), [&before.certificates[0].serial]);
}

/// Fails the commit with this number, before or after it happened; then asks until it is done.
async fn onboard_through(number: u64, fault: WriteFault) -> bool {
    let world = World::start().await;
    world.registry.fail_commit(number, fault);
    let mut answer = world.onboard().await;
    let mut attempts = 1;
    while answer.status != StatusCode::OK {
        answer = world.onboard().await;
        attempts += 1;
    }
    let credential = answer.json()["credential"].clone();
    let device = world.stored("DEV_00000001").await.unwrap();
    assert_eq!(active(&device), [credential["certificateId"].as_str().unwrap()], "commit {number} {fault:?}");
    assert_ne!(credential["privateKey"], json!(""), "commit {number} {fault:?}");
    attempts > 1
}

#[tokio::test]
async fn a_fault_in_any_commit_leaves_one_identity() {
    for fault in [WriteFault::Before, WriteFault::After] {
        // The authority, then the device.
        assert!(onboard_through(0, fault).await && onboard_through(1, fault).await);
        onboard_through(2, fault).await;
    }
}

#[tokio::test]
async fn a_signing_request_keeps_the_key_at_home() {
    let world = World::start().await;
    world.groups(&["line-4"]).await;
    let wanted = json!({ "device": "pump-02", "csr": CSR, "groups": ["line-4"], "attributes": { "plant": "1710" } });
    let made = world.tell(Role::Operator, "POST", "/api/v1/devices", &wanted).await;
    assert_eq!(made.status, StatusCode::OK, "{:?}", made.body);
    let made = made.json();
    assert_eq!((&made["status"], made.get("private_key")), (&json!("ACTIVE"), None));
    world.noted("pump-02").await;
    let mut shown = world.ask(Role::Viewer, "GET", "/api/v1/devices/pump-02").await.json();
    shown["outcome"] = json!("onboarded");
    assert_eq!(shown, made);
    shown["outcome"] = json!("unchanged");
    assert_eq!(world.tell(Role::Operator, "POST", "/api/v1/devices", &wanted).await.json(), shown);
    let connection = &made["connection"];
    assert_eq!(connection["endpoint"], "localhost");
    let all = world.ask(Role::Viewer, "GET", "/api/v1/authorities").await.json();
    let authority = |name: &str| all.as_array().unwrap().iter().find(|known| known["name"] == name).unwrap();
    let [root, issuing] = ["root-1", "issuing-1"].map(|name| &authority(name)["certificate"]);
    assert_eq!((&connection["roots"], &connection["chain"]), (root, issuing));
    let other = json!({ "device": "pump-02", "csr": "-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----" });
    assert_eq!(world.tell(Role::Operator, "POST", "/api/v1/devices", &other).await.status, 422);
}

/// Whoever gets a key gets one that is good, however many ask at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_ask_at_once_one_gets_the_key() {
    let world = World::start().await;
    let wanted = json!({ "device": "pump-01" });
    let ask = |_| world.tell(Role::Operator, "POST", "/api/v1/devices", &wanted);
    let answers = futures_util::future::join_all((0..16).map(ask)).await;
    let answers: Vec<Value> = answers.iter().map(Answer::json).collect();
    assert_eq!(answers.iter().filter(|answer| answer["private_key"].is_string()).count(), 1);
    let stored = world.stored("pump-01").await.unwrap();
    assert!(answers.iter().all(|answer| active(&stored) == [answer["certificates"][0]["id"].as_str().unwrap()]));
}

#[tokio::test]
async fn devices_are_listed_changed_and_revoked() {
    let world = World::start().await;
    world.groups(&["line-4"]).await;
    for name in ["pump-01", "pump-02", "camera-1"] {
        let made = world.tell(Role::Operator, "POST", "/api/v1/devices", &json!({ "device": name })).await;
        assert_eq!(made.status, StatusCode::OK);
        assert!(made.json()["private_key"].is_string());
    }
    let change = json!({ "groups": ["line-4"], "attributes": { "plant": "1710" } });
    let changed = world.tell(Role::Operator, "PUT", "/api/v1/devices/pump-01", &change).await.json();
    assert_eq!((&changed["groups"], &changed["attributes"]), (&json!(["line-4"]), &json!({ "plant": "1710" })));
    let names = async |query: &str| {
        let page = world.ask(Role::Viewer, "GET", &format!("/api/v1/devices?{query}")).await.json();
        let names = page["devices"].as_array().unwrap().iter().map(|device| device["name"].clone()).collect::<Value>();
        (names, page["next"].clone())
    };
    assert_eq!(names("limit=2").await, (json!(["camera-1", "pump-01"]), json!("pump-01")));
    assert_eq!(names("after=pump-01").await, (json!(["pump-02"]), json!(null)));
    assert_eq!(names("contains=pump&labels=group:line-4,attribute:plant=1710").await.0, json!(["pump-01"]));
    assert_eq!(world.ask(Role::Viewer, "GET", "/api/v1/devices?labels=colour:red").await.status, 400);
    let revoked = world.tell(Role::Operator, "POST", "/api/v1/devices/pump-01/revoke", &json!({})).await.json();
    assert_eq!(revoked["status"], "REVOKED");
    assert_eq!(names("labels=status:REVOKED").await.0, json!(["pump-01"]));
    assert_eq!(world.ask(Role::Operator, "DELETE", "/api/v1/devices/pump-02").await.status, 204);
    assert_eq!(world.ask(Role::Operator, "DELETE", "/api/v1/devices/pump-02").await.status, 404);
    let list = world.send(request("GET", "/crl/devices.crl").empty()).await;
    assert_eq!((list.status, list.header("content-type")), (StatusCode::OK, "application/pkix-crl"));
    assert!(list.body.len() > 200);
}

#[tokio::test]
async fn certificates_are_locked_out_and_let_in_again() {
    let world = World::start().await;
    let made = world.onboard().await.json();
    let id = made["credential"]["certificateId"].as_str().unwrap();
    let turn = async |verb: &str| {
        let path = format!("/api/v1/devices/DEV_00000001/certificates/{id}/{verb}");
        let answer = world.ask(Role::Operator, "POST", &path).await;
        (answer.status.as_u16(), answer.json()["status"].clone(), answer.json()["code"].clone())
    };
    for _ in 0..2 {
        assert_eq!(turn("deactivate").await, (200, json!("INACTIVE"), json!(null)));
    }
    let again = world.onboard().await.json();
    assert_eq!(again["error"]["msg"], "DEV_00000001 is INACTIVE: make its certificate active again, or delete it");
    assert_eq!(turn("activate").await, (200, json!("ACTIVE"), json!(null)));
    world.tell(Role::Operator, "POST", "/api/v1/devices/DEV_00000001/revoke", &json!({})).await;
    for verb in ["activate", "deactivate"] {
        assert_eq!(turn(verb).await.2, json!("AND-7004"), "REVOKED stays");
    }
    let unknown = format!("/api/v1/devices/DEV_00000001/certificates/{}/activate", "0".repeat(64));
    assert_eq!(world.ask(Role::Operator, "POST", &unknown).await.status, 404);
}

#[tokio::test]
async fn what_a_device_names_is_stored_before_and_stays() {
    let world = World::start().await;
    let put = async |path: &str, body: Value| {
        world.tell(Role::Admin, "PUT", &format!("/api/v1/device-rules/{path}"), &body).await
    };
    let detail = async |answer: Answer| (answer.status.as_u16(), answer.json()["detail"].as_str().unwrap().to_owned());
    let post = "/api/v1/devices";
    let grouped = json!({ "device": "pump-01", "groups": ["line-4"] });
    let missing = (422, "there is no group line-4; `andon devices groups put line-4` makes it".to_owned());
    assert_eq!(detail(world.tell(Role::Operator, "POST", post, &grouped).await).await, missing);
    assert!(world.stored("pump-01").await.is_none());
    world.tell(Role::Operator, "POST", post, &json!({ "device": "pump-01" })).await;
    for change in [json!({ "groups": ["line-4"] }), json!({ "join": ["line-4"] })] {
        assert_eq!(detail(world.tell(Role::Operator, "PUT", "/api/v1/devices/pump-01", &change).await).await, missing);
    }
    for (path, body) in
        [("groups/line-4", json!({ "policies": ["p1"] })), ("profiles/s1", json!({ "policies": ["p1"] }))]
    {
        let missing = (422, "there is no policy p1; `andon devices policies put p1 FILE` makes it".to_owned());
        assert_eq!(detail(put(path, body).await).await, missing, "{path}");
    }
    let document = json!({ "Version": "2012-10-17",
        "Statement": [{ "Effect": "Deny", "Action": "iot:Publish", "Resource": "*" }] });
    put("policies/p1", json!({ "document": document })).await;
    put("profiles/s1", json!({ "policies": ["p1"] })).await;
    world.tell(Role::Operator, "PUT", "/api/v1/devices/pump-01", &json!({ "policies": ["p1"] })).await;
    let removed = world.ask(Role::Admin, "DELETE", "/api/v1/device-rules/policies/p1").await;
    let used = "the policy p1 is in use, take it from these first: profile s1, device pump-01";
    assert_eq!(detail(removed).await, (409, used.to_owned()));
}

#[tokio::test]
async fn a_rotated_certificate_overlaps_with_the_next() {
    let world = World::start().await;
    world.tell(Role::Operator, "POST", "/api/v1/devices", &json!({ "device": "pump-01" })).await;
    let rotated = world.tell(Role::Operator, "POST", "/api/v1/devices/pump-01/rotate", &json!({ "csr": CSR })).await;
    let rotated = rotated.json();
    let certificates = rotated["certificates"].as_array().unwrap();
    assert_eq!((certificates.len(), rotated.get("private_key")), (2, None));
    assert!(certificates[0]["retires"].is_string() && certificates[1].get("retires").is_none());
}

#[tokio::test]
async fn a_revoked_device_is_not_onboarded_again() {
    let world = World::start().await;
    assert_eq!(world.onboard().await.status, StatusCode::OK);
    world.noted("DEV_00000001").await;
    let revoke = "/api/v1/devices/DEV_00000001/revoke";
    assert_eq!(world.tell(Role::Operator, "POST", revoke, &json!({})).await.status, StatusCode::OK);
    let again = world.onboard().await;
    let error = &again.json()["error"];
    assert_eq!((again.status, &error["code"]), (StatusCode::BAD_REQUEST, &json!("AND-7006")));
    assert_eq!(error["msg"], "DEV_00000001 is revoked: rotate it with --reinstate, or delete it");
    let wanted = json!({ "device": "DEV_00000001" });
    let again = world.tell(Role::Operator, "POST", "/api/v1/devices", &wanted).await;
    assert_eq!((again.status.as_u16(), &again.json()["code"]), (409, &json!("AND-7006")));
    let rotate = "/api/v1/devices/DEV_00000001/rotate";
    let refused = world.tell(Role::Operator, "POST", rotate, &json!({})).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (409, &json!("AND-7006")));
    let reinstated = world.tell(Role::Operator, "POST", rotate, &json!({ "reinstate": true })).await;
    assert_eq!((reinstated.status, &reinstated.json()["status"]), (StatusCode::OK, &json!("ACTIVE")));
    assert_eq!(world.onboard().await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_may_what() {
    let world = World::start().await;
    let wanted = json!({ "device": "pump-01" });
    for (role, sees, manages) in
        [(Role::Intake, 403, 403), (Role::Viewer, 200, 403), (Role::Operator, 200, 200), (Role::Admin, 200, 200)]
    {
        assert_eq!(world.ask(role, "GET", "/api/v1/devices").await.status, sees, "{role:?}");
        assert_eq!(world.tell(role, "POST", "/api/v1/devices", &wanted).await.status, manages, "{role:?}");
        let founded = world.tell(role, "POST", "/api/v1/authorities/rotate", &json!({})).await.status;
        assert_eq!(founded == 200, role == Role::Admin, "{role:?}");
    }
    let stranger = world.send(request("POST", DEVICE).empty()).await;
    let (status, body) = (stranger.status.as_u16(), stranger.json());
    assert_eq!(
        (status, &body["error"]["code"], &body["credential"]["privateKey"]),
        (401, &json!("AND-1101"), &json!(""))
    );
    let guest = world.ask(Role::Viewer, "POST", DEVICE).await;
    assert_eq!((guest.status.as_u16(), &guest.json()["error"]["code"]), (403, &json!("AND-1102")));
}

#[tokio::test]
async fn authorities_are_made_once_and_replaced() {
    let world = World::start().await;
    let made = world.tell(Role::Admin, "POST", "/api/v1/authorities", &json!({ "name": "Plant 1710" })).await;
    assert_eq!((made.status, made.json().as_array().unwrap().len()), (StatusCode::CREATED, 2));
    assert_eq!(world.tell(Role::Admin, "POST", "/api/v1/authorities", &json!({})).await.status, 409);
    world.tell(Role::Admin, "POST", "/api/v1/authorities/rotate", &json!({ "root": true })).await;
    let all = world.ask(Role::Viewer, "GET", "/api/v1/authorities").await;
    assert!(!String::from_utf8_lossy(&all.body).contains("PRIVATE KEY"));
    let retired = all.json().as_array().unwrap().iter().filter(|known| known["retired"].is_string()).count();
    assert_eq!((all.json().as_array().unwrap().len(), retired), (4, 2));
    assert_eq!(world.onboard().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_file_of_devices_is_onboarded_once() {
    let world = World::start().await;
    world.groups(&["line-4", "hall-7"]).await;
    let file = "device,groups\npump-01,line-4\nbad name,\npump-02,line-4;hall-7\npump-01,line-4\npump-03,hall-8\n";
    let send = async || {
        let post = request("POST", "/api/v1/device-imports").bearer(token_of(Role::Operator));
        world.send(post.header("content-type", "text/csv").body(Body::from(file))).await
    };
    let lines = |answer: &Answer| -> Vec<Value> {
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let first = send().await;
    let told: Vec<_> =
        lines(&first).iter().map(|line| (line["line"].clone(), line["private_key"].is_string())).collect();
    assert_eq!(told, [(json!(2), true), (json!(3), false), (json!(4), true), (json!(5), false), (json!(6), false)]);
    assert_eq!(lines(&first)[1]["problem"]["code"], "AND-7001");
    let unknown = "there is no group hall-8; `andon devices groups put hall-8` makes it";
    assert_eq!(lines(&first)[4]["problem"]["detail"], unknown);
    let second = send().await;
    assert!(lines(&second).iter().all(|line| !line["private_key"].is_string()));
    let path = format!("/api/v1/device-imports/{}", first.header("x-import"));
    let report = world.ask(Role::Viewer, "GET", &path).await.json();
    assert_eq!((&report["status"], &report["report"]["unchanged"]), (&json!("done"), &json!(3)));
    assert_eq!((&report["report"]["onboarded"], &report["report"]["faulty"]), (&json!(2), &json!(2)));
    let refused = request("POST", "/api/v1/device-imports").bearer(token_of(Role::Operator));
    assert_eq!(world.send(refused.header("content-type", "image/png").body(Body::from(file))).await.status, 400);
}

#[tokio::test]
async fn rules_are_checked_stored_and_removed() {
    let world = World::start().await;
    let put = async |path: &str, body: Value| {
        world.tell(Role::Admin, "PUT", &format!("/api/v1/device-rules/{path}"), &body).await.status.as_u16()
    };
    assert_eq!(put("profiles/s1", json!({ "certificate_days": 90, "required_attributes": ["plant"] })).await, 200);
    assert_eq!(put("profiles/s2", json!({ "certificate_days": 90_000 })).await, 422);
    let connect = json!({ "Effect": "Allow", "Action": "iot:Connect", "Resource": "*" });
    let document = json!({ "Version": "2012-10-17", "Statement": [connect] });
    assert_eq!(put("policies/p1", json!({ "document": document })).await, 200);
    assert_eq!(put("policies/p2", json!({ "document": "{" })).await, 422);
    assert_eq!(put("groups/line-4", json!({ "policies": ["p1"] })).await, 200);
    assert_eq!(put("claims/nobody", json!({ "allow": ["pump-*"] })).await, 404);
    let profiles = world.ask(Role::Viewer, "GET", "/api/v1/device-rules/profiles").await.json();
    assert_eq!((&profiles[0]["name"], profiles.as_array().unwrap().len()), (&json!("s1"), 1));
    let onboard = async |body| world.tell(Role::Operator, "POST", "/api/v1/devices", &body).await.status.as_u16();
    assert_eq!(onboard(json!({ "device": "a", "profile": "s1" })).await, 422);
    assert_eq!(onboard(json!({ "device": "a", "profile": "s3" })).await, 422);
    assert_eq!(onboard(json!({ "device": "a", "profile": "s1", "attributes": { "plant": "1710" } })).await, 200);
    let unknown = world.tell(Role::Operator, "PUT", "/api/v1/devices/a", &json!({ "policies": ["p9"] })).await;
    assert_eq!(unknown.status, 422);
    let grouped = world.tell(Role::Operator, "PUT", "/api/v1/devices/a", &json!({ "groups": ["line-4"] })).await;
    assert_eq!(grouped.status, 200);
    let remove = async |path: &str| world.ask(Role::Admin, "DELETE", &format!("/api/v1/device-rules/{path}")).await;
    for path in ["groups/line-4", "profiles/s1"] {
        let refused = remove(path).await;
        assert_eq!(refused.status, 409, "{path}");
        assert!(refused.json()["detail"].as_str().unwrap().ends_with("take it from these first: device a"), "{path}");
    }
    let refused = remove("policies/p1").await;
    let detail = "the policy p1 is in use, take it from these first: group line-4";
    assert_eq!((refused.status.as_u16(), &refused.json()["detail"]), (409, &json!(detail)));
    let cleared =
        world.tell(Role::Operator, "PUT", "/api/v1/devices/a", &json!({ "groups": [], "profile": null })).await;
    assert_eq!((cleared.status.as_u16(), remove("groups/line-4").await.status.as_u16()), (200, 204));
    assert_eq!(world.ask(Role::Admin, "DELETE", "/api/v1/device-rules/policies/p1").await.status, 204);
    assert_eq!(world.ask(Role::Admin, "DELETE", "/api/v1/device-rules/policies/p1").await.status, 404);
}
