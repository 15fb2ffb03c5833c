use super::*;
use andon_model::Timestamp;
use serde_json::json;

fn read(answer: &Value) -> (Result<Provided, Problem>, Draft) {
    let mut draft = Draft::new(Timestamp::from_micros(0));
    let found = Provided::read(answer, false, &mut draft);
    (found, draft)
}

/// What a found destination sends, or the code and words of its problem.
fn check(answer: &Value, expect: &str) {
    let (found, _) = read(answer);
    let told = match found {
        Err(problem) => format!("{} {}", problem.code, problem.detail),
        Ok(found) => {
            let text = |(name, value): &(HeaderName, HeaderValue)| format!(" {name}={}", value.to_str().expect("text"));
            let query = found
                .query
                .iter()
                .chain(&found.credentials.query)
                .map(|(name, value)| format!(" {name}={value}"))
                .collect::<Vec<_>>()
                .concat();
            let headers = found.headers.iter().chain(&found.credentials.headers).map(text).collect::<Vec<_>>().concat();
            format!("{} [{}]{query}{headers}", found.base, found.describe())
        }
    };
    assert!(told.starts_with(expect), "for {answer}: {told}");
}

fn destination(more: &Value) -> Value {
    let mut properties =
        json!({ "Name": "S4", "Type": "HTTP", "URL": "https://s4.example.com/sap/", "ProxyType": "Internet" });
    for (name, value) in more.as_object().expect("object") {
        properties[name] = value.clone();
    }
    json!({ "owner": { "SubaccountId": "a", "InstanceId": null }, "destinationConfiguration": properties })
}

#[test]
fn technical_authentications_are_used() {
    check(&destination(&json!({})), "https://s4.example.com/sap [NoAuthentication, Internet]");
    let key = json!({"URL.headers.APIKey": "hub-key", "URL.headers.X-Plant": "1", "URL.queries.q": "a b", "sap-client": "100"});
    check(
        &destination(&key),
        "https://s4.example.com/sap [NoAuthentication, Internet] sap-client=100 q=a b x-plant=1 apikey=hub-key",
    );
    let user = json!({"Authentication": "BasicAuthentication", "User": "A", "Password": "b"});
    check(&destination(&user), "https://s4.example.com/sap [BasicAuthentication, Internet] authorization=Basic QTpi");
    let mut token = destination(&json!({"Authentication": "OAuth2ClientCredentials"}));
    token["authTokens"] = json!([{"type": "Bearer", "value": "t", "http_header": {"key": "Authorization", "value": "Bearer t"}, "expires_in": "3600"}]);
    check(&token, "https://s4.example.com/sap [OAuth2ClientCredentials, Internet] authorization=Bearer t");
    let premise = json!({"URL": "http://virtual:44300", "ProxyType": "OnPremise", "CloudConnectorLocationId": "F1"});
    check(&destination(&premise), "http://virtual:44300/ [NoAuthentication, OnPremise by F1]");
}

#[test]
fn what_cannot_be_used_is_told() {
    let one = |name: &str, value: &str| destination(&json!({ name: value }));
    check(&one("Type", "RFC"), "AND-4010 it is of the type \"RFC\"");
    check(&one("URL", ""), "AND-4010 it has no URL");
    check(&one("URL", "http://s4.example.com"), "AND-4010 its URL: use https");
    check(&one("ProxyType", "PrivateLink"), "AND-4010 its ProxyType is PrivateLink");
    check(&one("ProxyType", "OnPremise"), "AND-4010 its URL: a virtual host of the Cloud Connector is called by http");
    check(&one("Authentication", "PrincipalPropagation"), "AND-4010 PrincipalPropagation needs a signed-in user");
    check(&one("Authentication", "OAuth2ClientCredentials"), "AND-4010 OAuth2ClientCredentials came without a token");
    check(&one("Authentication", "ClientCertificateAuthentication"), "AND-4010 its certificate did not come");
    check(&one("URL.headers.a b", "x"), "AND-4010 URL.headers.a b is not a header");
    check(&one("URL.headers.Content-Length", "1"), "AND-4010 URL.headers.Content-Length is not a header");
    check(&one("URL.headers.X-Token", "a\nb"), "AND-4010 URL.headers.X-Token is not a header");
    check(&json!({}), "AND-4010 the answer has no destinationConfiguration");
    let mut store = one("Authentication", "ClientCertificateAuthentication");
    store["certificates"] = json!([{"Name": "andon.p12", "Content": "MIIK", "Type": "CERTIFICATE"}]);
    check(&store, "AND-4010 its key store is not PEM");
}

#[test]
fn a_token_that_could_not_be_had_is_an_error_inside_a_success() {
    let mut answer =
        destination(&json!({"Authentication": "OAuth2ClientCredentials", "clientSecret": "very-secret-1"}));
    let mut tell = |error: &str, expect: &str| {
        answer["authTokens"] = json!([{"type": "", "value": "", "error": error, "expires_in": "0"}]);
        check(&answer, expect);
    };
    tell("the /token endpoint ended with status code 401", "AND-4009 the destination service got no token: the /token");
    tell("no answer of s4:44300 after 14003 ms", "AND-4007 the destination service got no token: no answer");
    tell("invalid_client", "AND-4009 the destination service got no token: invalid_client");
    tell("it did not answer in time", "AND-4007 the destination service got no token: it did not");
    tell("secret very-secret-1 was wrong: 401", "AND-4009 the destination service got no token: secret [secret] was");
}

#[test]
fn everything_secret_is_hidden_and_the_life_is_that_of_the_token() {
    let mut answer = destination(&json!({
        "Authentication": "OAuth2Password", "Password": "pass-word-1", "clientSecret": "client-secret-1",
        "URL.headers.APIKey": "api-key-0815", "URL.headers.x-functions-key": "function-1", "URL.queries.sig": "plain-text-1",
        "URL.queries.subscription-key": "subscriber-1", "tokenService.body.assertion_secret": "assertion-1",
    }));
    answer["authTokens"] = json!([{"type": "Bearer", "value": "token-4711-a", "expires_in": "100",
        "http_header": {"key": "Authorization", "value": "Bearer token-4711-a"}}]);
    let (found, draft) = read(&answer);
    assert!(found.is_ok());
    let more = "function-1 subscriber-1 assertion-1 plain-text-1";
    assert_eq!(draft.redactor.clean(more), "[secret] [secret] [secret] plain-text-1");
    let echo = "pass-word-1 client-secret-1 api-key-0815 token-4711-a";
    assert_eq!(draft.redactor.clean(echo), "[secret] [secret] [secret] [secret]");
    assert_eq!(draft.life, Life::of_token(Timestamp::from_micros(0), Some(100)));
}
