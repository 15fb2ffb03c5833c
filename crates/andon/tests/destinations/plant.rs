//! A simulated SAP, a server with the scenario `events`, and the destination under test.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{PASSWORD, Sap, Server, copy_folder, scenarios, wait_for};

/// What every destination of these tests says besides: no long pauses.
const QUICK: &str = "connect_timeout = \"2s\"\ntimeout = \"2s\"\nmax_concurrency = 4\n";
const CIRCUIT: &str = "\n[circuit]\nfailures = 50\nopen_for = \"100ms\"\n";

/// What every step says besides, so that no test waits for a pause that has grown.
const SOON: &str = "retry = { attempts = 500, base = \"100ms\", max = \"300ms\" }\n";

/// The credentials that the simulator takes, as a header.
pub(crate) const BASIC: &str = "Basic QU5ET046Y29ycmVjdCBob3JzZSBiYXR0ZXJ5";

/// SAP, server and scenario.
pub(crate) struct Plant {
    pub(crate) sap: Sap,
    pub(crate) server: Server,
    scenario: TempDir,
}

impl Plant {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The same, with variables in the server's environment.
    pub(crate) fn with(variables: &[(&str, &str)]) -> Self {
        let scenario = tempfile::tempdir().unwrap();
        copy_folder(&scenarios().join("events"), scenario.path());
        let action = scenario.path().join("actions/report-malfunction.toml");
        let steps =
            std::fs::read_to_string(&action).unwrap().replace("destination = ", &format!("{SOON}destination = "));
        std::fs::write(&action, steps).unwrap();
        let server = Server::start_with(tempfile::tempdir().unwrap(), variables);
        let plant = Self { sap: Sap::start(), server, scenario };
        plant.store("sap-password", PASSWORD);
        plant
    }

    /// Host and port of the simulator.
    pub(crate) fn sap_address(&self) -> String {
        self.sap.simulator.address().to_string()
    }

    pub(crate) fn store(&self, name: &str, text: &str) {
        let stored = self.server.feed(&["secret", "set", name], text);
        assert!(stored.status.success(), "{}", String::from_utf8_lossy(&stored.stderr));
    }

    /// Puts the destination in force: its first lines, and its sections.
    pub(crate) fn apply(&self, lines: &str, sections: &str) {
        let file = self.scenario.path().join("destinations/s4.toml");
        std::fs::write(file, format!("{QUICK}{lines}\n{sections}{CIRCUIT}")).unwrap();
        self.server.json(&["apply", &self.scenario.path().display().to_string()]);
    }

    /// Takes events, each of which becomes a notification.
    pub(crate) fn send(&self, numbers: std::ops::Range<usize>) {
        for number in numbers {
            let event = json!({"data": {"SourceSystem": "AWS IoT SiteWise", "DeviceType": "Pump",
                "DeviceLocation": "Hall 3, bay 12", "eventData": {"number": number}}});
            let file = self.scenario.path().join("event.json");
            std::fs::write(&file, event.to_string()).unwrap();
            self.server.json(&["events", "send", &file.display().to_string()]);
        }
    }

    /// Waits until so many runs have this status; gives them.
    pub(crate) fn wait(&self, status: &str, count: usize) -> Vec<Value> {
        wait_for(&format!("{count} runs to be {status}"), || {
            let page = self.server.json(&["runs", "list", "--status", status, "--limit", "200"]);
            let rows = page["rows"].as_array()?;
            (rows.len() == count).then(|| rows.clone())
        })
    }

    /// So many runs become done, each with its document, and no document is there twice.
    pub(crate) fn check(&self, count: usize) {
        self.wait("done", count);
        let books = self.sap.simulator.books();
        assert_eq!((books.totals.documents, books.duplicates.len()), (count as u64, 0));
    }

    /// Takes events through a destination, and looks at the books.
    pub(crate) fn prove(&self, lines: &str, sections: &str) {
        self.apply(lines, sections);
        self.send(0..3);
        self.check(3);
    }

    /// The lines of `andon destinations test`, as `what ok|no detail`.
    pub(crate) fn test(&self) -> Vec<String> {
        let output = self.server.run(&["destinations", "test", "s4", "--json"]);
        let tested: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let line = |line: &Value| {
            let ok = if line["ok"] == true { "ok" } else { "no" };
            format!("{} {ok} {}", text(&line["what"]), text(&line["detail"]))
        };
        tested[0]["lines"].as_array().unwrap().iter().map(line).collect()
    }

    /// How often the simulator was asked for this.
    pub(crate) fn asked(&self, kind: &str) -> u64 {
        self.sap.simulator.statistics().by_kind.get(kind).copied().unwrap_or(0)
    }

    /// A file of the server's own folder with this text; its full path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.server.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

/// Client credentials at this token endpoint.
pub(crate) fn client_credentials(token_address: &str) -> String {
    format!(
        "[auth]\nkind = \"oauth2-client-credentials\"\ntoken_url = \"http://{token_address}/oauth/token\"\n\
         client_id = \"sb-andon\"\nclient_secret = {{ secret = \"sap-password\" }}\n"
    )
}

/// All bytes of the files in a folder.
pub(crate) fn bytes_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(bytes_below(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

/// Long enough for anything that a test delays on purpose to be noticed, and shorter than any patience.
pub(crate) const LONGER_THAN_TIMEOUT: Duration = Duration::from_secs(3);
