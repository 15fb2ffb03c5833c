//! Destinations of the SAP BTP destination service.

use andon_act::Target;
use andon_connectors::{DestinationSpec, Destinations};
use andon_model::SystemClock;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::oauth::token;
use crate::stand::{Play, Stand, post, problem, s4, secrets, verdict};
use crate::ways::service_key;

/// The destination `S4` of a service.
async fn provided(service: &Stand) -> Destinations {
    let key = service_key(&service.address);
    let text = format!(
        "[provider]\nkind = \"btp-destination-service\"\nname = \"S4\"\nservice_key = {{ file = \"{0}\" }}\n\
         connectivity_key = {{ file = \"{0}\" }}\n",
        key.path().display()
    );
    // The key is read when it is needed; the file stays until the process ends.
    key.keep().expect("kept");
    let store = secrets().await;
    let destinations = Destinations::new(store.clone(), store, Arc::new(SystemClock));
    destinations.replace([DestinationSpec::parse(&s4(), &text).expect("valid")]);
    destinations
}

/// The answer to "find" for a destination with these properties and this token.
fn found(properties: &Value, bearer: Option<&str>) -> Play {
    let mut answer = json!({ "owner": { "SubaccountId": "a" }, "destinationConfiguration": properties });
    if let Some(bearer) = bearer {
        let header = json!({ "key": "Authorization", "value": format!("Bearer {bearer}") });
        let token = json!({ "type": "Bearer", "value": bearer, "http_header": header, "expires_in": "3600" });
        answer["authTokens"] = json!([token]);
    }
    Play::status(200).body(&answer.to_string())
}

fn client_credentials(url: &str) -> Value {
    json!({ "Name": "S4", "Type": "HTTP", "URL": url, "Authentication": "OAuth2ClientCredentials",
            "clientSecret": "client-secret-1", "sap-client": "100", "URL.queries.tenant": "7", "URL.headers.X-Plant": "1" })
}

const FIND: &str = "GET /destination-configuration/v1/destinations/S4";

#[tokio::test]
async fn a_destination_is_found_and_kept() {
    let stand = Stand::new([Play::status(201), Play::status(201)]).await;
    let url = format!("http://{}/gw", stand.address);
    let service = Stand::new([token("svc", 3_600), found(&client_credentials(&url), Some("dest-token-1"))]).await;
    let destinations = provided(&service).await;
    for _ in 0..2 {
        assert_eq!(verdict(&destinations.send(&s4(), &post()).await), "done");
    }
    assert_eq!(service.lines(), ["POST /oauth/token", FIND]);
    assert_eq!(service.seen(1).header("authorization"), "Bearer svc");
    let line = "POST /gw/odata/API_X/MaintenanceNotification?sap-client=100&tenant=7";
    assert_eq!(stand.lines(), [line, line]);
    let seen = stand.seen(0);
    assert_eq!((seen.header("authorization"), seen.header("x-plant")), ("Bearer dest-token-1", "1"));
}

#[tokio::test]
async fn refused_credentials_are_looked_up_again() {
    let echo = Play::status(401).body("dest-token-1");
    let stand = Stand::new([echo, Play::status(201)]).await;
    let properties = client_credentials(&format!("http://{}", stand.address));
    let find = |bearer| found(&properties, Some(bearer));
    let plays =
        [token("svc", 3_600), find("dest-token-1"), Play::status(401), token("svc-2", 3_600), find("dest-token-2")];
    let service = Stand::new(plays).await;
    let answer = provided(&service).await.send(&s4(), &post()).await;
    assert_eq!(verdict(&answer), "done", "{answer:?}");
    assert_eq!(service.lines(), ["POST /oauth/token", FIND, FIND, "POST /oauth/token", FIND]);
    assert_eq!(stand.seen(1).header("authorization"), "Bearer dest-token-2");
}

async fn check(plays: Vec<Play>, expect: &str, words: &str) {
    let service = Stand::new(plays).await;
    let answer = provided(&service).await.send(&s4(), &post()).await;
    assert_eq!(verdict(&answer), expect, "{answer:?}");
    let told = problem(&answer);
    assert!(told.contains(words), "{told}");
    assert!(!told.contains("secret-1"), "{told}");
}

#[tokio::test]
async fn what_the_service_cannot_give_is_told() {
    let svc = || token("svc", 3_600);
    let absent = Play::status(404).body(r#"{"ErrorMessage":"Configuration with the specified name was not found"}"#);
    check(vec![svc(), absent], "refused AND-4010 0", "HTTP 404 Configuration with the specified").await;
    check(vec![svc(), Play::status(503)], "busy AND-4007", "HTTP 503").await;
    check(vec![svc(), Play::status(200).body("<html>")], "busy AND-4007", "not JSON").await;
    check(vec![svc(), Play::status(200).body(&"x".repeat(600_000))], "busy AND-4002", "longer than").await;
    let elsewhere = found(&client_credentials("file:///etc/passwd"), Some("dest-token-1"));
    check(vec![svc(), elsewhere], "refused AND-4010 0", "its URL: use https").await;
    let open = found(&client_credentials("http://s4.example.com"), Some("dest-token-1"));
    check(vec![svc(), open], "refused AND-4010 0", "allow_http = true").await;
    check(vec![Play::status(401)], "refused AND-4009 0", "/oauth/token").await;
    let failed = |error: &str| {
        let answer = json!({ "destinationConfiguration": client_credentials("https://s4.example.com"),
                             "authTokens": [{ "type": "", "value": "", "error": error, "expires_in": "0" }] });
        Play::status(200).body(&answer.to_string())
    };
    check(vec![svc(), failed("ended with status code 401")], "refused AND-4009 0", "status code 401").await;
    check(vec![svc(), failed("client-secret-1 timed out")], "busy AND-4007", "[secret] timed out").await;
}

#[tokio::test]
async fn a_destination_on_premise_goes_through_its_connector() {
    let properties = json!({ "Type": "HTTP", "URL": "http://virtual:44300", "ProxyType": "OnPremise",
        "CloudConnectorLocationId": "F1", "Authentication": "BasicAuthentication", "User": "A", "Password": "b" });
    let plays = [token("svc", 3_600), found(&properties, None), token("con", 3_600), Play::status(201)];
    let service = Stand::new(plays).await;
    let answer = provided(&service).await.send(&s4(), &post()).await;
    assert_eq!(verdict(&answer), "done", "{answer:?}");
    let post = "POST http://virtual:44300/odata/API_X/MaintenanceNotification";
    assert_eq!(service.lines(), ["POST /oauth/token", FIND, "POST /oauth/token", post]);
    let seen = service.seen(3);
    assert_eq!(seen.header("proxy-authorization"), "Bearer con");
    assert_eq!(seen.header("sap-connectivity-scc-location_id"), "F1");
    assert_eq!(seen.header("authorization"), "Basic QTpi");
}

#[tokio::test]
async fn a_test_shows_every_stage() {
    let stand = Stand::new([Play::status(200)]).await;
    let properties = client_credentials(&format!("http://{}", stand.address));
    let service = Stand::new([token("svc", 3_600), found(&properties, Some("dest-token-1"))]).await;
    let lines = provided(&service).await.test(&s4()).await;
    let told: Vec<_> = lines.iter().map(|line| format!("{} {} {}", line.what, line.ok, line.detail)).collect();
    assert_eq!(told[0], "provider true S4 found, OAuth2ClientCredentials, Internet");
    assert_eq!(told[2..], ["connection true HTTP 200", "credentials true not refused"]);
    assert!(!told.concat().contains("dest-token"), "{told:?}");
    let service = Stand::new([Play::status(401)]).await;
    let lines = provided(&service).await.test(&s4()).await;
    assert_eq!(lines.len(), 1);
    assert!(!lines[0].ok && lines[0].detail.contains("AND-4009"), "{lines:?}");
}
