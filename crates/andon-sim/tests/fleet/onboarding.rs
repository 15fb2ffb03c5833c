//! Onboarding against a stand-in of the API: what is asked for, what is kept, and what a second attempt does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use andon_model::Secret;
use andon_sim::fleet::{FleetError, IdentityFolder, Onboarded, Onboarding, OnboardingWay};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use rcgen::{CertificateSigningRequestParams, PublicKeyData};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::papers::Authority;

/// The other side.
struct Office {
    authority: Authority,
    /// The next request gets no answer worth having.
    fails_next: AtomicBool,
    /// Whether the caller may see authorities.
    shows_authorities: AtomicBool,
    /// Device and public key of each request.
    asked: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Office {
    fn certify(&self, wanted: &Value) -> Value {
        let device = wanted["device"].as_str().unwrap();
        let request = CertificateSigningRequestParams::from_pem(wanted["csr"].as_str().unwrap()).unwrap();
        self.asked.lock().unwrap().push((device.to_owned(), request.public_key.der_bytes().to_vec()));
        let old = json!({ "status": "REVOKED", "pem": "an old one" });
        let new = json!({ "status": "ACTIVE", "pem": self.authority.certify(&request) });
        json!({ "name": device, "certificates": [old, new] })
    }
}

async fn enrol(State(office): State<Arc<Office>>, Json(wanted): Json<Value>) -> Response {
    let answer = office.certify(&wanted);
    if office.fails_next.swap(false, Ordering::SeqCst) {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the answer is lost").into_response();
    }
    Json(answer).into_response()
}

async fn import(State(office): State<Arc<Office>>, file: String) -> String {
    let keeps_a_line_back = office.fails_next.swap(false, Ordering::SeqCst);
    let lines = file.lines().map(|line| office.certify(&serde_json::from_str(line).unwrap()).to_string() + "\n");
    lines.skip(usize::from(keeps_a_line_back)).collect()
}

async fn authorities(State(office): State<Arc<Office>>) -> Response {
    if !office.shows_authorities.load(Ordering::SeqCst) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let root = json!({ "role": "root", "certificate": office.authority.root_pem });
    Json(json!([root, { "role": "issuing", "certificate": "between\n" }])).into_response()
}

/// Office, folder, and what asks.
struct Desk {
    office: Arc<Office>,
    _home: TempDir,
    folder: IdentityFolder,
    onboarding: Onboarding,
}

impl Desk {
    async fn open(way: OnboardingWay) -> Self {
        let office = Arc::new(Office {
            authority: Authority::new(),
            fails_next: AtomicBool::new(false),
            shows_authorities: AtomicBool::new(true),
            asked: Mutex::default(),
        });
        let routes = Router::new()
            .route("/api/v1/devices", post(enrol))
            .route("/api/v1/device-imports", post(import))
            .route("/api/v1/authorities", get(authorities))
            .with_state(Arc::clone(&office));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let home = tempfile::tempdir().unwrap();
        let folder = IdentityFolder::open(home.path().join("fleet")).unwrap();
        Self { office, _home: home, folder, onboarding: Onboarding { api, token: Secret::new("t"), way } }
    }

    async fn complete(&self, count: usize) -> Result<Onboarded, FleetError> {
        let names: Vec<String> = (1..=count).map(|number| format!("sim-{number}")).collect();
        self.onboarding.complete(&names, &self.folder, |_| {}).await
    }

    fn asked(&self) -> Vec<(String, Vec<u8>)> {
        self.office.asked.lock().unwrap().clone()
    }
}

const WAYS: [OnboardingWay; 2] = [OnboardingWay::SigningRequest, OnboardingWay::Bulk];

#[tokio::test]
async fn what_is_missing_is_onboarded() {
    for way in WAYS {
        let desk = Desk::open(way).await;
        for (count, known, onboarded, asked) in [(3, 0, 3, 3), (3, 3, 0, 3), (5, 3, 2, 5)] {
            let done = desk.complete(count).await.unwrap();
            assert_eq!((done.known, done.onboarded), (known, onboarded), "{way:?}");
            assert_eq!(desk.asked().len(), asked, "{way:?}");
        }
        let devices = desk.folder.devices().unwrap();
        assert_eq!(devices, ["sim-1", "sim-2", "sim-3", "sim-4", "sim-5"]);
        assert_eq!(desk.folder.roots().unwrap(), desk.office.authority.root_pem);
        for device in devices {
            let identity = desk.folder.load(&device).unwrap();
            assert!(
                identity.chain_pem.starts_with("-----BEGIN CERTIFICATE") && identity.chain_pem.ends_with("between\n")
            );
            let key = rcgen::KeyPair::from_pem(identity.key_pem.expose()).unwrap();
            assert!(desk.asked().contains(&(device, key.der_bytes().to_vec())), "{way:?}: another key was certified");
        }
    }
}

#[tokio::test]
async fn a_second_attempt_brings_the_same_key() {
    let desk = Desk::open(OnboardingWay::SigningRequest).await;
    desk.office.fails_next.store(true, Ordering::SeqCst);
    let failed = desk.complete(1).await;
    assert!(matches!(failed, Err(FleetError::NotOnboarded { status: 500, .. })), "{failed:?}");
    desk.complete(1).await.unwrap();
    let asked = desk.asked();
    assert_eq!((asked.len(), &asked[0]), (2, &asked[1]));
}

#[tokio::test]
async fn a_line_that_does_not_come_back_is_told() {
    let desk = Desk::open(OnboardingWay::Bulk).await;
    desk.office.fails_next.store(true, Ordering::SeqCst);
    let failed = desk.complete(1).await.expect_err("no certificate");
    assert!(failed.to_string().ends_with("there is no certificate for sim-1"), "{failed}");
}

#[tokio::test]
async fn a_claim_brings_its_own_authorities() {
    let desk = Desk::open(OnboardingWay::SigningRequest).await;
    desk.office.shows_authorities.store(false, Ordering::SeqCst);
    let failed = desk.complete(1).await;
    assert!(matches!(failed, Err(FleetError::NotOnboarded { status: 403, .. })), "{failed:?}");
    std::fs::write(desk.folder.path().join("root.crt"), &desk.office.authority.root_pem).unwrap();
    std::fs::write(desk.folder.path().join("issuing.crt"), "given\n").unwrap();
    desk.complete(1).await.unwrap();
    assert!(desk.folder.load("sim-1").unwrap().chain_pem.ends_with("given\n"));
}

#[tokio::test]
async fn an_api_that_is_not_there_is_named() {
    let mut desk = Desk::open(OnboardingWay::SigningRequest).await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    desk.onboarding.api = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let failed = desk.complete(1).await;
    assert!(matches!(failed, Err(FleetError::Unreachable { .. })), "{failed:?}");
}
