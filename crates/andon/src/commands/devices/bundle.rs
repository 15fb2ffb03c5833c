//! What is handed over for a device: on the terminal, or as files in a folder.

use std::path::Path;

use andon_devices::registry::{AuthorityRecord, AuthorityRole};
use andon_devices::{Certificate, CertificateStatus};

use super::DeviceView;
use crate::client::Client;
use crate::output::Output;
use crate::scenario::local;
use crate::wiring::write_private;

/// Prints certificate and key, or writes them; says how they are used.
pub(super) async fn hand_over(
    view: &DeviceView,
    folder: Option<&Path>,
    client: &Client,
    output: Output,
) -> anyhow::Result<()> {
    let Some(folder) = folder else {
        return output.say(view, |view| format!("{}{}", newest(view), view.private_key.as_deref().unwrap_or_default()));
    };
    let authorities: Vec<AuthorityRecord> = client.get("/api/v1/authorities").await?;
    write(view, folder, &authorities)?;
    let name = &view.device.name;
    output.say(view, |_| {
        format!("device {name} is onboarded; {} has what it needs\n{}", folder.display(), example(view, folder))
    })
}

/// `<device>.crt` (with the issuing authorities, as TLS wants them), `<device>.key` if there is one, `root.crt`.
pub(super) fn write(view: &DeviceView, folder: &Path, authorities: &[AuthorityRecord]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| local(folder, error.to_string()))?;
    let of_role = |role| authorities.iter().filter(move |known| known.role == role);
    let texts = |role| of_role(role).map(|known| known.certificate.as_str()).collect::<String>();
    let name = &view.device.name;
    let certificate = folder.join(format!("{name}.crt"));
    let chain = format!("{}{}", newest(view), texts(AuthorityRole::Issuing));
    std::fs::write(&certificate, chain).map_err(|error| local(&certificate, error.to_string()))?;
    let root = folder.join("root.crt");
    std::fs::write(&root, texts(AuthorityRole::Root)).map_err(|error| local(&root, error.to_string()))?;
    if let Some(key) = &view.private_key {
        write_private(&folder.join(format!("{name}.key")), key)?;
    }
    Ok(())
}

fn newest(view: &DeviceView) -> &str {
    let is_active = |known: &&Certificate| known.status == CertificateStatus::Active;
    view.device.certificates.iter().rfind(is_active).map_or("", |known| known.pem.as_str())
}

fn example(view: &DeviceView, folder: &Path) -> String {
    let (name, folder) = (&view.device.name, folder.display());
    format!(
        "mosquitto_pub -h <host> -p 8883 --cafile {folder}/root.crt --cert {folder}/{name}.crt --key {folder}/{name}.key \
         -i {name} -q 1 -t data/{name} -m '{{}}'"
    )
}
