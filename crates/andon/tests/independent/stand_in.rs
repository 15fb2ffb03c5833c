//! The independent OData server as a process, steered by the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::plant::Http;
use crate::tools::{installed, own};

pub(crate) const NOTICES: &str = "/sap/opu/odata/sap/PLANT_NOTICES";
pub(crate) const INCIDENTS: &str = "/sap/opu/odata4/sap/plant_incidents/srvd_a2x/sap/incident/0001";

/// `odata-server/server.js` on a free port. It ends with its standard input, also when this test is killed.
pub(crate) struct StandIn {
    child: Child,
    pub(crate) url: String,
    http: Http,
}

impl StandIn {
    pub(crate) fn start() -> Self {
        let modules = installed("odata-server", "package-lock.json");
        let mut command = Command::new("node");
        command.arg(own("odata-server/server.js")).arg(modules).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("node, which make setup installs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("the server says where it listens");
        let url = said["url"].as_str().unwrap().to_owned();
        Self { child, url, http: Http::new() }
    }

    /// The next so many changes are made, and their answers kept back.
    pub(crate) fn withhold(&self, changes: usize) {
        self.http.post(&format!("{}/control/withhold", self.url), &json!({ "changes": changes, "cut": false }));
    }

    /// The next so many changes are made, and their connections cut.
    pub(crate) fn cut(&self, changes: usize) {
        self.http.post(&format!("{}/control/withhold", self.url), &json!({ "changes": changes, "cut": true }));
    }

    /// How many answers were kept back.
    pub(crate) fn withheld(&self) -> u64 {
        self.http.json(&format!("{}/control/withheld", self.url))["withheld"].as_u64().unwrap()
    }

    /// Somebody else changes a document of this set as often right after it was read.
    pub(crate) fn overtake(&self, set: &str, times: usize) {
        self.http.post(&format!("{}/control/overtake", self.url), &json!({ "set": set, "times": times }));
    }

    /// All notices, or one that is there.
    pub(crate) fn notices(&self, rest: &str) -> Value {
        self.http.json(&format!("{}{NOTICES}/Notice{rest}", self.url))["d"].take()
    }

    /// All incidents, or one that is there.
    pub(crate) fn incidents(&self, rest: &str) -> Value {
        self.http.json(&format!("{}{INCIDENTS}/Incident{rest}", self.url))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
