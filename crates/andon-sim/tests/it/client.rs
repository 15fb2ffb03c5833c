//! A small client that knows the CSRF protocol.

use andon_sim::{SapSimulator, SimulatorConfig};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

pub const NOTIFICATIONS: &str = "/sap/opu/odata/sap/API_MAINTNOTIFICATION/MaintenanceNotification";
pub const SERVICE: &str = "/sap/opu/odata/sap/API_MAINTNOTIFICATION/";
pub const Z_SET: &str = "/sap/opu/odata/sap/ZSERVICE_PM_NOTIFICATION_SRV/NOTIF_CREATESet";

/// A simulator and a client with credentials, token and cookies.
pub struct World {
    pub sap: SapSimulator,
    pub http: reqwest::Client,
    pub headers: HeaderMap,
}

pub fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub fn header(name: &'static str, value: &str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
}

/// The `Cookie` header that returns what an answer set.
pub fn cookies(answer: &Response) -> String {
    let set = answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    set.map(|value| value.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

impl World {
    pub async fn new() -> Self {
        Self::with(SimulatorConfig::default()).await
    }

    pub async fn with(config: SimulatorConfig) -> Self {
        let sap = SapSimulator::start(config).await.unwrap();
        let mut world = Self { sap, http: http(), headers: HeaderMap::new() };
        world.headers.insert("authorization", HeaderValue::from_static("Basic QU5ET046c2ltdWxhdGVk"));
        world.headers.insert("accept", HeaderValue::from_static("application/json"));
        world.fetch_token().await;
        world
    }

    pub async fn fetch_token(&mut self) {
        let url = format!("{}{SERVICE}", self.sap.base_url());
        let mut headers = self.headers.clone();
        headers.remove("cookie");
        headers.remove("x-csrf-token");
        let ask = self.http.head(url).headers(headers).header("x-csrf-token", "Fetch");
        let answer = ask.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        self.headers.insert("x-csrf-token", answer.headers()["x-csrf-token"].clone());
        self.headers.insert("cookie", HeaderValue::from_str(&cookies(&answer)).unwrap());
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.sap.base_url())).headers(self.headers.clone())
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.request("POST", path).json(body).send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.request("GET", path).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Creates a notification and gives the entity.
    pub async fn create(&self, body: Value) -> Value {
        let answer = self.post(NOTIFICATIONS, &body).await;
        assert_eq!(answer.status(), StatusCode::CREATED, "for {body}");
        answer.json::<Value>().await.unwrap()["d"].take()
    }
}
