//! Defects, incidents, requisitions, quality notifications and master data, OData V2.

use andon_sim::SimulatorConfig;
use serde_json::{Value, json};

use crate::client::World;

const ROOT: &str = "/sap/opu/odata/sap/";

fn defect() -> Value {
    json!({
        "DefectCategory": "06", "DefectText": "Scratch on board", "DefectCodeCatalog": "9",
        "DefectCodeGroup": "DEF-PACK", "DefectCode": "0001", "DefectClass": "92", "Material": "TG10",
        "Plant": "1710", "DefectiveQuantity": "2.5",
    })
}

async fn created(world: &World, path: &str, body: &Value) -> Value {
    let answer = world.post(&format!("{ROOT}{path}"), body).await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 201, "{path}: {text}");
    serde_json::from_str::<Value>(&text).unwrap()["d"].take()
}

#[tokio::test]
async fn a_defect_is_created_read_and_changed_under_its_etag() {
    let world = World::new().await;
    let d = created(&world, "API_DEFECT_SRV/A_Defect", &defect()).await;
    assert_eq!(d["DefectInternalID"], "$00010000001");
    assert_eq!((&d["Defect"], &d["DefectiveQuantity"]), (&json!("10000001"), &json!("2.500")));
    let uri = d["__metadata"]["uri"].as_str().unwrap();
    assert!(uri.ends_with("API_DEFECT_SRV/A_Defect('%2400010000001')"), "{uri}");
    let path = format!("{ROOT}API_DEFECT_SRV/A_Defect('%2400010000001')");
    assert_eq!(world.get(&path).await.1["d"]["Material"], "TG10");
    let etag = d["__metadata"]["etag"].as_str().unwrap();
    let change = json!({"DefectText": "Deep scratch"});
    for (if_match, method, status) in [(None, "PATCH", 428), (Some(etag), "MERGE", 204), (Some(etag), "PATCH", 412)] {
        let mut request = world.request(method, &path).json(&change);
        if let Some(value) = if_match {
            request = request.header("if-match", value);
        }
        assert_eq!(request.send().await.unwrap().status(), status, "{method} {if_match:?}");
    }
    let (_, found) = world.get(&format!("{ROOT}API_DEFECT_SRV/A_Defect?$filter=startswith(DefectText,'Deep')")).await;
    assert_eq!(found["d"]["results"][0]["Defect"], "10000001");
    assert_eq!(world.sap.books_containing("Deep").documents.len(), 1);
    assert_eq!(world.sap.books().documents[0].changes, 1);
}

#[tokio::test]
async fn an_incident_keeps_its_persons_and_its_place() {
    let world = World::new().await;
    let body = json!({
        "IncidentCategory": "003", "IncidentTitle": "PPE missing K1", "IncidentUTCDateTime": "2023-06-27T08:12:30Z",
        "IncidentDescriptionOfEvents": "No helmet",
        "to_Persons": [{"PersonInvolvedRole": "OBSERVED", "PersonFullName": "Unknown"}],
        "to_Location": {"LocationName": "Line 4", "LocationLatitude": "49.293"},
    });
    let d = created(&world, "API_EHS_REPORT_INCIDENT_SRV/A_Incident", &body).await;
    let id = d["IncidentUUID"].as_str().unwrap().to_owned();
    assert_eq!(d["to_Location"]["LocationName"], "Line 4");
    assert!(d["to_Persons"]["results"][0]["PersonInvolvedUUID"].is_string());
    let path = format!("{ROOT}API_EHS_REPORT_INCIDENT_SRV/A_Incident(guid'{id}')");
    assert_eq!(world.get(&path).await.1["d"]["IncidentStatus"], "02");
    assert_eq!(world.get(&format!("{path}/to_Location")).await.1["d"]["LocationLatitude"], "49.293000000000");
    assert_eq!(world.get(&format!("{path}/to_Persons")).await.1["d"]["results"][0]["PersonFullName"], "Unknown");
    let change = world.request("PATCH", &path).header("if-match", "*").json(&json!({})).send().await.unwrap();
    assert_eq!(change.status(), 405, "incidents are created and read only");
    let entry = &world.sap.books_containing("K1").documents[0];
    assert_eq!(entry.children.len(), 2);
    assert_eq!(entry.children[0].fields["PersonInvolvedRole"], "OBSERVED");
}

fn requisition(reference: &str, dry: bool) -> Value {
    json!({
        "PurchaseRequisition": "", "PurchaseRequisitionType": "NB", "PurReqnDescription": "Refill silo",
        "PurReqnDoOnlyValidation": dry,
        "to_PurchaseReqnItem": {"results": [{
            "PurchaseRequisition": "", "PurchaseRequisitionItem": "10", "PurchaseRequisitionItemText": "Re-fill",
            "Material": "TG10", "MaterialGroup": "L001", "RequestedQuantity": "1", "PurchasingGroup": "001",
            "Plant": "1710", "DeliveryDate": "2023-03-28T00:00:00", "PurReqnExternalReference": reference,
        }]},
    })
}

#[tokio::test]
async fn a_requisition_is_found_by_the_reference_of_its_item() {
    let world = World::new().await;
    let service = "API_PURCHASEREQ_PROCESS_SRV";
    created(&world, &format!("{service}/A_PurchaseRequisitionHeader"), &requisition("OTHER", false)).await;
    let d = created(&world, &format!("{service}/A_PurchaseRequisitionHeader"), &requisition("K1", false)).await;
    let item = &d["to_PurchaseReqnItem"]["results"][0];
    assert_eq!((&item["PurchaseRequisitionItem"], &item["RequestedQuantity"]), (&json!("00010"), &json!("1.000")));
    assert_eq!(item["PurchaseRequisition"], d["PurchaseRequisition"]);
    let items = format!("{ROOT}{service}/A_PurchaseRequisitionItem");
    let (_, found) = world.get(&format!("{items}?$filter=PurReqnExternalReference%20eq%20'k1'")).await;
    assert_eq!(found["d"]["results"].as_array().unwrap().len(), 1);
    assert_eq!(found["d"]["results"][0]["PurchaseRequisition"], "10000002");
    let one = format!("{items}(PurchaseRequisition='10000002',PurchaseRequisitionItem='10')");
    assert_eq!(world.get(&one).await.1["d"]["Material"], "TG10");
    let books = world.sap.books_for("K1");
    assert_eq!(books.documents[0].children[0].fields["RequestedQuantity"], "1.000");
    created(&world, &format!("{service}/A_PurchaseRequisitionHeader"), &requisition("K1", false)).await;
    assert_eq!(world.sap.books().duplicates[0].reference, "K1");
}

#[tokio::test]
async fn a_requisition_can_be_checked_only() {
    let world = World::new().await;
    let path = "API_PURCHASEREQ_PROCESS_SRV/A_PurchaseRequisitionHeader";
    created(&world, path, &requisition("K1", true)).await;
    assert_eq!(world.sap.books().totals.documents, 0);
    let mut without_plant = requisition("K1", false);
    without_plant["to_PurchaseReqnItem"]["results"][0]["Plant"] = json!("");
    let refused = world.post(&format!("{ROOT}{path}"), &without_plant).await;
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("Plant"));
}

#[tokio::test]
async fn quality_notifications_are_created_only() {
    let world = World::new().await;
    let path = "ZAPI_QUAL_NOTIFICATION_SRV/DefectNotification";
    let body = json!({"NotifType": "Q3", "ShortText": "Circuit board", "CodeGroup": "QM", "Code": "1",
        "MaterialPlant": "1710", "Material": "TG10", "to_Items": [{"ItemText": "Bent pin"}]});
    let d = created(&world, path, &body).await;
    assert_eq!((&d["Notification"], &d["to_Items"]["results"][0]["Item"]), (&json!("10000001"), &json!("0001")));
    assert_eq!(world.get(&format!("{ROOT}{path}")).await.0, 501);
}

#[tokio::test]
async fn master_data_is_there_from_the_start() {
    let world = World::new().await;
    let key = "Equipment(Equipment='210100094',ValidityEndDate=datetime'9999-12-31T00%3A00%3A00')";
    let (status, read) = world.get(&format!("{ROOT}API_EQUIPMENT/{key}")).await;
    assert_eq!(status, 200, "{read}");
    assert_eq!(read["d"]["ValidityEndDate"], "/Date(253402214400000)/");
    let (_, found) = world.get(&format!("{ROOT}API_EQUIPMENT/Equipment?$filter=Equipment%20eq%20'210100094'")).await;
    let location = found["d"]["results"][0]["FunctionalLocation"].as_str().unwrap().to_owned();
    let (status, read) = world.get(&format!("{ROOT}API_FUNCTIONALLOCATION/FunctionalLocation('{location}')")).await;
    assert_eq!((status.as_u16(), &read["d"]["FunctionalLocation"]), (200, &json!(location)));
    assert_eq!(world.get(&format!("{ROOT}API_FUNCTIONALLOCATION/FunctionalLocation('9999')")).await.0, 404);
    let (_, all) = world.get(&format!("{ROOT}API_EQUIPMENT/Equipment?$inlinecount=allpages")).await;
    assert_eq!(all["d"]["__count"], "5");
    let refused = world.post(&format!("{ROOT}API_EQUIPMENT/Equipment"), &json!({})).await;
    assert_eq!(refused.status(), 405);
}

#[tokio::test]
async fn only_known_equipment_exists_where_it_is_told() {
    let known = Some(["4711".to_owned()].into());
    let world = World::with(SimulatorConfig { known_equipment: known, ..Default::default() }).await;
    let count = async |id: &str| {
        let (_, found) = world.get(&format!("{ROOT}API_EQUIPMENT/Equipment?$filter=Equipment%20eq%20'{id}'")).await;
        found["d"]["results"].as_array().unwrap().len()
    };
    assert_eq!((count("4711").await, count("4712").await), (1, 0));
}

#[tokio::test]
async fn every_service_describes_itself() {
    let world = World::new().await;
    for (service, told) in [
        ("sap/API_DEFECT_SRV", r#"<Property Name="DefectText" Type="Edm.String" MaxLength="40" Nullable="false"/>"#),
        ("sap/API_DEFECT_SRV", r#"<Property Name="DefectiveQuantity" Type="Edm.Decimal" Precision="13" Scale="3""#),
        ("sap/API_CV_ATTACHMENT_SRV", r#"m:HasStream="true""#),
        ("sap/API_CV_ATTACHMENT_SRV", r#"m:HttpMethod="GET""#),
        ("sap/API_EHS_REPORT_INCIDENT_SRV", r#"Type="Edm.Guid""#),
        ("sap/API_EHS_REPORT_INCIDENT_SRV", r#"Multiplicity="0..1""#),
        ("sap/API_PURCHASEREQ_PROCESS_SRV", r#"Name="PurReqnExternalReference" Type="Edm.String" MaxLength="35""#),
        ("sap/API_EQUIPMENT", r#"sap:creatable="false" sap:updatable="false""#),
        ("sap/API_FUNCTIONALLOCATION", "<PropertyPath>LastChangeDateTime</PropertyPath>"),
        ("sap/ZAPI_QUAL_NOTIFICATION_SRV", r#"sap:addressable="false""#),
    ] {
        let (status, text) = world.get(&format!("/sap/opu/odata/{service}/$metadata")).await;
        assert!(status == 200 && text.as_str().unwrap().contains(told), "{service}: {told}\n{text}");
    }
}
