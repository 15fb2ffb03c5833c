//! pyodata at the simulator: `odata-client/client.py` holds the conversations, the books judge them.

use std::io::{BufReader, Read};
use std::process::{Child, Command, Stdio};

use andon_sim::Books;
use serde_json::{Deserializer, Value};

use crate::common::{PASSWORD, andon};
use crate::plant::Http;
use crate::tools::{installed, own};

/// `andon simulate sap` on a free port.
struct Simulator {
    child: Child,
    url: String,
    /// Holds the password's file.
    _folder: tempfile::TempDir,
}

impl Simulator {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        let mut command = andon();
        command.args(["simulate", "sap", "--listen", "127.0.0.1:0", "--json", "--password-file"]).arg(password);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let said = first_json(child.stdout.take().unwrap());
        let url = said["address"].as_str().expect("the simulator says where it listens").to_owned();
        Self { child, url, _folder: folder }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The first JSON document that a program writes; it goes on running.
fn first_json(from: impl Read) -> Value {
    Deserializer::from_reader(BufReader::new(from)).into_iter().next().expect("a document").unwrap()
}

#[test]
fn pyodata_converses_with_the_simulator() {
    let python = installed("odata-client", "requirements.txt").join("bin/python");
    let simulator = Simulator::start();
    let mut command = Command::new(python);
    command.args(["-B", "-I"]).arg(own("odata-client/client.py"));
    command.env("ANDON_SAP", &simulator.url).env("ANDON_SAP_PASSWORD", PASSWORD);
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{told}");

    let books: Books = serde_json::from_value(Http::new().json(&format!("{}/sim/books", simulator.url))).unwrap();
    let made = |reference: &str| books.documents.iter().filter(|d| d.reference.as_deref() == Some(reference)).count();
    for (reference, count) in [("PY-DEEP", 1), ("PY-LIST", 3), ("PY-BATCH-1", 1), ("PY-BATCH-2", 0), ("PY-PR", 1)] {
        assert_eq!(made(reference), count, "{reference}");
    }
}
