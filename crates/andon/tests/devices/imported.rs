//! A file of devices whose import is killed again and again: each line comes to one identity, and its key is not lost.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use andon_devices::pki::{PrivateKey, certificate_der, read_certificate};
use andon_model::Secret;
use serde_json::Value;

use crate::common::{Server, wait_for};

const DEVICES: usize = 900;

/// Files of which so many are there when the program is killed; spread over keys that nobody has heard of, requests that
/// are under way, and answers that are half read.
const KILLED_AT: [(&str, usize); 6] = [("key", 90), ("key", 401), ("crt", 1), ("crt", 263), ("crt", 405), ("key", 870)];

struct Fleet {
    file: PathBuf,
    out: PathBuf,
}

impl Fleet {
    fn write(folder: &Path) -> Self {
        let (file, out) = (folder.join("fleet.csv"), folder.join("bundle"));
        let lines: Vec<String> = (0..DEVICES).map(|number| format!("pump-{number:04},{}\n", number % 7)).collect();
        std::fs::write(&file, format!("device,attributes.hall\n{}", lines.concat())).unwrap();
        Self { file, out }
    }

    fn args(&self) -> [&str; 5] {
        ["devices", "import", self.file.to_str().unwrap(), "--out", self.out.to_str().unwrap()]
    }

    /// The import under way.
    fn begin(&self, server: &Server) -> Child {
        server.command(&self.args()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// How many files of this kind are there.
    fn count(&self, kind: &str) -> usize {
        let Ok(files) = std::fs::read_dir(&self.out) else { return 0 };
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("pump-") && name.ends_with(&format!(".{kind}"))).count()
    }

    /// The public key of the device's key file, and that of its certificate.
    fn keys(&self, device: &str) -> (Vec<u8>, Vec<u8>) {
        let text = |kind: &str| std::fs::read_to_string(self.out.join(format!("{device}.{kind}"))).unwrap();
        let key = PrivateKey::from_pem(&Secret::new(text("key"))).unwrap().public().unwrap().to_der();
        let end = "-----END CERTIFICATE-----";
        let chain = text("crt");
        let leaf = format!("{}{end}\n", chain.split(end).next().unwrap());
        (key, read_certificate(&certificate_der(&leaf).unwrap()).unwrap().public_key_der)
    }
}

/// Waits until so many files are there, or the import is through.
fn reach(fleet: &Fleet, import: &mut Child, kind: &str, count: usize) {
    wait_for("the import is so far", || {
        let is_over = import.try_wait().unwrap().is_some();
        (is_over || fleet.count(kind) >= count).then_some(())
    });
}

#[test]
fn a_killed_import_comes_to_one_identity_for_each_line() {
    let mut server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let fleet = Fleet::write(folder.path());
    for (number, (kind, count)) in KILLED_AT.into_iter().enumerate() {
        let mut import = fleet.begin(&server);
        reach(&fleet, &mut import, kind, count);
        if number % 3 == 2 {
            server = Server::start_in(server.kill());
        } else {
            // It may have ended by itself, which is as good.
            let _ = import.kill();
        }
        import.wait().unwrap();
    }
    let report = server.json(&fleet.args());
    let counts = ["lines", "faulty"].map(|count| report[count].as_u64().unwrap());
    assert_eq!(counts, [DEVICES as u64, 0], "{report}");
    check(&server, &fleet);
    let again = server.json(&fleet.args());
    assert_eq!((&again["unchanged"], &again["keys_made"]), (&DEVICES.into(), &0.into()));
    let imports = server.json(&["devices", "imports"]);
    let known = imports.as_array().unwrap();
    assert_eq!((known.len(), &known[0]["file"], &known[0]["status"]), (1, &"fleet.csv".into(), &"done".into()));
    assert_eq!(known[0]["report"]["line"], DEVICES + 1);
}

/// One active certificate for each line, for the key that is in its file.
fn check(server: &Server, fleet: &Fleet) {
    let page = server.json(&["devices", "list", "--limit", "1000"]);
    let devices: &Vec<Value> = page["devices"].as_array().unwrap();
    assert_eq!((devices.len(), fleet.count("key"), fleet.count("crt")), (DEVICES, DEVICES, DEVICES));
    for device in devices {
        let name = device["name"].as_str().unwrap();
        let certificates = device["certificates"].as_array().unwrap();
        assert_eq!((certificates.len(), &certificates[0]["status"]), (1, &"ACTIVE".into()), "{name}");
        let stored = certificates[0]["pem"].as_str().unwrap();
        let (key, certified) = fleet.keys(name);
        assert_eq!(key, certified, "{name}");
        assert_eq!(read_certificate(&certificate_der(stored).unwrap()).unwrap().public_key_der, key, "{name}");
    }
}

/// What cannot be read, lines with a request of their own, and lines of a device that has another key.
#[test]
fn lines_keep_their_requests_and_faults_their_numbers() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let theirs = inside("theirs");
    server.json(&["devices", "onboard", "pump-01", "--out", &theirs]);
    let key = PrivateKey::from_pem(&Secret::new(std::fs::read_to_string(format!("{theirs}/pump-01.key")).unwrap()));
    let request = andon_devices::pki::SigningRequest::of(&key.unwrap()).unwrap();
    let rows = [
        serde_json::json!({ "device": "pump-01", "csr": request }).to_string(),
        "{ \"device\": \"a b\" }".to_owned(),
        serde_json::json!({ "device": "pump-02", "key": "ecdsa_p384" }).to_string(),
    ];
    let file = inside("fleet.jsonl");
    std::fs::write(&file, rows.join("\n")).unwrap();
    let nowhere = server.run(&["devices", "import", &file]);
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("line 3"), "{nowhere:?}");
    let out = inside("bundle");
    let told = server.run(&["devices", "import", &file, "--out", &out, "--json"]);
    let report: Value = serde_json::from_slice(&told.stdout).unwrap();
    let counts = ["onboarded", "unchanged", "keys_made", "faulty"].map(|count| report[count].as_u64().unwrap());
    assert_eq!((told.status.success(), counts, &report["faults"][0][0]), (false, [1, 1, 1, 1], &2.into()));
    assert!(!Path::new(&out).join("pump-01.key").exists() && Path::new(&out).join("pump-01.crt").exists());
    assert!(std::fs::read_to_string(Path::new(&out).join("pump-02.key")).unwrap().contains("PRIVATE KEY"));
    let known = server.json(&["devices", "imports"]);
    assert_eq!((&known[0]["report"]["faulty"], &known[0]["report"]["faults"][0]["line"]), (&1.into(), &2.into()));
    let elsewhere = server.run(&["devices", "import", &file, "--out", &inside("another"), "--json"]);
    let report: Value = serde_json::from_slice(&elsewhere.stdout).unwrap();
    assert_eq!(report["faulty"], 2, "pump-02 has another key: {report}");
}
