//! One root follows another while devices are connected, as a plant does it: with `mosquitto_pub`, which verifies by
//! OpenSSL.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use andon_devices::pki::{NameField, certificate_der, read_certificate};
use serde_json::Value;

use crate::common::{Server, wait_for};
use crate::quickstart::door_port;

/// A device with its bundle.
struct Device {
    name: &'static str,
    folder: PathBuf,
    port: String,
}

impl Device {
    fn onboard(server: &Server, name: &'static str) -> Self {
        let folder = server.folder.path().join(name);
        server.json(&["devices", "onboard", name, "--out", folder.to_str().unwrap()]);
        Self { name, folder, port: door_port(server) }
    }

    /// What every client of the door is told.
    fn command(&self, mut command: Command, root: &Path, topic: &str) -> Command {
        command.args(["-h", "localhost", "-p", &self.port, "-i", self.name, "-q", "1"]);
        command.args(["-t", topic]).arg("--cafile").arg(root);
        for (option, kind) in [("--cert", "crt"), ("--key", "key")] {
            command.arg(option).arg(self.folder.join(format!("{}.{kind}", self.name)));
        }
        command
    }

    /// Whether a message arrives when the device trusts what is in this file.
    fn publishes(&self, root: &Path) -> bool {
        let mut limited = Command::new("timeout");
        limited.args(["20", "mosquitto_pub"]);
        let mut command = self.command(limited, root, &format!("data/{}", self.name));
        command.args(["-m", "{}"]).output().expect("mosquitto-clients are installed").status.success()
    }

    /// Listens until it is killed; through a program between them, the kill would not reach it.
    fn listen(&self, root: &Path) -> Child {
        let mut command = self.command(Command::new("mosquitto_sub"), root, &format!("commands/{}/#", self.name));
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn roots(&self) -> String {
        std::fs::read_to_string(self.folder.join("root.crt")).unwrap()
    }
}

/// The authority of this name.
fn authority<'a>(all: &'a Value, name: &str) -> &'a Value {
    all.as_array().unwrap().iter().find(|known| known["name"] == name).unwrap()
}

/// Organization and common name.
fn subject(authority: &Value) -> [String; 2] {
    let der = certificate_der(authority["certificate"].as_str().unwrap()).unwrap();
    let facts = read_certificate(&der).unwrap();
    [NameField::Organization, NameField::CommonName]
        .map(|wanted| facts.subject.iter().find(|(field, _)| *field == wanted).unwrap().1.clone())
}

#[test]
fn devices_of_both_roots_connect_until_the_old_one_is_distrusted() {
    let server = Server::start();
    server.json(&["ca", "init", "--name", "Plant 1710", "--organization", "Example"]);
    let old = Device::onboard(&server, "pump-01");
    let only = |name: &str, authority: &Value| {
        let file = server.folder.path().join(name);
        std::fs::write(&file, authority["certificate"].as_str().unwrap()).unwrap();
        file
    };
    let issuing = server.json(&["ca", "rotate"]);
    assert_eq!(subject(authority(&issuing, "issuing-2")), ["Example", "Plant 1710 issuing-2"]);
    let all = server.json(&["ca", "rotate", "--root"]);
    assert_eq!(subject(authority(&all, "root-2")), ["Example", "Plant 1710 root-2"]);
    assert_eq!(authority(&all, "root-2")["cross"]["by"], "root-1");
    let [root_1, root_2] = ["root-1", "root-2"].map(|name| only(name, authority(&all, name)));
    let new = Device::onboard(&server, "pump-02");
    assert_eq!([&old, &new].map(|device| device.roots().matches("BEGIN").count()), [1, 2]);

    wait_for("the door shows a certificate of the new root", || new.publishes(&root_2).then_some(()));
    for (device, root) in [(&old, &root_1), (&old, &root_2), (&new, &root_1), (&new, &new.folder.join("root.crt"))] {
        assert!(device.publishes(root), "{} trusts {}", device.name, root.display());
    }

    let mut live = old.listen(&root_1);
    wait_for("the old device is connected", || {
        let sessions = server.json(&["mqtt", "sessions"]);
        sessions.to_string().contains("pump-01").then_some(())
    });
    assert!(!server.run(&["ca", "distrust", "root-2", "--yes"]).status.success(), "it signs");
    let asked = server.run(&["ca", "distrust", "root-1"]);
    let told = String::from_utf8_lossy(&asked.stderr).into_owned() + &String::from_utf8_lossy(&asked.stdout);
    assert!(!asked.status.success() && told.contains("cut off would be 1: pump-01"), "{told}");
    let names = |list: &[&str]| {
        let page = server.json(list);
        let names = page["devices"].as_array().unwrap().iter().map(|device| device["name"].clone());
        names.collect::<Vec<_>>()
    };
    let depending = ["devices", "list", "--authority", "root-1"];
    assert_eq!(names(&depending), ["pump-01"]);
    let all = server.json(&["ca", "distrust", "root-1", "--yes"]);
    assert_eq!(names(&depending), ["pump-01"]);
    for name in ["root-1", "issuing-1", "issuing-2"] {
        assert!(authority(&all, name)["distrusted"].is_string(), "{name}");
    }
    wait_for("it is shown", || (server.json(&["devices", "show", "pump-01"])["cut_off"] == true).then_some(()));
    wait_for("the old device is cut off", || {
        (!server.json(&["mqtt", "sessions"]).to_string().contains("pump-01")).then_some(())
    });
    let doctor = String::from_utf8(server.run(&["doctor"]).stdout).unwrap();
    assert!(doctor.contains("1 are cut off, pump-01 first: "), "{doctor}");
    let _ = live.kill();
    live.wait().unwrap();
    assert!(!old.publishes(&root_1) && !old.publishes(&root_2), "its authority is distrusted");
    wait_for("nobody vouches for the new root", || (!new.publishes(&root_1)).then_some(()));
    assert!(new.publishes(&root_2));
    let exported = server.run(&["ca", "export"]).stdout;
    assert_eq!(String::from_utf8(exported).unwrap(), authority(&all, "root-2")["certificate"].as_str().unwrap());
    let folder = server.folder.path().join("again");
    let rotated = server.json(&["devices", "rotate", "pump-01", "--out", folder.to_str().unwrap()]);
    assert_eq!(rotated["name"], "pump-01");
    assert_eq!(names(&depending), [""; 0], "it has a certificate of another authority");
    let again = Device { folder, ..old };
    assert!(again.publishes(&root_2), "a certificate of the new root lets it in again");
}
