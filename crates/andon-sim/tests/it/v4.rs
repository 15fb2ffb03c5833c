//! OData V4: literals, envelopes, errors, entity tags.

use serde_json::{Value, json};

use crate::client::World;

const DEFECTS: &str = "/sap/opu/odata4/sap/api_defect/srvd_a2x/sap/defect/0001/";
const REQUISITIONS: &str = "/sap/opu/odata4/sap/api_purchaserequisition_2/srvd_a2x/sap/purchaserequisition/0001/";

fn requisition() -> Value {
    json!({
        "PurchaseRequisitionType": "NB", "PurReqnDescription": "Refill silo", "PurReqnDoOnlyValidation": false,
        "_PurchaseRequisitionItem": [{
            "PurchaseRequisitionItem": "10", "Material": "TG10", "RequestedQuantity": 1, "Plant": "1710",
            "PurchasingGroup": "001", "DeliveryDate": "2023-03-28", "PurReqnExternalReference": "K1",
        }],
    })
}

#[tokio::test]
async fn a_requisition_is_created_deep_and_found() {
    let world = World::new().await;
    let answer = world.post(&format!("{REQUISITIONS}PurchaseReqn"), &requisition()).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["odata-version"].to_str().unwrap()), (201, "4.0"));
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.ends_with("PurchaseReqn('10000001')"), "{location}");
    let body = answer.json::<Value>().await.unwrap();
    assert_eq!(body["@odata.context"], "$metadata#PurchaseReqn/$entity");
    let item = &body["_PurchaseRequisitionItem"][0];
    assert_eq!((&item["RequestedQuantity"], &item["DeliveryDate"]), (&json!(1), &json!("2023-03-28")));
    assert!(item["@odata.etag"].as_str().unwrap().starts_with("W/"));
    let filter = "$filter=PurReqnExternalReference%20eq%20'K1'%20and%20DeliveryDate%20ge%202023-03-01";
    let (_, found) = world.get(&format!("{REQUISITIONS}PurchaseReqnItem?{filter}&$count=true&$select=Plant")).await;
    assert_eq!((&found["@odata.count"], &found["value"][0]["Plant"]), (&json!(1), &json!("1710")));
    let expand = "$expand=_PurchaseRequisitionItem($select=Material,Plant)&$select=PurReqnDescription";
    let (_, one) = world.get(&format!("{REQUISITIONS}PurchaseReqn('10000001')?{expand}")).await;
    assert_eq!(
        (&one["_PurchaseRequisitionItem"][0]["Material"], one.get("PurchaseRequisitionType")),
        (&json!("TG10"), None)
    );
}

#[tokio::test]
async fn a_defect_is_changed_under_its_etag() {
    let world = World::new().await;
    let body = json!({"DefectCategory": "06", "DefectText": "Scratch", "QualityIssueReference": "K1"});
    let created = world.post(&format!("{DEFECTS}Defect"), &body).await.json::<Value>().await.unwrap();
    let etag = created["@odata.etag"].as_str().unwrap();
    let path = format!("{DEFECTS}Defect('%2400010000001')");
    for (if_match, status, code) in
        [(None, 428, "/IWBEP/CM_V4_APPS/017"), (Some(etag), 204, ""), (Some(etag), 412, "SADL_ENTITY_RUNTIME/003")]
    {
        let mut request = world.request("PATCH", &path).json(&json!({"DefectText": "Deep scratch"}));
        if let Some(value) = if_match {
            request = request.header("if-match", value);
        }
        let answer = request.send().await.unwrap();
        let (found, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert!(found == status && text.contains(code), "{if_match:?}: {found} {text}");
    }
    let (_, found) = world.get(&format!("{DEFECTS}Defect?$filter=contains(DefectText,'Deep')")).await;
    assert_eq!(found["value"][0]["QualityIssueReference"], "K1");
    assert_eq!(world.sap.books_for("K1").documents.len(), 1);
}

#[tokio::test]
async fn errors_have_the_shape_of_v4() {
    let world = World::new().await;
    for (body, status, told) in [
        (json!({"DefectText": "x"}), 400, "DefectCategory"),
        (json!({"DefectText": "x", "DefectCategory": "06", "Nonsense": 1}), 400, "Nonsense"),
        (json!({"DefectText": "x", "DefectCategory": "06", "DefectiveQuantity": "1"}), 400, "is not a number"),
        (json!({"DefectText": null, "DefectCategory": "06"}), 400, "cannot be null"),
    ] {
        let answer = world.post(&format!("{DEFECTS}Defect"), &body).await;
        assert_eq!(answer.status(), status, "{body}");
        let error = answer.json::<Value>().await.unwrap()["error"].take();
        assert!(error["message"].as_str().unwrap().contains(told), "{error}");
        assert_eq!(error["details"][0]["@SAP__common.numericSeverity"], 4);
    }
    assert_eq!(world.get(&format!("{DEFECTS}Defect?$filter=substringof('a',DefectText)")).await.0, 400);
    assert_eq!(world.get("/sap/opu/odata4/sap/nothing/0001/").await.0, 404);
}

#[tokio::test]
async fn the_metadata_says_what_may_be_written() {
    let world = World::new().await;
    let (_, text) = world.get(&format!("{DEFECTS}$metadata")).await;
    for told in [
        r#"<Property Name="DefectText" Type="Edm.String" MaxLength="40" Nullable="false"/>"#,
        r#"<Annotations Target="SAP__self.DefectType/CreatedByUser"><Annotation Term="SAP__core.Computed"/>"#,
        r#"<Annotations Target="SAP__self.DefectType/DefectCategory"><Annotation Term="SAP__core.Immutable"/>"#,
        "<PropertyPath>DefectText</PropertyPath>",
        "SAP__core.OptimisticConcurrency",
    ] {
        assert!(text.as_str().unwrap().contains(told), "{told}");
    }
    let (_, document) = world.get(REQUISITIONS).await;
    assert_eq!(document["value"][1]["name"], "PurchaseReqnItem");
}
