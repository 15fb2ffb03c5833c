//! Creating, changing, calling functions.

use std::num::NonZeroU64;

use andon_sim::SimulatorConfig;
use serde_json::{Value, json};

use crate::client::{NOTIFICATIONS, SERVICE, World, Z_SET};

#[tokio::test]
async fn a_create_is_answered_as_sap_does() {
    let world = World::new().await;
    let body = json!({
        "NotificationType": "m1", "NotificationText": "Bearing hot", "MaintNotifLongTextForEdit": "long",
        "TechnicalObject": "210100094", "TechObjIsEquipOrFuncnlLoc": "EAMS_EQUI", "MaintNotifExtReferenceNumber": "K1"
    });
    let answer = world.post(NOTIFICATIONS, &body).await;
    assert_eq!(answer.status(), 201);
    let uri = format!("{}{NOTIFICATIONS}('10000001')", world.sap.base_url());
    assert_eq!(answer.headers()["location"], uri.as_str());
    assert_eq!(answer.headers()["dataserviceversion"], "2.0");
    let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let d = answer.json::<Value>().await.unwrap()["d"].take();
    assert_eq!(d["__metadata"]["uri"], uri.as_str());
    assert_eq!(d["__metadata"]["etag"], etag.as_str());
    assert_eq!(d["__metadata"]["type"], "cds_api_maintnotification.MaintenanceNotificationType");
    assert_eq!(d["to_Item"]["__deferred"]["uri"], format!("{uri}/to_Item"));
    for (name, expect) in [
        ("MaintenanceNotification", json!("10000001")),
        ("MaintNotifInternalID", json!("QM000010000001")),
        ("NotificationType", json!("M1")),
        ("NotifProcessingPhase", json!("1")),
        ("MaintNotifLongTextForEdit", json!("")),
        ("MaintNotificationLongText", json!("long")),
        ("TechnicalObject", json!("000000000210100094")),
        ("TechnicalObjectLabel", json!("210100094")),
        ("MalfunctionEndDate", json!(null)),
        ("MalfunctionEndTime", json!("PT00H00M00S")),
        ("MaintObjectDowntimeDuration", json!("0.0")),
        ("MaintenancePlanCallNumber", json!(0)),
        ("CreatedByUser", json!("ANDON")),
    ] {
        assert_eq!(d[name], expect, "{name}");
    }
}

#[tokio::test]
async fn a_deep_insert_creates_and_numbers_the_children() {
    let world = World::new().await;
    let body = json!({
        "NotificationText": "deep",
        "to_Item": {"results": [
            {"MaintNotifItemText": "Bearing", "to_ItemCause": [{"MaintNotifCauseText": "Lubrication"}, {}]},
            {"MaintNotifItemText": "Seal"}
        ]},
        "to_Partner": [{"PartnerFunction": "AO", "Partner": "engineer01"}]
    });
    let d = world.create(body).await;
    let items = &d["to_Item"]["results"];
    assert_eq!(items[1]["MaintenanceNotificationItem"], "0002");
    let cause = &items[0]["to_ItemCause"]["results"][1];
    assert_eq!(
        (
            &cause["MaintenanceNotification"],
            &cause["MaintenanceNotificationItem"],
            &cause["MaintenanceNotificationCause"]
        ),
        (&json!("10000001"), &json!("0001"), &json!("0002"))
    );
    assert_eq!(d["to_Partner"]["results"][0]["Partner"], "ENGINEER01");
    assert_eq!(d["to_Partner"]["results"][0]["NotificationPartnerObjectNmbr"], "000001");
    let (_, read) = world.get(&format!("{NOTIFICATIONS}('10000001')/to_Item?$select=MaintNotifItemText")).await;
    assert_eq!(read["d"]["results"][1]["MaintNotifItemText"], "Seal");
}

#[tokio::test]
async fn the_z_service_creates_and_reads_nothing_back() {
    let world = World::new().await;
    let body = json!({"FunctLoc": "1010-CWS", "Equipment": "210100094", "ShortText": "RUL", "LongText": "see file"});
    let answer = world.post(Z_SET, &body).await;
    assert_eq!((answer.status().as_u16(), answer.headers().get("etag")), (201, None));
    let d = answer.json::<Value>().await.unwrap()["d"].take();
    assert_eq!((&d["NotifNo"], &d["LongText"]), (&json!("10000001"), &json!("")));
    let entry = &world.sap.books().documents[0];
    assert_eq!((entry.reference.as_deref(), entry.fields["ShortText"].as_str()), (None, "RUL"));
    assert_eq!(world.get(&format!("{Z_SET}('10000001')")).await.0, 501);
    assert_eq!(world.get(&format!("{NOTIFICATIONS}('10000001')")).await.0, 404, "services keep their own documents");
}

#[tokio::test]
async fn a_change_needs_the_present_etag() {
    let world = World::new().await;
    let path = format!("{NOTIFICATIONS}('10000001')");
    let first = world.create(json!({"NotificationText": "x"})).await["__metadata"]["etag"].as_str().unwrap().to_owned();
    let send = async |method: &str, if_match: Option<&str>, body: Value| {
        let mut request = world.request(method, &path).json(&body);
        if let Some(value) = if_match {
            request = request.header("if-match", value);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, body) = send("PATCH", None, json!({"MaintPriority": "2"})).await;
    assert!(status == 428 && body.contains("SADL_ENTITY_RUNTIME/004"), "{status} {body}");
    assert_eq!(send("PATCH", Some(&first), json!({"d": {"MaintPriority": "2"}})).await, (204, String::new()));
    assert_eq!(send("PATCH", Some(&first), json!({"MaintPriority": "3"})).await.0, 412);
    assert_eq!(send("MERGE", Some("*"), json!({"NotificationText": "y", "MalfunctionStartDate": null})).await.0, 204);
    assert_eq!(send("PATCH", Some("*"), json!({"NotificationType": "M2"})).await.0, 400, "not updatable");
    assert_eq!(send("PATCH", Some("*"), json!({"NotificationText": ""})).await.0, 400, "mandatory");
    assert_eq!(send("PUT", Some("*"), json!({})).await.0, 501);
    assert_eq!(send("DELETE", Some("*"), json!({})).await.0, 405);
    let (_, read) = world.get(&path).await;
    assert_eq!((&read["d"]["MaintPriority"], &read["d"]["NotificationText"]), (&json!("2"), &json!("y")));
    assert_eq!(world.sap.books().documents[0].changes, 2);
}

#[tokio::test]
async fn functions_move_a_notification_through_its_phases() {
    let world = World::new().await;
    world.create(json!({"NotificationText": "x"})).await;
    let call = async |path: &str| {
        let answer = world.request("POST", &format!("{SERVICE}{path}")).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap()["d"]["NotifProcessingPhase"].take())
    };
    let complete =
        "CompleteMaintNotification?MaintenanceNotification='10000001'&NotificationReferenceTime=time'PT10H00M00S'";
    for (path, status, phase) in [
        ("SetMaintNotifToInProcess", 400, json!(null)),
        ("SetMaintNotifToInProcess?MaintenanceNotification='1'", 404, json!(null)),
        ("SetMaintNotifToInProcess?MaintenanceNotification='10000001'", 200, json!("3")),
        ("SetMaintNotifToInProcess?MaintenanceNotification=%2710000001%27&sap-client=100", 200, json!("3")),
        (complete, 200, json!("4")),
        (complete, 400, json!(null)),
        ("SetMaintNotifToInProcess?MaintenanceNotification='10000001'", 400, json!(null)),
    ] {
        assert_eq!(call(path).await, (status, phase), "{path}");
    }
    let (_, read) = world.get(&format!("{NOTIFICATIONS}('10000001')")).await;
    assert_eq!(read["d"]["NotificationReferenceTime"], "PT10H00M00S");
}

#[tokio::test]
async fn some_creates_succeed_with_warnings() {
    let world = World::with(SimulatorConfig { warn_every: NonZeroU64::new(2), ..Default::default() }).await;
    for warned in [false, true, false] {
        let answer = world.post(NOTIFICATIONS, &json!({"NotificationText": "x"})).await;
        let message = answer.headers().get("sap-message").map(|value| value.to_str().unwrap());
        assert_eq!(message.is_some(), warned);
        if let Some(message) = message {
            let parsed: Value = serde_json::from_str(message).unwrap();
            assert_eq!(parsed["severity"], "warning");
            assert!(message.is_ascii() && parsed["message"].as_str().unwrap().contains('\u{2013}'));
        }
    }
}

#[tokio::test]
async fn repetitions_are_recognised_where_the_gateway_is_customised() {
    for (repeatability, documents, result) in [(true, 1, Some("accepted")), (false, 2, None)] {
        let world = World::with(SimulatorConfig { repeatability, ..Default::default() }).await;
        for _ in 0..2 {
            let request = world.request("POST", Z_SET).header("RequestID", "0A1B2C").json(&json!({"ShortText": "x"}));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 201);
            assert_eq!(answer.headers().get("repeatabilityresult").map(|v| v.to_str().unwrap()), result);
        }
        assert_eq!(world.sap.books().totals.documents, documents);
    }
}

#[tokio::test]
async fn limits_are_answered() {
    let config = SimulatorConfig { max_documents: 1, max_body_bytes: 200, ..Default::default() };
    let world = World::with(config).await;
    world.create(json!({"NotificationText": "x"})).await;
    let full = world.post(NOTIFICATIONS, &json!({"NotificationText": "y"})).await;
    assert_eq!(full.status(), 507);
    assert!(full.text().await.unwrap().contains("DELETE /sim/books"));
    assert_eq!(world.post(NOTIFICATIONS, &json!({"NotificationText": "y".repeat(300)})).await.status(), 413);
    let malformed = world.request("POST", NOTIFICATIONS).body("{\"a\":").send().await.unwrap();
    assert_eq!(malformed.status(), 400);
    assert!(malformed.text().await.unwrap().contains("not JSON"));
}
