use super::*;
use crate::credential::Given;

fn parse(text: &str) -> Result<DestinationSpec, Problem> {
    DestinationSpec::parse(&Name::new("s4").expect("name"), text)
}

/// The place (without the file) and the start of the detail.
fn check(text: &str, place: &str, detail: &str) {
    let problem = parse(text).expect_err(text);
    assert_eq!(
        problem.place.as_deref(),
        Some(format!("destinations/s4.toml{place}").as_str()),
        "for {text}: {problem}"
    );
    assert!(problem.detail.starts_with(detail), "for {text}: {}", problem.detail);
}

#[test]
fn a_full_document_is_read() {
    let spec = parse(
        r#"
        description = "maintenance"
        url = "https://s4.example.com/gateway/"
        query = { tenant = "1" }
        headers = { "X-Channel" = "andon" }
        connect_timeout = "2s"
        max_concurrency = 4
        [auth]
        kind = "api-key"
        header = "APIKey"
        value = { env = "HUB_KEY" }
        [circuit]
        failures = 3
        open_for = "1m"
        [odata]
        sap_client = "100"
        csrf_service_document = "/sap/opu/odata/sap/API_X/"
        repeatable = true
        "#,
    )
    .expect("valid");
    assert_eq!(spec.address, Address::Fixed("https://s4.example.com/gateway".parse().expect("url")));
    assert_eq!(spec.headers[0].0.as_str(), "x-channel");
    assert_eq!(spec.odata.query, [("sap-client".to_owned(), "100".to_owned())]);
    let limits = DestinationLimits { max_concurrency: 4, open_after: 3, open_for: Duration::from_mins(1) };
    assert_eq!(spec.limits, limits);
    assert!(matches!(spec.auth, Auth::ApiKey { ref header, .. } if header == "apikey"));
}

#[test]
fn plain_http_is_for_this_machine_or_by_choice() {
    for url in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:80"] {
        assert!(parse(&format!("url = \"{url}\"")).is_ok(), "{url} must be accepted");
    }
    assert!(parse("url = \"http://s4\"\nallow_http = true").is_ok());
    check("url = \"http://s4\"", " line 1 column 7", "use https, or say allow_http = true");
}

#[test]
fn faults_name_key_and_place() {
    let url = "url = \"https://s4\"\n";
    check("url = \"s4\"", " line 1 column 7", "use an address such as");
    check("url = \"ftp://s4\"", " line 1 column 7", "use https");
    check("url = \"https://a:b@s4\"", " line 1 column 7", "credentials belong into [auth]");
    check("url = \"https://s4?sap-client=1\"", " line 1 column 7", "query parameters belong into");
    check(&format!("{url}headers = {{ Authorization = \"x\" }}"), " line 2 column 29", "Authorization carries");
    check(&format!("{url}headers = {{ Content-Length = \"1\" }}"), " line 2 column 30", "Content-Length is set by");
    check(&format!("{url}ca_file = \"ca.pem\""), " line 2 column 11", "use the full path");
    check(&format!("{url}ca_pem = \"x\""), " line 2 column 10", "a PEM text begins with");
    check(&format!("{url}timeout = \"1d\""), " line 2 column 11", "use a time from");
    check(&format!("{url}max_concurrency = 0"), " line 2 column 19", "use a number from 1 to 1000");
    check(&format!("{url}[auth]\nkind = \"oauth\""), " line 3 column 8", "\"oauth\" is not known; use none, basic");
    check(&format!("{url}[auth]\nkind = \"basic\"\nuser = \"A\""), " line 3 column 8", "basic needs user and");
    check(&format!("{url}[auth]\nkind = \"none\"\nuser = \"A\""), " line 4 column 8", "this key does not belong");
    let password = "kind = \"basic\"\nuser = \"A\"\npassword = \"open\"";
    check(&format!("{url}[auth]\n{password}"), " line 5 column 12", "a secret never stands in a file");
    let two = "password = { env = \"A\", file = \"/b\" }";
    check(&format!("{url}[auth]\nkind = \"basic\"\n{two}"), " line 4 column 12", "say where the secret is");
    check(&format!("{url}[odata]\ncsrf_service_document = \"x\""), " line 3 column 25", "a path begins with /");
    check(&format!("{url}retries = 3"), " line 2 column 1", "unknown field `retries`");
}

/// The section `[auth]` with these lines, and what is said about it.
fn check_auth(lines: &str, place: &str, detail: &str) {
    check(&format!("url = \"https://s4\"\n[auth]\n{lines}"), place, detail);
}

const OAUTH: &str = "kind = \"oauth2-client-credentials\"\ntoken_url = \"https://t/oauth/token\"\nclient_id = \"c\"\n";

#[test]
fn every_authentication_is_read() {
    let read = |lines: &str| parse(&format!("url = \"https://s4\"\n[auth]\n{lines}")).expect(lines).auth;
    let Auth::Basic { user, .. } = read("kind = \"basic\"\nuser = { env = \"U\" }\npassword = { env = \"P\" }") else {
        panic!("basic")
    };
    assert!(matches!(user, Given::Secret(_)));
    let query = "kind = \"api-key\"\nquery = \"key\"\nvalue = { aws_secret = \"hub\", key = \"APIKey\" }";
    assert!(matches!(read(query), Auth::QueryKey { ref parameter, .. } if parameter == "key"));
    let pair = "certificate = { file = \"/c.pem\" }\nkey = { secret = \"k\" }";
    assert!(matches!(read(&format!("kind = \"client-certificate\"\n{pair}")), Auth::Certificate(_)));
    assert!(matches!(read(&format!("{OAUTH}{pair}")), Auth::Oauth(spec)
        if matches!(spec.proof, ClientProof::Certificate(_))));
    let more =
        "client_secret = { env = \"S\" }\nclient_auth = \"basic\"\nscope = \"a b\"\nparameters = { resource = \"r\" }";
    let Auth::Oauth(spec) = read(&format!("{OAUTH}{more}")) else { panic!("oauth") };
    assert!(matches!(spec.proof, ClientProof::Basic(_)));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(spec.parameters, [pair("scope", "a b"), pair("resource", "r")]);
    let grant = OAUTH.replace("client-credentials", "password");
    let user = "client_secret = { env = \"S\" }\nuser = \"u\"\npassword = { env = \"P\" }";
    assert!(matches!(read(&format!("{grant}{user}")), Auth::Oauth(spec) if spec.user.is_some()));
}

#[test]
fn faults_of_authentications_name_the_key() {
    check_auth("kind = \"api-key\"\nheader = \"k\"", " line 3 column 8", "api-key needs value");
    check_auth("kind = \"client-certificate\"", " line 3 column 8", "a certificate needs certificate and key");
    check_auth("kind = \"basic\"\nscope = \"x\"", " line 4 column 9", "this key does not belong to basic");
    check_auth("kind = \"basic\"\nuser = 3", " line 4 column 8", "use a text, or say where it is");
    check_auth("kind = \"oauth2-client-credentials\"", " line 3 column 8", "OAuth needs token_url and client_id");
    check_auth(&OAUTH.replace("https", "http"), " line 4 column 13", "use https, or say allow_http");
    let query = OAUTH.replace("/oauth/token", "/oauth/token?grant_type=client_credentials");
    check_auth(&query, " line 4 column 13", "leave the query out");
    check_auth(OAUTH, " line 3 column 8", "OAuth needs client_secret, or certificate with key");
    let secret = format!("{OAUTH}client_secret = {{ env = \"S\" }}\n");
    check_auth(&format!("{secret}client_auth = \"jwt\""), " line 7 column 15", "use body (default) or basic");
    check_auth(&format!("{secret}parameters = {{ scope = \"x\" }}"), " line 7 column 14", "scope has a key of its own");
    check_auth(&format!("{secret}token_ca_file = \"ca.pem\""), " line 7 column 17", "use the full path");
    check_auth(&secret.replace("client-credentials", "password"), " line 3 column 8", "oauth2-password needs user");
}

#[test]
fn the_way_is_checked() {
    let key = "service_key = { secret = \"k\" }\n";
    let provider = format!("[provider]\nkind = \"btp-destination-service\"\nname = \"S4\"\n{key}");
    let spec = parse(&provider).expect("provider");
    assert!(matches!(spec.address, Address::Provided(ref provider) if provider.name == "S4"));
    let premise = format!("url = \"http://virtual:44300\"\n[on_premise]\n{key}location_id = \"F1\"");
    assert!(parse(&premise).expect("on premise").on_premise.is_some());
    check(&premise.replace("http:", "https:"), " line 1 column 7", "a virtual host of the Cloud Connector");
    check(&format!("url = \"https://s4\"\n{provider}"), " line 1 column 7", "the provider says the address");
    check(&format!("{provider}[auth]\nkind = \"none\""), " line 5 column 1", "the provider gives the credentials");
    check(&provider.replace("btp-", ""), " line 2 column 8", "\"destination-service\" is not known");
    check(&provider.replace("S4", "a/b"), " line 3 column 8", "a destination's name has");
    check("description = \"x\"", "", "url is missing");
    let proxy = "url = \"https://s4\"\n[proxy]\nurl = \"http://proxy:3128\"\n";
    assert!(parse(proxy).expect("proxy").proxy.is_some());
    check(&proxy.replace("http://", "https://u:p@"), " line 3 column 7", "a proxy is called by http");
    check(&format!("{proxy}user = \"u\""), " line 3 column 7", "user and password go together");
}
