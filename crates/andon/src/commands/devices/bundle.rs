//! What is handed over for a device: on the terminal, or as files in a folder with a command to try them and a QR code.
//!
//! The QR code says where the device connects and as whom, and names the root to trust by its fingerprint:
//! `mqtts://pump-01@plant.example:8883/data/pump-01?root=<SHA-256 of the certificate>`. Nothing in it is secret, so that it
//! may be printed and stuck to the device; the key stays in its file.

use std::path::{Path, PathBuf};

use andon_devices::pki::certificate_der;
use andon_devices::registry::authorities::{chain, roots};
use andon_devices::registry::{AuthorityRecord, AuthorityRole};
use andon_devices::{Certificate, CertificateId, CertificateStatus, Device, DeviceName};
use andon_model::Code;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use super::{DeviceView, keys};
use crate::client::{Client, segment};
use crate::commands::Context;
use crate::config::Settings;
use crate::output::Failure;
use crate::scenario::local;
use crate::wiring::write_private;

/// The file of roots without its ending. Some file systems know no case.
const ROOT: &str = "root";

/// Where a device connects, and what it publishes to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Connection {
    host: String,
    port: u16,
    topic: String,
}

impl Connection {
    /// The server tells the host, and the port while its door is open; what it does not tell is as in the settings of this
    /// machine.
    fn of(view: &DeviceView, settings: &Settings) -> Self {
        let told = view.connection.as_ref();
        let host = told.map_or(&settings.devices.endpoint, |told| &told.endpoint).clone();
        let port = told.and_then(|told| told.port).unwrap_or(settings.mqtt.listen.port());
        Self { host, port, topic: below_root(&settings.devices.root_topic, view.device.name.as_str()) }
    }

    /// A command that publishes with the files of the bundle.
    fn example(&self, device: &DeviceName, folder: &Path, key: &Path) -> String {
        let (root, certificate) = (root_file(folder), file_of(folder, device, "crt"));
        let [root, certificate, key] = [root.as_path(), certificate.as_path(), key].map(quoted);
        let Self { host, port, topic } = self;
        format!(
            "mosquitto_pub -h {host} -p {port} --cafile {root} --cert {certificate} --key {key} -i {device} -q 1 \
             -t {topic} -m '{{}}'"
        )
    }

    /// What the QR code says.
    fn url(&self, device: &DeviceName, root: Option<&CertificateId>) -> String {
        let Self { host, port, topic } = self;
        let root = root.map(|root| format!("?root={}", root.as_str())).unwrap_or_default();
        format!("mqtts://{}@{host}:{port}/{topic}{root}", segment(device.as_str()))
    }
}

/// A topic below a root, which may be a filter as in `data/#`.
pub(crate) fn below_root(root: &str, level: &str) -> String {
    let root = root.trim_end_matches('#').trim_end_matches('/');
    if root.is_empty() { level.to_owned() } else { format!("{root}/{level}") }
}

/// Where the key of a device is.
#[derive(Debug)]
pub(super) enum KeyPlace<'a> {
    /// In this file.
    File(&'a Path),
    /// Where its signing request was made; this is its public half, in DER.
    Device(Vec<u8>),
    /// In the answer of the server, if that hands it over.
    Server,
}

/// What to do when the certificates of a device are for other keys, or are no longer in force.
const ANOTHER_CERTIFICATE: &str = "`andon devices show` has its certificates; `andon devices rotate` gives another, \
                                   `andon devices activate` makes an INACTIVE one ACTIVE again";

/// Stands in an example for the file of a key that is not here.
const KEY_ELSEWHERE: &str = "KEY";

/// Prints certificate and key, or writes them; says what was done, `told`, and how they are used.
pub(super) async fn hand_over(
    view: &DeviceView,
    told: &str,
    folder: Option<&Path>,
    place: KeyPlace<'_>,
    client: &Client,
    context: &Context,
) -> anyhow::Result<()> {
    let Some(folder) = folder else {
        let key = view.private_key.as_deref().unwrap_or_default();
        let certificate = newest(&view.device).map_or("", |known| known.pem.as_str());
        context.output.say(view, |_| format!("{certificate}{key}"))?;
        return context.output.remark(told);
    };
    let authorities: Vec<AuthorityRecord> = client.get("/api/v1/authorities").await?;
    write(view, folder, &place, &authorities)?;
    let name = &view.device.name;
    let connection = Connection::of(view, &context.settings);
    let (held, key) = held(view, folder, &place);
    context.output.say(view, |_| format!("{told}\n{held}\n{}", connection.example(name, folder, &key)))?;
    if context.output.is_on_terminal() {
        let root = authorities.iter().rfind(|known| known.role == AuthorityRole::Root && known.retired.is_none());
        let root = root.and_then(|root| Some(CertificateId::of(&certificate_der(&root.certificate).ok()?)));
        context.output.note(&qr_code(&connection.url(name, root.as_ref()))?)?;
    }
    Ok(())
}

/// What the folder has, and the file with the key.
fn held(view: &DeviceView, folder: &Path, place: &KeyPlace<'_>) -> (String, PathBuf) {
    let (name, shown) = (&view.device.name, folder.display());
    match place {
        KeyPlace::File(key) => (format!("{shown} has what it needs"), key.to_path_buf()),
        KeyPlace::Server if view.private_key.is_some() => {
            (format!("{shown} has what it needs"), file_of(folder, name, "key"))
        }
        KeyPlace::Device(_) => {
            let held =
                format!("{shown} has certificate and root; put the file in which the device has its key for KEY");
            (held, PathBuf::from(KEY_ELSEWHERE))
        }
        KeyPlace::Server => {
            let held = format!("{shown} has certificate and root; put the file to which its key went for KEY");
            (held, PathBuf::from(KEY_ELSEWHERE))
        }
    }
}

/// For a dark or a light terminal alike: the quiet zone is part of the picture.
fn qr_code(text: &str) -> anyhow::Result<String> {
    Ok(QrCode::new(text)?.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

/// The file of a device in a bundle. A device of the name of [`ROOT`] has files of its own: no device's name has a dot.
pub(super) fn file_of(folder: &Path, device: &DeviceName, kind: &str) -> PathBuf {
    let is_taken = device.as_str().eq_ignore_ascii_case(ROOT);
    folder.join(if is_taken { format!("{device}.device.{kind}") } else { format!("{device}.{kind}") })
}

/// What devices trust, in a bundle.
fn root_file(folder: &Path) -> PathBuf {
    folder.join(format!("{ROOT}.crt"))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-:".contains(&b));
    if is_plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// `<device>.crt`, `<device>.key` if the server hands one over, `root.crt`. The certificate is the one for the key, where
/// that is known.
fn write(
    view: &DeviceView,
    folder: &Path,
    place: &KeyPlace<'_>,
    authorities: &[AuthorityRecord],
) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| local(folder, error.to_string()))?;
    let name = &view.device.name;
    let certificate = match place {
        KeyPlace::File(file) => {
            let key = keys::read(file)?.public().map_err(|error| local(file, error.to_string()))?;
            certified(&view.device, &key.to_der())
        }
        KeyPlace::Device(key) => certified(&view.device, key),
        KeyPlace::Server => newest(&view.device),
    };
    let none = || Failure::new(Code::CertificateState, format!("{name} has no certificate in force for this key"));
    let certificate = certificate.ok_or_else(|| none().remedy(ANOTHER_CERTIFICATE))?;
    write_certificate(folder, name, certificate, authorities)?;
    write_roots(folder, authorities)?;
    if let Some(key) = &view.private_key {
        write_private(&file_of(folder, name, "key"), key)?;
    }
    Ok(())
}

/// `<device>.crt`: the certificate, and the authorities between it and the roots, as TLS wants them.
pub(super) fn write_certificate(
    folder: &Path,
    device: &DeviceName,
    certificate: &Certificate,
    authorities: &[AuthorityRecord],
) -> Result<(), Failure> {
    put(&file_of(folder, device, "crt"), &format!("{}{}", certificate.pem, chain(authorities, &certificate.pem)))
}

/// `root.crt`: what devices trust, the old roots too until they are distrusted.
pub(super) fn write_roots(folder: &Path, authorities: &[AuthorityRecord]) -> Result<(), Failure> {
    put(&root_file(folder), &roots(authorities))
}

fn put(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| local(file, error.to_string()))
}

/// The newest certificate in force that is for this key (a `SubjectPublicKeyInfo` in DER).
pub(super) fn certified<'a>(device: &'a Device, key: &[u8]) -> Option<&'a Certificate> {
    let is_for = |known: &Certificate| known.facts().is_ok_and(|facts| facts.public_key_der == key);
    device.certificates.iter().rfind(|known| known.status == CertificateStatus::Active && is_for(known))
}

fn newest(device: &Device) -> Option<&Certificate> {
    device.certificates.iter().rfind(|known| known.status == CertificateStatus::Active)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_begin_with_the_root() {
        let check = |root: &str, expect: &str| assert_eq!(below_root(root, "pump-01"), expect, "{root}");
        check("data/#", "data/pump-01");
        check("plant/1710/#", "plant/1710/pump-01");
        check("#", "pump-01");
    }

    #[test]
    fn no_device_takes_the_file_of_the_roots() {
        let check = |device: &str, expect: &str| {
            let file = file_of(Path::new("bundle"), &device.parse().unwrap(), "crt");
            assert_eq!(
                (file.as_path(), file == root_file(Path::new("bundle"))),
                (Path::new(expect), false),
                "{device}"
            );
        };
        check("pump-01", "bundle/pump-01.crt");
        check("root", "bundle/root.device.crt");
        check("Root", "bundle/Root.device.crt");
        check("roots", "bundle/roots.crt");
    }

    #[test]
    fn a_command_survives_odd_folders() {
        let device: DeviceName = "pump-01".parse().unwrap();
        let connection = Connection { host: "plant.example".into(), port: 8883, topic: "data/pump-01".into() };
        let line = connection.example(&device, Path::new("my bundle"), Path::new("it's.key"));
        assert_eq!(
            line,
            "mosquitto_pub -h plant.example -p 8883 --cafile 'my bundle/root.crt' --cert 'my bundle/pump-01.crt' \
             --key 'it'\\''s.key' -i pump-01 -q 1 -t data/pump-01 -m '{}'"
        );
    }

    #[test]
    fn the_code_fits_a_terminal() {
        let url = Connection { host: "mqtt.plant-1710.example".into(), port: 8883, topic: "data/pump-01".into() }
            .url(&"pump-01".parse().unwrap(), Some(&CertificateId::of(b"root")));
        let code = qr_code(&url).unwrap();
        let width = code.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(width <= 80 && code.lines().count() <= 40, "{width} columns, {} lines", code.lines().count());
    }
}
