use super::*;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A service that checks signatures before it answers.
#[derive(Clone)]
struct Stand {
    status: u16,
    answer: &'static str,
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

/// HMAC-SHA256 as RFC 2104 writes it, apart from what signs the request.
fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut block = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block.resize(64, 0);
    let padded = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([padded(0x36), text.as_bytes().to_vec()].concat());
    Sha256::digest([padded(0x5c), inner.to_vec()].concat()).to_vec()
}

/// The signature that a request must have: the four tasks of AWS Signature Version 4.
fn expected(headers: &HeaderMap, body: &[u8], signed: &str, scope: &str) -> String {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").trim().to_owned();
    let listed = signed.split(';').map(|name| format!("{name}:{}\n", value(name))).collect::<Vec<_>>().concat();
    let digest = hex::encode(Sha256::digest(body));
    let canonical = format!("POST\n/\n\n{listed}\n{signed}\n{digest}");
    let date = value("x-amz-date");
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let parts: Vec<&str> = scope.split('/').collect();
    let key = parts.iter().fold(format!("AWS4{SECRET_KEY}").into_bytes(), |key, part| hmac(&key, part));
    hex::encode(hmac(&key, &to_sign))
}

async fn serve(State(stand): State<Stand>, headers: HeaderMap, body: Bytes) -> (axum::http::StatusCode, String) {
    let authorization = headers["authorization"].to_str().expect("text").to_owned();
    let part = |name: &str| {
        let rest = authorization.split(&format!("{name}=")).nth(1).expect("part");
        rest.split([',', ' ']).next().unwrap_or_default().to_owned()
    };
    let (id, scope) = part("Credential").split_once('/').map(|(i, s)| (i.to_owned(), s.to_owned())).expect("scope");
    let good = id == "AKIDEXAMPLE" && part("Signature") == expected(&headers, &body, &part("SignedHeaders"), &scope);
    let covered = ["host", "x-amz-date", "x-amz-target"].iter().all(|name| part("SignedHeaders").contains(name));
    if !good || !covered {
        let refusal = r#"{"__type":"InvalidSignatureException","message":"does not match"}"#;
        return (axum::http::StatusCode::BAD_REQUEST, refusal.to_owned());
    }
    let target = headers["x-amz-target"].to_str().expect("text").to_owned();
    stand.seen.lock().expect("lock").push((target, String::from_utf8_lossy(&body).into_owned()));
    (axum::http::StatusCode::from_u16(stand.status).expect("status"), stand.answer.to_owned())
}

async fn ask(store: AwsStore, status: u16, answer: &'static str, key: &str) -> (Result<String, Problem>, Stand) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let endpoint = format!("http://{}/", listener.local_addr().expect("address"));
    let stand = Stand { status, answer, seen: Arc::default() };
    let app = Router::new().fallback(serve).with_state(stand.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let endpoint = Some(endpoint.parse().expect("url"));
    let reference = AwsReference { store, name: "sapAuth".into(), region: None, endpoint };
    let credentials = AwsCredential {
        key_id: "AKIDEXAMPLE".into(),
        secret_key: key.into(),
        token: Some("session-token-of-the-role".into()),
    };
    let found = reference.ask(&credentials, "eu-central-1").await;
    (found.map(|secret| secret.expose().to_owned()), stand)
}

#[tokio::test]
async fn both_services_are_asked_by_a_request_that_is_signed_correctly() {
    let answer = r#"{"Name":"sapAuth","SecretString":"{\"user\":\"ANDON\"}","VersionStages":["AWSCURRENT"]}"#;
    let (found, stand) = ask(AwsStore::SecretsManager, 200, answer, SECRET_KEY).await;
    assert_eq!(found.as_deref(), Ok(r#"{"user":"ANDON"}"#));
    let seen = stand.seen.lock().expect("lock").clone();
    assert_eq!(seen, [("secretsmanager.GetSecretValue".to_owned(), r#"{"SecretId":"sapAuth"}"#.to_owned())]);

    let answer = r#"{"Parameter":{"Name":"sapAuth","Type":"SecureString","Value":"open sesame","Version":1}}"#;
    let (found, stand) = ask(AwsStore::ParameterStore, 200, answer, SECRET_KEY).await;
    assert_eq!(found.as_deref(), Ok("open sesame"));
    let seen = stand.seen.lock().expect("lock").clone();
    let question = r#"{"Name":"sapAuth","WithDecryption":true}"#;
    assert_eq!(seen, [("AmazonSSM.GetParameter".to_owned(), question.to_owned())]);
}

async fn check(status: u16, answer: &'static str, code: Code, words: &str) {
    let (found, _) = ask(AwsStore::SecretsManager, status, answer, SECRET_KEY).await;
    let problem = found.expect_err(answer);
    assert_eq!(problem.code, code, "{problem}");
    assert!(problem.detail.contains(words), "{problem}");
}

#[tokio::test]
async fn what_a_person_must_mend_is_told_from_what_passes() {
    let absent = r#"{"__type":"com.amazonaws.secretsmanager#ResourceNotFoundException","Message":"not there"}"#;
    check(400, absent, Code::MissingSecret, "HTTP 400: ResourceNotFoundException not there").await;
    check(400, r#"{"__type":"AccessDeniedException"}"#, Code::MissingSecret, "AccessDeniedException").await;
    check(400, r#"{"__type":"ThrottlingException"}"#, Code::SecretUnavailable, "ThrottlingException").await;
    check(500, r#"{"__type":"InternalServiceError"}"#, Code::SecretUnavailable, "HTTP 500").await;
    check(503, "<html>", Code::SecretUnavailable, "HTTP 503").await;
    check(200, r#"{"SecretBinary":"AAAA"}"#, Code::MissingSecret, "binary").await;
    check(200, "{", Code::SecretUnavailable, "holds no text").await;
}

#[tokio::test]
async fn malformed_or_wrong_credentials_are_a_problem_and_no_panic() {
    let (found, _) = ask(AwsStore::SecretsManager, 200, "{}", "another key").await;
    assert_eq!(found.expect_err("signature").code, Code::MissingSecret);
    let reference = AwsReference { store: AwsStore::SecretsManager, name: "a".into(), region: None, endpoint: None };
    let credentials = AwsCredential { key_id: "A\nB".into(), secret_key: "x".into(), token: None };
    let problem = reference.ask(&credentials, "eu-central-1").await.expect_err("malformed");
    assert_eq!(problem.code, Code::SecretUnavailable);
}

#[test]
fn the_region_of_an_arn_is_its_own() {
    let named = |name: &str| AwsReference {
        store: AwsStore::SecretsManager,
        name: name.to_owned(),
        region: None,
        endpoint: None,
    };
    let arn = named("arn:aws:secretsmanager:eu-west-1:111122223333:secret:sapAuth-a1b2c3");
    assert_eq!(arn.region().as_deref(), Ok("eu-west-1"));
    assert_eq!(arn.address("eu-west-1").expect("url").as_str(), "https://secretsmanager.eu-west-1.amazonaws.com/");
    assert_eq!(arn.address("cn-north-1").expect("url").host_str(), Some("secretsmanager.cn-north-1.amazonaws.com.cn"));
    assert_eq!(named("sapAuth").region_of_arn(), None);
}
