//! Destinations of the SAP BTP destination service.

use crate::common::PASSWORD;
use crate::gate::{Gate, Verdict};
use crate::plant::{BASIC, Plant};

/// Name of the destination in SAP BTP.
const NAME: &str = "ACTION_MODELER_S4";

/// A service key whose services are all at one address.
pub(crate) fn service_key(address: &str) -> String {
    let (host, port) = address.split_once(':').unwrap();
    serde_json::json!({
        "clientid": "sb-andon", "clientsecret": PASSWORD,
        "url": format!("http://{address}"), "uri": format!("http://{address}"),
        "onpremise_proxy_host": host, "onpremise_proxy_http_port": port,
    })
    .to_string()
}

/// Puts the destination into the destination service.
pub(crate) fn define(plant: &Plant, properties: &[(&str, &str)]) {
    let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    plant.sap.simulator.set_destination(NAME, properties.collect());
}

/// The section that asks the destination service of the simulator.
pub(crate) fn section(plant: &Plant) -> String {
    plant.store("destination-key", &service_key(&plant.sap_address()));
    format!(
        "[provider]\nkind = \"btp-destination-service\"\nname = \"{NAME}\"\nservice_key = {{ secret = \"destination-key\" }}\n"
    )
}

const CLIENT: [(&str, &str); 4] = [
    ("Authentication", "OAuth2ClientCredentials"),
    ("clientId", "{client}"),
    ("clientSecret", "{password}"),
    ("tokenServiceURL", "{base}/oauth/token"),
];

fn common(url: &str) -> Vec<(&str, &str)> {
    vec![("Type", "HTTP"), ("ProxyType", "Internet"), ("URL", url)]
}

#[test]
fn a_token_of_the_destination_service_makes_documents() {
    let plant = Plant::new();
    define(&plant, &[common("{base}"), CLIENT.to_vec()].concat());
    plant.prove("", &section(&plant));
    assert_eq!((plant.asked("destinations"), plant.asked("unauthenticated")), (1, 0));
    let told = plant.test();
    let found = format!("provider ok {NAME} found, OAuth2ClientCredentials, Internet");
    assert!(told.contains(&found), "{told:?}");
}

#[test]
fn headers_and_queries_of_the_destination_go_with_every_request() {
    let plant = Plant::new();
    let gate = Gate::open(&plant.sap_address(), |request| {
        if request.header("apikey") != "sandbox-key-1" {
            return Verdict::Answer(401, "", String::new());
        }
        request.set("authorization", BASIC);
        Verdict::Pass
    });
    let url = format!("http://{}", gate.address);
    let own = [
        ("Authentication", "NoAuthentication"),
        ("URL.headers.APIKey", "sandbox-key-1"),
        ("URL.headers.x-plant", "1010"),
        ("URL.queries.tenant", "a b"),
        ("sap-client", "100"),
    ];
    define(&plant, &[common(&url), own.to_vec()].concat());
    plant.prove("", &section(&plant));
    for request in gate.seen() {
        assert_eq!(request.header("x-plant"), "1010", "{request:?}");
        assert!(request.target.contains("tenant=a%20b") && request.target.contains("sap-client=100"), "{request:?}");
    }
}

#[test]
fn a_user_of_the_destination_makes_documents() {
    let plant = Plant::new();
    let basic = [("Authentication", "BasicAuthentication"), ("User", "{user}"), ("Password", "{password}")];
    define(&plant, &[common("{base}"), basic.to_vec()].concat());
    plant.prove("", &section(&plant));
    let password = [CLIENT.as_slice(), &[("Authentication", "OAuth2Password"), basic[1], basic[2]]].concat();
    define(&plant, &[common("{base}"), password].concat());
    plant.apply("description = \"by a user's token\"", &section(&plant));
    plant.send(3..5);
    plant.check(5);
}

#[test]
fn an_error_within_a_success_stops_the_run_until_the_destination_is_mended() {
    let plant = Plant::new();
    let mut wrong = [common("{base}"), CLIENT.to_vec()].concat();
    wrong.retain(|(name, _)| *name != "clientSecret");
    define(&plant, &[wrong, vec![("clientSecret", "not-the-secret-1")]].concat());
    plant.apply("", &section(&plant));
    plant.send(0..2);
    let refused = plant.wait("refused", 2);
    let shown = plant.server.json(&["runs", "show", refused[0]["id"].as_str().unwrap()]).to_string();
    assert!(shown.contains("AND-4009") && shown.contains("ended with status code 401"), "{shown}");
    let told = plant.test();
    assert!(told[0].starts_with("provider no AND-4009"), "{told:?}");
    assert_eq!(plant.sap.simulator.books().totals.documents, 0);
    define(&plant, &[common("{base}"), CLIENT.to_vec()].concat());
    for run in &refused {
        plant.server.json(&["runs", "retry", run["id"].as_str().unwrap()]);
    }
    plant.check(2);
}

#[test]
fn an_error_within_a_success_that_passes_is_waited_for() {
    let plant = Plant::new();
    define(&plant, &[common("{base}"), CLIENT.to_vec()].concat());
    plant.sap.simulator.set_faults(7, "auth_token_error=1".parse().unwrap());
    plant.apply("", &section(&plant));
    plant.send(0..3);
    crate::common::wait_for("the destination service to be asked again", || {
        (plant.asked("destinations") > 2).then_some(())
    });
    assert!(plant.wait("refused", 0).is_empty());
    plant.sap.simulator.set_faults(7, "slow=0".parse().unwrap());
    plant.check(3);
}
