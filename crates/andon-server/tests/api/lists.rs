//! Revocation lists as others read them: `openssl verify` with the list that a certificate names.

use std::path::{Path, PathBuf};
use std::process::Command;

use andon_journal::Role;
use serde_json::{Value, json};

use crate::support::{NOW, World, request};

/// Where certificates say that the API is.
const PUBLIC: &str = "http://andon.plant.example";

struct Place {
    world: World,
    folder: PathBuf,
}

impl Place {
    async fn new(name: &str) -> Self {
        let world = World::with_office(|office| office.settings.public_url = Some(PUBLIC.to_owned())).await;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self { world, folder }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn admin(&self, path: &str, body: &Value) -> Value {
        let answer = self.world.tell(Role::Admin, "POST", path, body).await;
        assert!(answer.status.is_success(), "{path}: {:?}", answer.body);
        answer.json()
    }

    /// A device's certificate, in a file.
    async fn onboard(&self, device: &str) -> PathBuf {
        let made = self.admin("/api/v1/devices", &json!({ "device": device })).await;
        self.file(&format!("{device}.pem"), made["certificates"][0]["pem"].as_str().unwrap())
    }

    /// The authorities whose name opens so, in a file.
    async fn authorities(&self, opens: &str) -> PathBuf {
        let all = self.world.ask(Role::Viewer, "GET", "/api/v1/authorities").await.json();
        let meant = all.as_array().unwrap().iter().filter(|known| known["name"].as_str().unwrap().starts_with(opens));
        let text: String = meant.map(|known| known["certificate"].as_str().unwrap()).collect();
        self.file(&format!("{opens}.pem"), &text)
    }

    async fn list(&self, path: &str) -> Vec<u8> {
        let answer = self.world.send(request("GET", path).empty()).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}");
        answer.body.to_vec()
    }

    /// The path of the list that a certificate names.
    fn named(certificate: &Path) -> String {
        let mut command = Command::new("openssl");
        command.args(["x509", "-noout", "-ext", "crlDistributionPoints", "-in"]).arg(certificate);
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let at = text.find(PUBLIC).unwrap() + PUBLIC.len();
        text[at..].split_whitespace().next().unwrap().to_owned()
    }

    /// Whether OpenSSL accepts a certificate by these lists, and what it says.
    async fn verify(&self, certificate: &Path, lists: &[u8], check: &str) -> (bool, String) {
        let file = self.folder.join("lists");
        std::fs::write(&file, lists).unwrap();
        let mut command = Command::new("openssl");
        command.args(["verify", check, "-attime", &(NOW + 60).to_string(), "-CAfile"]);
        command.arg(self.authorities("root").await).arg("-untrusted").arg(self.authorities("issuing").await);
        let output = command.arg("-CRLfile").arg(file).arg(certificate).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }
}

#[tokio::test]
async fn openssl_checks_old_and_new_certificates_by_the_lists_that_they_name() {
    let place = Place::new("lists-named").await;
    let (old, old_revoked) = (place.onboard("pump-01").await, place.onboard("pump-02").await);
    place.admin("/api/v1/authorities/rotate", &json!({})).await;
    let (new, new_revoked) = (place.onboard("pump-03").await, place.onboard("pump-04").await);
    place.admin("/api/v1/devices/pump-02/revoke", &json!({})).await;
    place.admin("/api/v1/devices/pump-04/revoke", &json!({})).await;
    // The certificate of a device that is gone stays revoked.
    let gone = place.onboard("pump-05").await;
    assert_eq!(place.world.ask(Role::Admin, "DELETE", "/api/v1/devices/pump-05").await.status, 204);
    let all = place.list("/crl/all.pem").await;
    for (certificate, named, revoked) in [
        (&old, "/crl/issuing-1.crl", false),
        (&old_revoked, "/crl/issuing-1.crl", true),
        (&new, "/crl/issuing-2.crl", false),
        (&new_revoked, "/crl/issuing-2.crl", true),
        (&gone, "/crl/issuing-2.crl", true),
    ] {
        assert_eq!(Place::named(certificate), named, "{}", certificate.display());
        let own = place.list(named).await;
        for (lists, check) in [(&own, "-crl_check"), (&all, "-crl_check"), (&all, "-crl_check_all")] {
            let (good, said) = place.verify(certificate, lists, check).await;
            assert_eq!((good, said.contains("certificate revoked")), (!revoked, revoked), "{check} {said}");
        }
    }
    let (good, said) = place.verify(&old, &place.list("/crl/issuing-2.crl").await, "-crl_check").await;
    assert!(!good && said.contains("unable to get certificate CRL"), "each authority has its own: {said}");
    assert_eq!(place.list("/crl/devices.crl").await, place.list("/crl/issuing-2.crl").await, "the one that signs");
}

#[tokio::test]
async fn a_distrusted_authority_has_no_list_and_stands_on_that_of_its_root() {
    let place = Place::new("lists-distrusted").await;
    let old = place.onboard("pump-01").await;
    place.admin("/api/v1/authorities/rotate", &json!({})).await;
    let new = place.onboard("pump-02").await;
    place.admin("/api/v1/authorities/issuing-1/distrust", &json!({})).await;
    for path in ["/crl/issuing-1.crl", "/crl/issuing-9.crl", "/crl/issuing-2"] {
        assert_eq!(place.world.send(request("GET", path).empty()).await.status.as_u16(), 404, "{path}");
    }
    let all = place.list("/crl/all.pem").await;
    let (good, said) = place.verify(&old, &all, "-crl_check").await;
    assert!(!good && said.contains("unable to get certificate CRL"), "{said}");
    let issuing = place.authorities("issuing-1").await;
    let (good, said) = place.verify(&issuing, &place.list("/crl/root-1.crl").await, "-crl_check").await;
    assert!(!good && said.contains("certificate revoked"), "{said}");
    let (good, said) = place.verify(&new, &all, "-crl_check_all").await;
    assert!(good, "{said}");
}
