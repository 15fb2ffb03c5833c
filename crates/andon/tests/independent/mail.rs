//! Letters to aiosmtpd: encrypted, signed in, and also when the mail server or Andon was away.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use andon_devices::SystemEntropy;
use andon_devices::pki::{KeyKind, ServerTerms};
use andon_devices::registry::authorities::{AuthorityPlan, Making, found, server_certificate, trust_anchors};
use andon_model::{Clock, SystemClock};
use andon_testkit::MemoryRegistry;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Server, wait_for};
use crate::tools::{installed, own};

/// What `server.py` lets in.
const PASSWORD: &str = "s3cret-of-the-mail-server";

/// The mail server, with a certificate of its own authority.
struct MailServer {
    child: Child,
    port: String,
    folder: TempDir,
}

impl MailServer {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("letters")).unwrap();
        certify(folder.path());
        let python = installed("mail-server", "requirements.txt").join("bin/python");
        let mut command = Command::new(python);
        command.args(["-B", "-I"]).arg(own("mail-server/server.py")).arg(folder.path());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { child, port: port.trim().to_owned(), folder }
    }

    /// A running Andon that hands letters to it, once it has the password.
    fn andon(&self, ca: &str) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let (port, ca) = (&self.port, self.folder.path().join(ca));
        let text = format!(
            "[devices]\npublic_url = 'https://andon.plant.example'\n\
             [mail]\nhost = 'localhost'\nport = {port}\nfrom = 'andon@plant.example'\nca = '{}'\nuser = 'andon'\n\
             password = {{ secret = 'smtp' }}\n",
            ca.display(),
        );
        std::fs::write(folder.path().join("andon.toml"), text).unwrap();
        Server::start_in(folder)
    }

    /// The same, with the password.
    fn andon_with_password(&self) -> Server {
        let server = self.andon("ca.pem");
        set_password(&server, PASSWORD);
        server
    }

    /// Switches one of the levers of `server.py` on.
    fn pull(&self, lever: &str) {
        std::fs::write(self.folder.path().join(lever), "").unwrap();
    }

    fn release(&self, lever: &str) {
        std::fs::remove_file(self.folder.path().join(lever)).unwrap();
    }

    fn letters(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path().join("letters")).unwrap().map(|file| file.unwrap().path());
        let whole = files.filter(|path| path.extension().is_some_and(|kind| kind == "eml"));
        whole.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// `certificate.pem` and `key.pem` for localhost, `ca.pem` that they come from, and `other.pem`, that they do not.
fn certify(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    // The certificate must be good today.
    let now = SystemClock.now();
    let making = Making { keys: &SystemEntropy, entropy: &SystemEntropy, now };
    runtime.block_on(async {
        for (name, is_ours) in [("ca.pem", true), ("other.pem", false)] {
            let registry = MemoryRegistry::default();
            found(&registry, &AuthorityPlan::default(), making).await.unwrap();
            std::fs::write(folder.join(name), trust_anchors(&registry, now).await.unwrap()).unwrap();
            if is_ours {
                let terms = ServerTerms { hosts: vec!["localhost".to_owned()], addresses: Vec::new(), days: 1 };
                let made = server_certificate(&registry, &terms, KeyKind::EcdsaP256, making).await.unwrap();
                std::fs::write(folder.join("certificate.pem"), made.0).unwrap();
                std::fs::write(folder.join("key.pem"), made.1.expose()).unwrap();
            }
        }
    });
}

fn set_password(server: &Server, password: &str) {
    let set = server.feed(&["secret", "set", "smtp"], password);
    assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
}

fn onboard(server: &Server, to: &str, more: &[&str]) {
    let args: Vec<&str> = ["devices", "onboard", "pump-01", "--mail-to", to].iter().chain(more).copied().collect();
    server.json(&args);
}

/// The one letter that there is.
fn state(server: &Server) -> Value {
    server.json(&["devices", "letters"])["letters"][0].clone()
}

fn wait_for_status(server: &Server, status: &str) -> Value {
    wait_for(status, || Some(state(server)).filter(|letter| letter["status"] == status))
}

/// What `andon doctor` says of the mail server.
fn diagnosis(server: &Server) -> (String, String) {
    let told = server.run(&["doctor", "--json"]);
    let lines: Value = serde_json::from_slice(&told.stdout).unwrap();
    let line = lines.as_array().unwrap().iter().find(|line| line["what"] == "mail server").expect("a line");
    let text = |member: &str| line[member].as_str().unwrap().to_owned();
    (text("health"), text("seen"))
}

fn message_id(letter: &str) -> &str {
    letter.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("a message id").trim()
}

#[test]
fn the_outcome_of_an_onboarding_is_mailed() {
    let mail = MailServer::start();
    let server = mail.andon_with_password();
    let made = ["oauth", "clients", "create", "--public", "--scope", "andon/devices", "--grant", "refresh_token"];
    let client = server.json(&made);
    let client = client["id"].as_str().unwrap();
    let out = server.folder.path().join("bundle");
    onboard(&server, "ada@plant.example", &["--mail-client", client, "--out", out.to_str().unwrap()]);
    let letter = wait_for_status(&server, "sent");
    let letters = mail.letters();
    let text = &letters[0];
    for part in [
        "To: ada@plant.example",
        "Subject: Device pump-01 is onboarded",
        "MQTT endpoint   localhost:",
        "API URL         https://andon.plant.example",
        &format!("Client id       {client}"),
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert_eq!(message_id(text), format!("<{}@plant.example>", letter["id"].as_str().unwrap()));
    assert!(letters.len() == 1 && !text.contains("PRIVATE KEY"), "{letters:?}");
    let token = text.lines().find_map(|line| line.strip_prefix("Refresh token")).expect("a token").trim();
    assert!(!server.get("/api/v1/letters").contains(token) && !server.log().contains(token), "the token is shown");
    assert!(refreshes(&server, client, token), "the token of the letter is good");
    onboard(&server, "ada@plant.example", &["--mail-client", client, "--out", out.to_str().unwrap()]);
    let written = || server.json(&["devices", "letters"])["letters"].as_array().unwrap().len();
    assert_eq!(written(), 1, "the same command writes no second letter");
    onboard(&server, "ada@plant.example", &["--mail-client", client, "--mail-again"]);
    assert_eq!(written(), 2);
    assert_eq!(diagnosis(&server), ("ok".to_owned(), format!("localhost:{} answers", mail.port)));
}

/// As the gateway's wizard does with what stands in the letter.
fn refreshes(server: &Server, client: &str, token: &str) -> bool {
    let form = format!("grant_type=refresh_token&client_id={client}&refresh_token={token}");
    let request = reqwest::Client::builder().build().unwrap().post(format!("{}/oauth2/token?{form}", server.url));
    tokio::runtime::Runtime::new().unwrap().block_on(request.send()).unwrap().status().is_success()
}

#[test]
fn a_letter_waits_for_mail_server_and_password_over_a_restart() {
    let mail = MailServer::start();
    let server = mail.andon("ca.pem");
    onboard(&server, "ada@plant.example", &[]);
    let missing = wait_for("a reason", || Some(state(&server)).filter(|letter| !letter["problem"].is_null()));
    assert_eq!((&missing["status"], &missing["problem"]["code"]), (&"waiting".into(), &"AND-4008".into()), "{missing}");
    set_password(&server, "a wrong password");
    wait_for("a refusal", || Some(state(&server)).filter(|letter| letter["problem"]["code"] == "AND-7009"));
    let (health, seen) = diagnosis(&server);
    assert!(health == "fail" && seen.contains("535") && !seen.contains("wrong password"), "{health} {seen}");
    mail.pull("busy");
    set_password(&server, PASSWORD);
    let is_put_off =
        |letter: &Value| letter["problem"]["detail"].as_str().is_some_and(|why| why.contains("answered 451"));
    wait_for("a letter put off", || Some(state(&server)).filter(is_put_off));
    let folder = server.kill();
    mail.release("busy");
    let server = Server::start_in(folder);
    let sent = wait_for_status(&server, "sent");
    assert_eq!((mail.letters().len(), &sent["id"]), (1, &missing["id"]));
}

#[test]
fn a_letter_whose_answer_is_lost_comes_again_under_the_same_id() {
    let mail = MailServer::start();
    let server = mail.andon_with_password();
    mail.pull("drops");
    onboard(&server, "ada@plant.example", &[]);
    let letter = wait_for_status(&server, "sent");
    let letters = mail.letters();
    let ids: BTreeSet<&str> = letters.iter().map(|letter| message_id(letter)).collect();
    assert_eq!((letters.len(), ids.len(), letter["attempts"].as_u64()), (2, 1, Some(2)), "{letters:?}");
}

#[test]
fn a_recipient_whom_nobody_knows_is_given_up_and_told() {
    let mail = MailServer::start();
    let server = mail.andon_with_password();
    onboard(&server, "nobody@plant.example", &[]);
    let letter = wait_for_status(&server, "given_up");
    let (code, why) = (&letter["problem"]["code"], letter["problem"]["detail"].as_str().unwrap());
    assert!(code == "AND-7010" && why.contains("answered 550") && !why.contains("nobody of that name"), "{letter}");
    assert_eq!(mail.letters(), Vec::<String>::new());
}

#[test]
fn a_mail_server_of_another_authority_hears_nothing() {
    let mail = MailServer::start();
    let server = mail.andon("other.pem");
    set_password(&server, PASSWORD);
    onboard(&server, "ada@plant.example", &[]);
    let letter = wait_for("the reason", || Some(state(&server)).filter(|letter| !letter["problem"].is_null()));
    assert!(letter["problem"]["detail"].as_str().unwrap().contains("certificate"), "{letter}");
    assert_eq!((diagnosis(&server).0.as_str(), mail.letters()), ("fail", Vec::new()));
}
