//! What a create is checked against, and the shapes of refusals.

use std::collections::BTreeSet;

use andon_sim::{NotCreatable, SimulatorConfig};
use serde_json::{Value, json};

use crate::client::{NOTIFICATIONS, World, Z_SET};

/// Sends each body; expects a status and, in the message, a text.
async fn check(world: &World, cases: &[(Value, u16, &str)]) {
    for (body, status, expect) in cases {
        let answer = world.post(NOTIFICATIONS, body).await;
        assert_eq!(answer.status(), *status, "for {body}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(expect), "for {body}: {text}");
    }
}

#[tokio::test]
async fn field_facts_are_enforced() {
    let world = World::new().await;
    let with = |name: &str, value: Value| {
        let mut body = json!({"NotificationText": "Pump", "NotificationType": "M1"});
        body[name] = value;
        body
    };
    let cases = [
        (json!({}), 400, "mandatory field NotificationText"),
        (json!([]), 400, "not a JSON object"),
        (json!({"NotificationText": ""}), 400, "mandatory field NotificationText"),
        (with("NotificationText", json!("x".repeat(41))), 400, "longer than its maximum of 40"),
        (with("NotificationText", json!("ä".repeat(40))), 201, "ä"),
        (with("NotificationText", json!(5)), 400, "'NotificationText' is not a text"),
        (with("Colour", json!("red")), 400, "Property 'Colour' is invalid"),
        (with("notificationtext", json!("x")), 400, "Property 'notificationtext' is invalid"),
        (with("MaintenanceNotification", json!("1")), 400, "read-only"),
        (with("TechnicalObjectLabel", json!("1")), 201, "NotificationText"),
        (with("MaintNotifExtReferenceNumber", json!("x".repeat(21))), 400, "longer than its maximum of 20"),
        (with("MaintNotifExtReferenceNumber", json!("a1b2")), 201, "\"MaintNotifExtReferenceNumber\":\"A1B2\""),
        (with("MalfunctionStartDate", json!("2023-06-27T00:00:00")), 201, r"\/Date(1687824000000)\/"),
        (with("MalfunctionStartDate", json!("/Date(1687824000000)/")), 201, r"\/Date(1687824000000)\/"),
        (with("MalfunctionStartDate", json!("2023-06-27T08:12:30")), 400, "must be midnight"),
        (with("MalfunctionStartDate", json!("2023-06-27T00:00:00Z")), 400, "is not a date"),
        (with("MalfunctionStartTime", json!("PT8H12M")), 201, "\"MalfunctionStartTime\":\"PT08H12M00S\""),
        (with("MalfunctionStartTime", json!("08:12")), 400, "is not a time of day"),
        (with("MaintenanceObjectIsDown", json!("X")), 400, "is not true or false"),
        (with("MaintObjectDowntimeDuration", json!(172_800)), 201, "\"172800.0\""),
        (with("to_Item", json!("x")), 400, "'to_Item' is not a list"),
        (with("to_Item", json!([{"Colour": "red"}])), 400, "Property 'Colour' is invalid"),
        (with("to_Partner", json!([{"PartnerFunction": "AO"}])), 400, "mandatory field Partner"),
        (with("to_Nothing", json!([])), 400, "Property 'to_Nothing' is invalid"),
        (json!({"d": {"NotificationText": "wrapped"}}), 201, "wrapped"),
    ];
    check(&world, &cases).await;
    let created = cases.iter().filter(|(_, status, _)| *status == 201).count();
    assert_eq!(world.sap.books().documents.len(), created, "nothing refused is in the books");
}

#[tokio::test]
async fn what_is_not_creatable_can_be_ignored() {
    let config = SimulatorConfig { not_creatable: NotCreatable::Ignore, ..Default::default() };
    let body = json!({"NotificationText": "x", "MaintenanceNotification": "77"});
    check(&World::with(config).await, &[(body, 201, "\"MaintenanceNotification\":\"10000001\"")]).await;
    let config = SimulatorConfig { not_creatable: NotCreatable::RejectExcept(BTreeSet::new()), ..Default::default() };
    let body = json!({"NotificationText": "x", "TechnicalObjectLabel": "77"});
    check(&World::with(config).await, &[(body, 400, "read-only")]).await;
}

fn on(object: &str, kind: &str) -> Value {
    json!({"NotificationText": "x", "TechnicalObject": object, "TechObjIsEquipOrFuncnlLoc": kind})
}

#[tokio::test]
async fn equipment_must_exist_where_the_simulator_knows_which_does() {
    let known_equipment = Some(BTreeSet::from(["210100094".to_owned()]));
    let world = World::with(SimulatorConfig { known_equipment, ..Default::default() }).await;
    let cases = [
        (on("210100094", "EAMS_EQUI"), 201, "000000000210100094"),
        (on("000000000210100094", "EAMS_EQUI"), 201, "\"TechnicalObjectLabel\":\"210100094\""),
        (on("10009999", "EAMS_EQUI"), 400, "Equipment 10009999 does not exist"),
        (on("1010-CWS", "EAMS_FL"), 201, "1010-CWS"),
    ];
    check(&world, &cases).await;
    let refused = world.post(Z_SET, &json!({"ShortText": "x", "Equipment": "1"})).await;
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], "IM/125");
    assert_eq!(world.get("/sim/equipment/1").await.0, 404);
    assert_eq!(world.get("/sim/equipment/210100094").await.1["Equipment"], "000000000210100094");
}

#[tokio::test]
async fn refusals_come_in_all_shapes() {
    let paths = [
        ("gateway", "/error/innererror/errordetails/0/code", json!("IM/302")),
        ("gateway", "/error/innererror/application/service_id", json!("API_MAINTNOTIFICATION")),
        ("sadl", "/error/innererror/errordetails/0/transition", json!(false)),
        ("no_inner", "/error/message/lang", json!("en")),
        ("detail_message_object", "/error/innererror/errordetails/0/message/lang", json!("en")),
    ];
    for (shape, path, expect) in paths {
        let world = World::with(SimulatorConfig { error_shape: shape.parse().unwrap(), ..Default::default() }).await;
        let error: Value = world.post(NOTIFICATIONS, &json!({})).await.json().await.unwrap();
        assert_eq!(error.pointer(path), Some(&expect), "{shape}: {error}");
        assert_eq!(error["error"]["code"], "IM/302");
    }
    let world = World::with(SimulatorConfig { error_shape: "html".parse().unwrap(), ..Default::default() }).await;
    let answer = world.post(NOTIFICATIONS, &json!({})).await;
    assert_eq!(answer.headers()["content-type"], "text/html;charset=utf-8");
}

#[tokio::test]
async fn framework_errors_have_a_hexadecimal_code_and_nothing_inside() {
    let world = World::new().await;
    for (path, status, code) in [
        ("/sap/opu/odata/sap/API_MAINTNOTIFICATION/Nothing", 404, None),
        ("/sap/opu/odata/sap/API_OTHER/", 404, Some("/IWFND/MED/170")),
        (Z_SET, 501, None),
    ] {
        let (found, body) = world.get(path).await;
        assert_eq!(found, status, "{path}");
        assert!(body["error"]["innererror"].is_null());
        match code {
            Some(code) => assert_eq!(body["error"]["code"], code),
            None => assert_eq!(body["error"]["code"].as_str().unwrap().len(), 32),
        }
    }
}

#[tokio::test]
async fn whoever_does_not_ask_for_json_gets_xml() {
    let mut world = World::new().await;
    world.headers.remove("accept");
    let answer = world.post(NOTIFICATIONS, &json!({"NotificationText": "a < b"})).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (201, &"application/xml".parse().unwrap())
    );
    assert!(answer.text().await.unwrap().contains("<d:NotificationText>a &lt; b</d:NotificationText>"));
    let refused = world.post(NOTIFICATIONS, &json!({})).await.text().await.unwrap();
    assert!(refused.contains("<code>IM/302</code>"), "{refused}");
    assert!(world.get(&format!("{NOTIFICATIONS}?$format=json")).await.1["d"]["results"].is_array());
}
