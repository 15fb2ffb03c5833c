use super::*;

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
    assert_eq!((spec.url.as_str(), spec.headers[0].0.as_str()), ("https://s4.example.com/gateway", "x-channel"));
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
    check(&format!("{url}ca_file = \"ca.pem\""), " line 2 column 11", "use the full path");
    check(&format!("{url}ca_pem = \"x\""), " line 2 column 10", "a PEM text begins with");
    check(&format!("{url}timeout = \"1d\""), " line 2 column 11", "use a time from");
    check(&format!("{url}max_concurrency = 0"), " line 2 column 19", "use a number from 1 to 1000");
    check(&format!("{url}[auth]\nkind = \"oauth\""), " line 3 column 8", "\"oauth\" is not known");
    check(&format!("{url}[auth]\nkind = \"basic\"\nuser = \"A\""), " line 3 column 8", "basic needs user and");
    check(&format!("{url}[auth]\nkind = \"none\"\nuser = \"A\""), " line 4 column 8", "this key does not belong");
    let password = "kind = \"basic\"\nuser = \"A\"\npassword = \"open\"";
    check(&format!("{url}[auth]\n{password}"), " line 5 column 12", "invalid type: string");
    let two = "password = { env = \"A\", file = \"/b\" }";
    check(&format!("{url}[auth]\nkind = \"basic\"\n{two}"), " line 4 column 12", "say where the secret is");
    check(&format!("{url}[odata]\ncsrf_service_document = \"x\""), " line 3 column 25", "a path begins with /");
    check(&format!("{url}retries = 3"), " line 2 column 1", "unknown field `retries`");
}
