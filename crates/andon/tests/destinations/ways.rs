//! Documents through every way of proving who one is, and through every way there.

use crate::gate::{Gate, Passing, Verdict, tls_file};
use crate::plant::{BASIC, Plant, client_credentials};

const KEY: &str = "hub-key-0815-4711";

/// Lets pass who was admitted, with the credentials of the simulator in place of its own.
fn admit(request: &mut Passing, admitted: bool) -> Verdict {
    if !admitted {
        return Verdict::Answer(401, "", "who are you?".into());
    }
    request.set("authorization", BASIC);
    Verdict::Pass
}

fn at(address: &str) -> String {
    format!("url = \"http://{address}\"")
}

#[test]
fn client_credentials_make_documents() {
    let plant = Plant::new();
    let address = plant.sap_address();
    plant.prove(&at(&address), &client_credentials(&address));
    assert_eq!(plant.asked("tokens"), 1, "one token serves all");
    assert_eq!(plant.asked("unauthenticated"), 0);
    assert!(plant.test().iter().any(|line| line.starts_with("token ok received, good for")), "{:?}", plant.test());
}

#[test]
fn a_user_and_password_at_the_token_service_make_documents() {
    let plant = Plant::new();
    let address = plant.sap_address();
    let auth = client_credentials(&address).replace("client-credentials", "password");
    plant.prove(&at(&address), &format!("{auth}user = \"ANDON\"\npassword = {{ secret = \"sap-password\" }}\n"));
    assert_eq!((plant.asked("tokens"), plant.asked("unauthenticated")), (1, 0));
}

#[test]
fn a_key_in_a_header_makes_documents() {
    let plant = Plant::new();
    let gate = Gate::open(&plant.sap_address(), |request| {
        let known = request.header("x-functions-key") == KEY;
        admit(request, known)
    });
    plant.store("hub-key", KEY);
    let auth = |header: &str| {
        format!("[auth]\nkind = \"api-key\"\nheader = \"{header}\"\nvalue = {{ secret = \"hub-key\" }}\n")
    };
    plant.apply(&at(&gate.address), &auth("apikey"));
    let told = plant.test();
    assert!(
        told.contains(
            &"credentials no not accepted: check the key, and whether it belongs into the header apikey".into()
        ),
        "{told:?}"
    );
    plant.prove(&at(&gate.address), &auth("x-functions-key"));
}

#[test]
fn a_key_in_the_query_makes_documents() {
    let plant = Plant::new();
    let gate = Gate::open(&plant.sap_address(), |request| {
        let mark = format!("subscription-key={KEY}");
        let known = request.target.contains(&mark);
        request.target = request.target.replace(&format!("&{mark}"), "").replace(&format!("?{mark}"), "");
        admit(request, known)
    });
    plant.store("hub-key", KEY);
    let auth = "[auth]\nkind = \"api-key\"\nquery = \"subscription-key\"\nvalue = { secret = \"hub-key\" }\n";
    plant.prove(&at(&gate.address), auth);
}

/// A proxy that wants a user, and leads to `to` by CONNECT.
fn connect_proxy(to: String) -> Gate {
    Gate::open("", move |request| {
        if request.method != "CONNECT" || !request.header("proxy-authorization").starts_with("Basic ") {
            return Verdict::Answer(407, "proxy-authenticate: Basic\r\n", String::new());
        }
        Verdict::Tunnel(to.clone())
    })
}

#[test]
fn a_client_certificate_makes_documents_through_a_proxy_that_sees_nothing() {
    let plant = Plant::new();
    let gate = Gate::for_certificates(&plant.sap_address(), |request| admit(request, true));
    let proxy = connect_proxy(gate.address.clone());
    let port = gate.address.rsplit(':').next().unwrap();
    let lines = format!("url = \"https://localhost:{port}\"\nca_file = \"{}\"", tls_file("ca.pem"));
    let (certificate, key) = (tls_file("client.pem"), tls_file("client.key"));
    let auth = format!(
        "[auth]\nkind = \"client-certificate\"\ncertificate = {{ file = \"{certificate}\" }}\nkey = {{ file = \"{key}\" }}\n"
    );
    let way = format!("[proxy]\nurl = \"http://{}\"\n", proxy.address);
    plant.apply(&lines, &format!("{auth}{way}"));
    let told = plant.test();
    assert!(told.iter().any(|line| line.starts_with("connection no") && line.contains("proxy")), "{told:?}");
    plant.store("proxy-password", "proxy-secret-7");
    let user = "user = \"andon\"\npassword = { secret = \"proxy-password\" }\n";
    plant.prove(&lines, &format!("{auth}{way}{user}"));
    assert!(gate.seen().iter().all(|request| request.header("proxy-authorization").is_empty()));
    assert!(proxy.seen().iter().all(|request| request.method == "CONNECT"));
}

#[test]
fn a_proxy_makes_documents_and_its_credentials_stay_with_it() {
    let plant = Plant::new();
    let proxy = Gate::open(&plant.sap_address(), |request| {
        let known = request.header("proxy-authorization") == "Basic YW5kb246cHJveHktc2VjcmV0LTc=";
        request.target = request.target.replacen("http://s4.example.com", "", 1);
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("proxy-authorization"));
        if known { Verdict::Pass } else { Verdict::Answer(407, "", String::new()) }
    });
    plant.store("proxy-password", "proxy-secret-7");
    let sections = format!(
        "{}\n[proxy]\nurl = \"http://{}\"\nuser = \"andon\"\npassword = {{ secret = \"proxy-password\" }}\n",
        client_credentials("s4.example.com"),
        proxy.address
    );
    plant.prove("url = \"http://s4.example.com\"\nallow_http = true", &sections);
    assert_eq!(proxy.seen_at("POST", "/oauth/token").len(), 1, "the token service is behind the proxy as well");
}

/// The proxy to the Cloud Connectors: it wants a token of the connectivity service, and knows one virtual host.
fn connectivity_proxy(plant: &Plant) -> Gate {
    Gate::open(&plant.sap_address(), |request| {
        if request.target.starts_with("/oauth/token") {
            return Verdict::Pass;
        }
        let known = request.header("proxy-authorization").starts_with("Bearer eyJhbGciOiJub25lIn0.");
        let there = request.header("sap-connectivity-scc-location_id") == "FACTORY1";
        request.target = request.target.replacen("http://virtual-s4:44300", "", 1);
        if !there || !request.target.starts_with('/') {
            return Verdict::Answer(503, "", "there is no SAP Cloud Connector for this location".into());
        }
        if known { Verdict::Pass } else { Verdict::Answer(407, "", String::new()) }
    })
}

#[test]
fn a_cloud_connector_makes_documents() {
    let plant = Plant::new();
    let proxy = connectivity_proxy(&plant);
    plant.store("connectivity-key", &crate::provided::service_key(&proxy.address));
    let sections = "[auth]\nkind = \"basic\"\nuser = \"ANDON\"\npassword = { secret = \"sap-password\" }\n\
                    [on_premise]\nservice_key = { secret = \"connectivity-key\" }\nlocation_id = \"FACTORY1\"\n";
    plant.prove("url = \"http://virtual-s4:44300\"", sections);
    let posts = proxy.seen_at("POST", "/MaintenanceNotification");
    assert_eq!(posts.len(), 3);
    assert!(posts.iter().all(|request| request.header("authorization") == BASIC));
    assert_eq!(plant.asked("tokens"), 1);
}

#[test]
fn a_destination_of_the_destination_service_leads_through_a_cloud_connector() {
    let plant = Plant::new();
    let proxy = connectivity_proxy(&plant);
    let own = [
        ("Type", "HTTP"),
        ("URL", "http://virtual-s4:44300"),
        ("ProxyType", "OnPremise"),
        ("CloudConnectorLocationId", "FACTORY1"),
        ("Authentication", "BasicAuthentication"),
        ("User", "{user}"),
        ("Password", "{password}"),
    ];
    crate::provided::define(&plant, &own);
    plant.store("connectivity-key", &crate::provided::service_key(&proxy.address));
    let sections = crate::provided::section(&plant);
    plant.prove("", &format!("{sections}connectivity_key = {{ secret = \"connectivity-key\" }}\n"));
}
