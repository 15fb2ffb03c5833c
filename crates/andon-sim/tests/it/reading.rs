//! Lists, documents about the service, and the pages for people.

use andon_sim::{Books, SimulatorConfig, StatisticsReport};
use serde_json::{Value, json};

use crate::client::{NOTIFICATIONS, SERVICE, World};

async fn stocked(config: SimulatorConfig) -> World {
    let world = World::with(config).await;
    for (text, priority, key) in
        [("Pump hot", "2", "A"), ("Belt torn", "1", "B"), ("Pump loud", "3", "B"), ("Leak", "2", "")]
    {
        let body = json!({"NotificationText": text, "MaintPriority": priority, "MaintNotifExtReferenceNumber": key});
        world.create(body).await;
    }
    world
}

fn texts(list: &Value) -> Vec<&str> {
    list["d"]["results"].as_array().unwrap().iter().map(|d| d["NotificationText"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_cut() {
    let world = stocked(SimulatorConfig::default()).await;
    for (query, expect) in [
        ("", vec!["Pump hot", "Belt torn", "Pump loud", "Leak"]),
        ("$filter=MaintNotifExtReferenceNumber%20eq%20'b'", vec!["Belt torn", "Pump loud"]),
        ("$filter=MaintNotifExtReferenceNumber%20eq%20'B'+and+MaintPriority+eq+'3'", vec!["Pump loud"]),
        ("$filter=MaintNotifExtReferenceNumber%20eq%20'C'", vec![]),
        ("$filter=MaintNotifExtReferenceNumber%20eq%20''", vec!["Leak"]),
        ("$filter=startswith(NotificationText,'Pump')", vec!["Pump hot", "Pump loud"]),
        ("$filter=substringof('ea',NotificationText)%20or%20MaintPriority%20eq%20'1'", vec!["Belt torn", "Leak"]),
        ("$orderby=MaintPriority%20desc,NotificationText", vec!["Pump loud", "Leak", "Pump hot", "Belt torn"]),
        ("$top=2", vec!["Pump hot", "Belt torn"]),
        ("$skip=1&$top=2", vec!["Belt torn", "Pump loud"]),
    ] {
        let (status, list) = world.get(&format!("{NOTIFICATIONS}?{query}")).await;
        assert_eq!((status.as_u16(), texts(&list)), (200, expect), "{query}");
    }
    assert_eq!(world.get(&format!("{NOTIFICATIONS}?$filter=Colour%20eq%20'x'")).await.0, 400);
    assert_eq!(world.get(&format!("{NOTIFICATIONS}/$count?$filter=MaintPriority%20eq%20'2'")).await.1, json!(2));
}

#[tokio::test]
async fn a_probe_by_reference_gives_count_and_selected_properties() {
    let world = stocked(SimulatorConfig::default()).await;
    let query =
        "$filter=MaintNotifExtReferenceNumber%20eq%20'B'&$select=MaintenanceNotification&$top=1&$inlinecount=allpages";
    let (_, list) = world.get(&format!("{NOTIFICATIONS}?{query}")).await;
    assert_eq!(list["d"]["__count"], "2");
    let mut hit = list["d"]["results"][0].clone();
    assert!(hit["__metadata"]["etag"].is_string());
    hit.as_object_mut().unwrap().remove("__metadata");
    assert_eq!(hit, json!({"MaintenanceNotification": "10000002"}));
}

#[tokio::test]
async fn long_lists_lead_on() {
    let world = stocked(SimulatorConfig { page_size: 3, ..Default::default() }).await;
    let (_, first) = world.get(&format!("{NOTIFICATIONS}?$orderby=NotificationText")).await;
    assert_eq!(texts(&first), ["Belt torn", "Leak", "Pump hot"]);
    let next = first["d"]["__next"].as_str().unwrap().strip_prefix(&world.sap.base_url()).unwrap().to_owned();
    let (_, second) = world.get(&next).await;
    assert_eq!(texts(&second), ["Pump loud"]);
    assert!(second["d"]["__next"].is_null());
}

#[tokio::test]
async fn one_document_is_read_with_its_children() {
    let world = World::new().await;
    world.create(json!({"NotificationText": "x", "to_Item": [{"MaintNotifItemText": "Bearing"}]})).await;
    let (_, read) = world.get(&format!("{NOTIFICATIONS}('000010000001')?$expand=to_Item,to_Partner")).await;
    assert_eq!(read["d"]["to_Item"]["results"][0]["MaintNotifItemText"], "Bearing");
    assert_eq!(read["d"]["to_Partner"]["results"], json!([]));
    for (key, status) in [("'10000002'", 404), ("'x'", 404), ("'0'", 404), ("10000001", 400)] {
        assert_eq!(world.get(&format!("{NOTIFICATIONS}({key})")).await.0, status, "{key}");
    }
}

#[tokio::test]
async fn a_property_is_read_alone() {
    let world = World::new().await;
    world.create(json!({"NotificationText": "Pump hot"})).await;
    let (status, read) = world.get(&format!("{NOTIFICATIONS}('10000001')/NotificationText")).await;
    assert_eq!((status.as_u16(), read), (200, json!({"d": {"NotificationText": "Pump hot"}})));
    for path in ["('10000001')/Colour", "('10000002')/NotificationText"] {
        assert_eq!(world.get(&format!("{NOTIFICATIONS}{path}")).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn the_service_describes_itself() {
    let world = World::new().await;
    let (_, document) = world.get(SERVICE).await;
    assert!(document["d"]["EntitySets"].as_array().unwrap().contains(&json!("MaintenanceNotification")));
    let (_, metadata) = world.get(&format!("{SERVICE}$metadata")).await;
    let metadata = metadata.as_str().unwrap();
    for part in [
        "<Property Name=\"NotificationText\" Type=\"Edm.String\" MaxLength=\"40\" Nullable=\"false\"/>",
        "<Property Name=\"TechnicalObjectLabel\" Type=\"Edm.String\" MaxLength=\"40\" Nullable=\"true\" \
         sap:display-format=\"UpperCase\" sap:creatable=\"false\" sap:updatable=\"false\"/>",
        "<FunctionImport Name=\"SetMaintNotifToInProcess\"",
        "<NavigationProperty Name=\"to_ItemCause\"",
        "<End EntitySet=\"MaintenanceNotification\" Role=\"Parent\"/>\
         <End EntitySet=\"MaintenanceNotificationItem\" Role=\"Child\"/></AssociationSet>",
    ] {
        assert!(metadata.contains(part), "{part}");
    }
}

#[tokio::test]
async fn the_books_tell_what_was_created() {
    let world = stocked(SimulatorConfig::default()).await;
    let books =
        async |query: &str| serde_json::from_value::<Books>(world.get(&format!("/sim/books{query}")).await.1).unwrap();
    let all = books("").await;
    assert_eq!(all, world.sap.books());
    assert_eq!(
        (all.totals.documents, all.totals.references, all.totals.without_reference, all.totals.surplus),
        (4, 2, 1, 1)
    );
    assert_eq!(all.duplicates[0].numbers, ["10000002", "10000003"]);
    let entry = &all.documents[1];
    assert_eq!(
        (entry.sequence, entry.reference.as_deref(), entry.fields["NotificationText"].as_str()),
        (2, Some("B"), "Belt torn")
    );
    let numbers = |books: &Books| books.documents.iter().map(|d| d.number.clone()).collect::<Vec<_>>();
    assert_eq!(numbers(&books("?reference=B").await), ["10000002", "10000003"]);
    assert_eq!(numbers(&world.sap.books_for("A")), ["10000001"]);
    let part = books("?after=10000001&limit=2").await;
    assert_eq!((numbers(&part), part.truncated), (vec!["10000002".to_owned(), "10000003".to_owned()], true));
    assert_eq!(world.request("DELETE", "/sim/books").send().await.unwrap().status(), 204);
    assert_eq!(books("").await, Books::default());
    assert_eq!(world.create(json!({"NotificationText": "x"})).await["MaintenanceNotification"], "10000001");
}

#[tokio::test]
async fn a_changed_reference_moves_in_the_books() {
    let world = stocked(SimulatorConfig::default()).await;
    let patch = world.request("PATCH", &format!("{NOTIFICATIONS}('10000003')")).header("if-match", "*");
    patch.json(&json!({"MaintNotifExtReferenceNumber": "c"})).send().await.unwrap();
    assert!(world.sap.books().duplicates.is_empty());
    assert_eq!(world.sap.books_for("C").documents.len(), 1);
}

#[tokio::test]
async fn statistics_count_by_kind() {
    let world = stocked(SimulatorConfig::default()).await;
    world.get(&format!("{NOTIFICATIONS}('10000001')")).await;
    let report: StatisticsReport = serde_json::from_value(world.get("/sim/statistics").await.1).unwrap();
    assert_eq!(report.requests, 6);
    for (kind, count) in [("create", 4), ("read", 1), ("token_fetch", 1), ("service_document", 1)] {
        assert_eq!(report.by_kind.get(kind), Some(&count), "{kind}");
    }
}

#[tokio::test]
async fn the_echo_counts_calls_by_key() {
    let world = World::new().await;
    for call in 1..=2 {
        let request = world.request("POST", "/sim/echo").header("Idempotency-Key", "k").json(&json!({"a": 1}));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer, json!({"call": call, "received": {"a": 1}}));
    }
    let books = world.sap.books();
    assert_eq!((books.echoes[0].key.as_str(), books.echoes[0].calls, books.totals.echo_keys), ("k", 2, 1));
    assert_eq!(world.request("POST", "/sim/echo").body("x").send().await.unwrap().status(), 400);
    assert_eq!(world.get("/sim/echo").await.0, 405);
    assert_eq!(world.get("/nowhere").await.0, 404);
}
