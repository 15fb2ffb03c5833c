//! What stands around S/4HANA: tokens, destinations, rules, devices, the language model.

use std::collections::BTreeMap;
use std::time::Duration;

use andon_sim::{FaultProfile, RuleRow, RuleService, SimulatorConfig};
use reqwest::Client;
use serde_json::{Value, json};

use crate::client::{World, http};

const RULES: &str = "a4c1e5f0d2b34c7e9f10213243546576";

async fn token(world: &World, form: &str) -> (u16, Value) {
    let request = http().post(format!("{}/oauth/token", world.sap.base_url())).body(form.to_owned());
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

const CLIENT: &str = "grant_type=client_credentials&client_id=sb-andon&client_secret=simulated";

async fn status_with(world: &World, token: &str, path: &str) -> u16 {
    let request = http().get(format!("{}{path}", world.sap.base_url())).bearer_auth(token);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn tokens_are_handed_out_and_expire() {
    let world = World::new().await;
    let (status, answer) = token(&world, CLIENT).await;
    assert_eq!((status, &answer["token_type"], &answer["expires_in"]), (200, &json!("bearer"), &json!(43_199)));
    let bearer = answer["access_token"].as_str().unwrap();
    let path = "/sap/opu/odata/sap/API_DEFECT_SRV/";
    assert_eq!(status_with(&world, bearer, path).await, 200);
    world.sap.expire_access_tokens();
    assert_eq!(status_with(&world, bearer, path).await, 401);
    let user = "grant_type=password&username=ANDON&password=simulated&client_id=sb-andon&client_secret=simulated";
    for (form, status, error) in [
        (user, 200, Value::Null),
        (&user.replace("ANDON", "OTHER"), 401, json!("invalid_grant")),
        (&CLIENT.replace("simulated", "x"), 401, json!("invalid_client")),
        (&CLIENT.replace("client_credentials", "x"), 400, json!("unsupported_grant_type")),
    ] {
        let (found, answer) = token(&world, form).await;
        assert_eq!((found, &answer["error"]), (status, &error), "{form}");
    }
    world.sap.set_faults(1, "token_denied=1".parse().unwrap());
    assert_eq!(token(&world, CLIENT).await.0, 401);
}

#[tokio::test]
async fn a_token_lives_as_long_as_it_is_told() {
    let world = World::with(SimulatorConfig { token_lifetime: Duration::ZERO, ..Default::default() }).await;
    let (_, answer) = token(&world, CLIENT).await;
    let bearer = answer["access_token"].as_str().unwrap();
    assert_eq!(status_with(&world, bearer, "/sap/opu/odata/sap/API_DEFECT_SRV/").await, 401);
}

#[tokio::test]
async fn destinations_are_found_with_their_tokens() {
    let world = World::new().await;
    let find = async |path: &str| world.get(&format!("/destination-configuration/{path}")).await;
    let (_, basic) = find("v1/destinations/SIM_S4").await;
    assert_eq!(basic["authTokens"][0]["http_header"]["value"], "Basic QU5ET046c2ltdWxhdGVk");
    assert!(basic["destinationConfiguration"]["URL"].as_str().unwrap().starts_with(&world.sap.base_url()));
    let (_, oauth) = find("v2/destinations/SIM_RULES@subaccount").await;
    let value = oauth["authTokens"][0]["value"].as_str().unwrap();
    assert_eq!(oauth["authTokens"][0]["expires_in"], "43199");
    assert_eq!(status_with(&world, value, "/destination-configuration/v1/destinations/SIM_S4").await, 200);
    let (status, broken) = find("v1/destinations/SIM_BROKEN").await;
    assert_eq!((status.as_u16(), &broken["authTokens"][0]["type"]), (200, &json!("")));
    assert!(broken["authTokens"][0]["error"].as_str().unwrap().contains("401"));
    let (_, key) = find("v1/destinations/SIM_APIKEY").await;
    assert_eq!(key["destinationConfiguration"]["URL.headers.APIKey"], "simulated");
    assert_eq!(key.get("authTokens"), None);
    let (_, bare) = find("v1/destinations/SIM_S4?$skipTokenRetrieval=true").await;
    assert_eq!(bare.get("authTokens"), None);
    for missing in ["v1/destinations/NONE", "v2/destinations/SIM_S4@instance", "v2/destinations/SIM_S4"] {
        assert_eq!(find(missing).await.0, 404, "{missing}");
    }
    assert_eq!(find("v1/subaccountDestinations").await.1.as_array().unwrap().len(), 5);
    world.sap.set_faults(1, "auth_token_error=1".parse().unwrap());
    let (status, failed) = find("v1/destinations/SIM_S4").await;
    assert!(status == 200 && failed["authTokens"][0]["error"].is_string());
}

#[tokio::test]
async fn destinations_can_be_added() {
    let world = World::new().await;
    let properties = json!({"Type": "HTTP", "URL": "{base}/x", "Authentication": "OAuth2Password", "User": "{user}",
        "Password": "{password}", "clientId": "{client}", "clientSecret": "{password}"});
    let put = world.request("PUT", "/sim/destinations/MINE").json(&properties).send().await.unwrap();
    assert_eq!(put.status(), 204);
    let (_, mine) = world.get("/destination-configuration/v1/destinations/MINE").await;
    assert_eq!(mine["authTokens"][0]["type"], "Bearer");
}

fn ask(source: &str, location: &str, device: &str) -> Value {
    let facts = json!({"SourceSystem": source, "DeviceLocation": location, "DeviceType": device});
    json!({"RuleServiceId": RULES, "Vocabulary": [{"EventInfo": facts}]})
}

#[tokio::test]
async fn rules_decide_or_find_nothing() {
    let world = World::new().await;
    let call = async |path: &str, body: &Value| {
        let answer = world.post(path, body).await;
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (v2, v1) = ("/public/rule/runtime/rest/v2/rule-services", "/v1/rule-services");
    let found = json!({"Result": [{"ActionInfo": {"ActionId": "refill-silo"}}]});
    assert_eq!(call(v2, &ask("AZURE", "Plant A", "Silo")).await, (200, found));
    assert_eq!(call(v2, &ask("AZURE", "Plant B", "Silo")).await, (200, json!({"Result": []})));
    let vocabulary =
        json!([{"__type__": "EventInfo", "SourceSystem": "AWS-PPE", "DeviceLocation": "L001", "DeviceType": "Camera"}]);
    let typed = json!({"RuleServiceId": RULES, "Vocabulary": vocabulary});
    let (_, one) = call(v1, &typed).await;
    assert_eq!(one["Result"][0], json!({"__type__": "ActionInfo", "ActionId": "report-incident"}));
    assert_eq!(call(v2, &json!({"RuleServiceId": "x", "Vocabulary": []})).await.0, 404);
    assert_eq!(call(v2, &json!({})).await.0, 400);
    assert_eq!(world.sap.books().rule_calls.len(), 3);
    world.sap.set_faults(1, "empty_result=1".parse().unwrap());
    assert_eq!(call(v2, &ask("AZURE", "Plant A", "Silo")).await.1, json!({"Result": []}));
}

#[tokio::test]
async fn rules_can_be_replaced() {
    let world = World::new().await;
    let row = |id: &str| RuleRow { when: BTreeMap::default(), then: json!({"Recipient": {"UserId": id}}) };
    world.sap.set_rules(vec![RuleService { id: "R".to_owned(), all_matches: true, rows: vec![row("P1"), row("P2")] }]);
    let body = json!({"RuleServiceId": "R", "Vocabulary": []});
    let answer = world.post("/v2/rule-services", &body).await.json::<Value>().await.unwrap();
    assert_eq!(answer["Result"].as_array().unwrap().len(), 2);
    let (_, rules) = world.get("/sim/rules").await;
    let put = world.request("PUT", "/sim/rules").json(&rules).send().await.unwrap();
    assert_eq!(put.status(), 204);
}

#[tokio::test]
async fn device_properties_are_merged_and_noted() {
    let world = World::new().await;
    let path = "/api/devices/silo-1/properties?api-version=2022-07-31";
    for (body, expect) in [
        (json!({"requisition": "10000001", "level": 3}), json!({"requisition": "10000001", "level": 3})),
        (json!({"level": null}), json!({"requisition": "10000001"})),
    ] {
        let answer = world.request("PATCH", path).json(&body).send().await.unwrap();
        assert_eq!(answer.json::<Value>().await.unwrap(), expect);
    }
    assert_eq!(world.get(path).await.1, json!({"requisition": "10000001"}));
    assert_eq!(world.get("/api/devices/silo-1/properties").await.0, 400, "no version");
    let patches = world.sap.books().device_patches;
    assert_eq!((patches.len(), patches[0].device.as_str()), (2, "silo-1"));
    assert_eq!(world.sap.books_containing("10000001").device_patches.len(), 1);
}

const INVOKE: &str = "/v2/inference/deployments/d1/invoke";

async fn model(world: &World, path: &str, body: &Value) -> (u16, String) {
    let request = world.request("POST", path).header("ai-resource-group", "default").json(body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn question() -> Value {
    json!({"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Pump 7  is hot"}]})
}

#[tokio::test]
async fn the_model_answers_in_three_shapes() {
    let world = World::new().await;
    let parts = json!({"messages": [{"role": "user", "content": [{"text": "Pump 7 is hot"}]}]});
    for (path, body, pointer) in [
        ("/v1/chat/completions", question(), "/choices/0/message/content"),
        (INVOKE, question(), "/content/0/text"),
        ("/model/m/converse", parts, "/output/message/content/0/text"),
    ] {
        let (status, text) = model(&world, path, &body).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (status, answer.pointer(pointer)),
            (200, Some(&json!("Simulated summary: Pump 7 is hot"))),
            "{path}"
        );
    }
    let calls = world.sap.books().llm_calls;
    assert_eq!(calls.iter().map(|call| call.shape.as_str()).collect::<Vec<_>>(), ["chat", "anthropic", "converse"]);
    let without_group = world.post(INVOKE, &question()).await;
    assert_eq!(without_group.status(), 400);
}

#[tokio::test]
async fn the_model_can_be_hostile() {
    let world = World::new().await;
    for (fault, status, told) in [
        ("llm_broken_json", 200, "msg_sim"),
        ("llm_huge", 200, "many words many words"),
        ("llm_injection", 200, "Ignore all previous instructions"),
        ("llm_refusal", 200, r#""stop_reason":"refusal""#),
        ("llm_rate_limited", 429, "rate_limit_error"),
    ] {
        world.sap.set_faults(1, format!("{fault}=1").parse().unwrap());
        let (found, text) = model(&world, INVOKE, &question()).await;
        assert!(found == status && text.contains(told), "{fault}: {found} {}", &text[..text.len().min(300)]);
        assert_eq!(serde_json::from_str::<Value>(&text).is_err(), fault == "llm_broken_json", "{fault}");
        assert_eq!(text.len() > 10_000_000, fault == "llm_huge", "{fault}");
        assert_eq!(world.sap.books().llm_calls.last().unwrap().fault.as_deref(), Some(fault));
    }
    world.sap.set_faults(1, "llm_silent=1:60s".parse().unwrap());
    let hasty = Client::builder().no_proxy().timeout(Duration::from_millis(100)).build().unwrap();
    let url = format!("{}{INVOKE}", world.sap.base_url());
    let error = hasty.post(url).headers(world.headers.clone()).json(&question()).send().await.unwrap_err();
    assert!(error.is_timeout());
    world.sap.set_faults(1, FaultProfile::none());
}
