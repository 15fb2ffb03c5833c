//! Onboarding over the API, as devices or the people who set them up do it.
//!
//! **Constraints.** Speaks the wire, and knows nothing of the product: `POST /api/v1/devices` with a signing request, `POST
//! /api/v1/device-imports` with many of them as JSON Lines, or the quickstart's `POST /api/onboard/{deviceName}`, where the
//! key is made on the other side and handed over once. `GET /api/v1/authorities` gives what devices trust; without a role
//! that may ask for it, `root.crt` and `issuing.crt` must be in the folder.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use andon_model::Secret;
use reqwest::{Client, Method, RequestBuilder};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::folder::IdentityFolder;
use super::signing_request;
use crate::fleet::error::FleetError;

/// Requests on the way at the same time.
const AT_ONCE: usize = 32;
/// Devices in one file of a bulk onboarding.
const BULK_DEVICES: usize = 1_000;
/// Longest wait for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);
/// Longest part of a refusal that is told.
const MAX_TOLD_CHARS: usize = 300;

/// How devices are onboarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnboardingWay {
    /// A request with a signing request for each device.
    #[default]
    SigningRequest,
    /// Many signing requests in one file.
    Bulk,
    /// The quickstart's API; keys are made on the other side.
    Quickstart,
}

impl FromStr for OnboardingWay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "csr" => Ok(Self::SigningRequest),
            "bulk" => Ok(Self::Bulk),
            "quickstart" => Ok(Self::Quickstart),
            _ => Err(format!("{text:?} is no way of onboarding: csr, bulk or quickstart")),
        }
    }
}

/// Where and how to onboard.
#[derive(Debug, Clone)]
pub struct Onboarding {
    /// Base address of the API, such as `http://127.0.0.1:8480`.
    pub api: String,
    /// A token that may onboard devices, a claim's too.
    pub token: Secret,
    /// How.
    pub way: OnboardingWay,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Onboarded {
    /// Devices that were in the folder before.
    pub known: usize,
    /// Devices that were onboarded now.
    pub onboarded: usize,
    /// How long that took, keys and signing requests included.
    pub seconds: f64,
}

/// A member of `GET /api/v1/authorities`.
#[derive(Deserialize)]
struct AuthorityRow {
    role: String,
    certificate: String,
}

/// What matters of a device in the API's answers.
#[derive(Deserialize)]
struct DeviceRow {
    name: String,
    certificates: Vec<CertificateRow>,
}

#[derive(Deserialize)]
struct CertificateRow {
    status: String,
    pem: String,
}

struct Work {
    onboarding: Onboarding,
    http: Client,
    folder: IdentityFolder,
    issuing: String,
}

impl Onboarding {
    /// With the text of a token, for those who have no other secrets.
    pub fn new(api: impl Into<String>, token: impl Into<String>, way: OnboardingWay) -> Self {
        Self { api: api.into(), token: Secret::new(token), way }
    }

    /// Sees to it that the folder has an identity for each device; `progress` hears of each that was onboarded.
    pub async fn complete(
        &self,
        devices: &[String],
        folder: &IdentityFolder,
        progress: impl Fn(usize),
    ) -> Result<Onboarded, FleetError> {
        let begun = Instant::now();
        let there: std::collections::BTreeSet<String> = folder.devices()?.into_iter().collect();
        let missing: Vec<String> = devices.iter().filter(|device| !there.contains(*device)).cloned().collect();
        let known = devices.len() - missing.len();
        if !missing.is_empty() {
            self.onboard(&missing, folder, progress).await?;
        }
        Ok(Onboarded { known, onboarded: missing.len(), seconds: begun.elapsed().as_secs_f64() })
    }

    async fn onboard(
        &self,
        missing: &[String],
        folder: &IdentityFolder,
        told: impl Fn(usize),
    ) -> Result<(), FleetError> {
        let http = Client::builder().timeout(ANSWER_TIMEOUT).no_proxy().build();
        let http = http.map_err(|error| self.unreachable("", &error))?;
        let mut work = Work { onboarding: self.clone(), http, folder: folder.clone(), issuing: String::new() };
        // The first device makes the authorities, if there are none yet.
        let (first, rest) = missing.split_at(1);
        let founding = first.iter().map(|device| work.request_of(device)).collect::<Result<Vec<_>, _>>()?;
        let answers = work.send(founding).await?;
        work.issuing = work.authorities().await?;
        work.keep(answers)?;
        told(1);
        work.all(rest, told).await
    }

    fn unreachable(&self, path: &str, error: &reqwest::Error) -> FleetError {
        let mut what = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            what = inner.to_string();
            cause = inner.source();
        }
        FleetError::Unreachable { place: format!("{}{path}", self.api), what }
    }
}

/// A device with its signing request, if it makes its key itself.
type Wanted = (String, Option<String>);
/// A device with its certificate, and its key if that was made on the other side.
type Given = (String, String, Option<Secret>);

impl Work {
    /// What is asked for a device. The key is on disk before.
    fn request_of(&self, device: &str) -> Result<Wanted, FleetError> {
        let request = match self.onboarding.way {
            OnboardingWay::Quickstart => None,
            _ => Some(signing_request(device, &self.folder.key_of(device)?)?),
        };
        Ok((device.to_owned(), request))
    }

    fn keep(&self, given: Vec<Given>) -> Result<(), FleetError> {
        for (device, certificate, key) in given {
            if let Some(key) = key {
                self.folder.keep_key(&device, &key)?;
            }
            self.folder.keep_certificate(&device, &certificate, &self.issuing)?;
        }
        Ok(())
    }

    async fn all(self, devices: &[String], told: impl Fn(usize)) -> Result<(), FleetError> {
        let (size, at_once) = if self.onboarding.way == OnboardingWay::Bulk { (BULK_DEVICES, 1) } else { (1, AT_ONCE) };
        let work = Arc::new(self);
        let mut chunks = devices.chunks(size);
        let mut running = JoinSet::new();
        let mut done = 1;
        loop {
            while running.len() < at_once
                && let Some(chunk) = chunks.next()
            {
                running.spawn(Arc::clone(&work).one_chunk(chunk.to_vec()));
            }
            let Some(ended) = running.join_next().await else { return Ok(()) };
            done += ended.map_err(|error| FleetError::Failed(error.to_string()))??;
            told(done);
        }
    }

    async fn one_chunk(self: Arc<Self>, devices: Vec<String>) -> Result<usize, FleetError> {
        let wanted = devices.iter().map(|device| self.request_of(device)).collect::<Result<Vec<_>, _>>()?;
        let given = self.send(wanted).await?;
        self.keep(given)?;
        Ok(devices.len())
    }

    async fn send(&self, wanted: Vec<Wanted>) -> Result<Vec<Given>, FleetError> {
        match self.onboarding.way {
            OnboardingWay::Bulk => self.send_file(&wanted).await,
            OnboardingWay::SigningRequest => self.each(wanted, false).await,
            OnboardingWay::Quickstart => self.each(wanted, true).await,
        }
    }

    async fn each(&self, wanted: Vec<Wanted>, as_quickstart: bool) -> Result<Vec<Given>, FleetError> {
        let mut given = Vec::with_capacity(wanted.len());
        for (device, request) in wanted {
            given.push(if as_quickstart {
                self.quickstart(device).await?
            } else {
                let body = json!({ "device": device, "csr": request });
                let path = "/api/v1/devices";
                let answer = self.ask(Method::POST, path, |http| http.json(&body)).await?;
                self.certificate_in(path, &answer)?
            });
        }
        Ok(given)
    }

    async fn quickstart(&self, device: String) -> Result<Given, FleetError> {
        let path = format!("/api/onboard/{}", segment(&device));
        let answer = self.ask(Method::POST, &path, |http| http).await?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let member = |name: &str| answer["credential"][name].as_str().unwrap_or_default().to_owned();
        let (certificate, key) = (member("certificatePem"), member("privateKey"));
        if certificate.is_empty() || key.is_empty() {
            return Err(self.refused(&path, 200, "there is no key in the answer: it was handed over before"));
        }
        Ok((device, certificate, Some(Secret::new(key))))
    }

    /// A line of JSON for each device goes in, a line for each comes out.
    async fn send_file(&self, wanted: &[Wanted]) -> Result<Vec<Given>, FleetError> {
        let path = "/api/v1/device-imports";
        let mut file = String::new();
        for (device, request) in wanted {
            // Writing to memory does not fail.
            let _ = writeln!(file, "{}", json!({ "device": device, "csr": request }));
        }
        let file = |http: RequestBuilder| http.header("content-type", "application/x-ndjson").body(file);
        let answer = self.ask(Method::POST, path, file).await?;
        let lines = answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let given: BTreeMap<String, Given> = lines
            .map(|line| self.certificate_in(path, line).map(|given| (given.0.clone(), given)))
            .collect::<Result<_, _>>()?;
        match wanted.iter().find(|(device, _)| !given.contains_key(device)) {
            None => Ok(given.into_values().collect()),
            Some((device, _)) => Err(self.refused(path, 200, &format!("there is no certificate for {device}"))),
        }
    }

    fn certificate_in(&self, path: &str, answer: &[u8]) -> Result<Given, FleetError> {
        let told = || String::from_utf8_lossy(answer).into_owned();
        let row: DeviceRow = serde_json::from_slice(answer).map_err(|_| self.refused(path, 200, &told()))?;
        let active = row.certificates.into_iter().rfind(|known| known.status == "ACTIVE");
        let active = active.ok_or_else(|| self.refused(path, 200, "the device has no active certificate"))?;
        Ok((row.name, active.pem, None))
    }

    /// Keeps the authorities; gives those between root and devices.
    async fn authorities(&self) -> Result<String, FleetError> {
        let path = "/api/v1/authorities";
        let answer = match self.ask(Method::GET, path, |http| http).await {
            Err(FleetError::NotOnboarded { status: 403, .. }) if self.folder.roots().is_ok() => {
                return Ok(self.folder.issuing());
            }
            answer => answer?,
        };
        let rows: Vec<AuthorityRow> =
            serde_json::from_slice(&answer).map_err(|error| self.refused(path, 200, &error.to_string()))?;
        let of_role = |role: &str| -> String {
            rows.iter().filter(|row| row.role == role).map(|row| row.certificate.as_str()).collect()
        };
        let issuing = of_role("issuing");
        self.folder.keep_authorities(&of_role("root"), &issuing)?;
        Ok(issuing)
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        build: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Vec<u8>, FleetError> {
        let url = format!("{}{path}", self.onboarding.api.trim_end_matches('/'));
        let request = self.http.request(method, url).bearer_auth(self.onboarding.token.expose());
        let failed = |error: reqwest::Error| self.onboarding.unreachable(path, &error);
        let answer = build(request).send().await.map_err(failed)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(failed)?;
        if status.is_success() {
            return Ok(body.to_vec());
        }
        Err(self.refused(path, status.as_u16(), &String::from_utf8_lossy(&body)))
    }

    fn refused(&self, path: &str, status: u16, what: &str) -> FleetError {
        let what = what.chars().take(MAX_TOLD_CHARS).collect();
        FleetError::NotOnboarded { place: format!("{}{path}", self.onboarding.api), status, what }
    }
}

/// A part of a path, with everything escaped that a path gives a meaning to.
fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
