//! Who the MQTT door is: a certificate of its own, issued at each start and again long before it ends.

use std::net::IpAddr;
use std::sync::Arc;

use andon_devices::SystemEntropy;
use andon_devices::pki::{KeyKind, ServerTerms};
use andon_devices::registry::authorities::{Making, server_certificate, signing, trust_anchors};
use andon_devices::registry::{AuthorityRole, Registry};
use andon_model::{Clock, Problem};
use andon_mqtt::ServerIdentity;

/// Life of the door's certificate, in days.
pub(super) const DAYS: u32 = 90;

/// The name under which a machine knows itself.
const LOCALHOST: &str = "localhost";

/// Issues certificates for the door.
pub(super) struct Issuer {
    pub(super) registry: Arc<dyn Registry>,
    pub(super) clock: Arc<dyn Clock>,
    /// The host that devices are told to connect to: a name or an address.
    pub(super) endpoint: String,
    /// Where the door listens.
    pub(super) listening: Vec<IpAddr>,
}

impl Issuer {
    /// A fresh certificate, and the authorities whose devices may come in. `None` while there is no authority.
    pub(super) async fn issue(&self) -> Result<Option<ServerIdentity>, Problem> {
        let registry = self.registry.as_ref();
        if signing(registry, AuthorityRole::Issuing).await?.is_none() {
            return Ok(None);
        }
        let (now, chance) = (self.clock.now(), SystemEntropy);
        let making = Making { keys: &chance, entropy: &chance, now };
        let (chain_pem, key_pem) = server_certificate(registry, &self.terms(), KeyKind::EcdsaP256, making).await?;
        Ok(Some(ServerIdentity { chain_pem, key_pem, authorities_pem: trust_anchors(registry, now).await? }))
    }

    fn terms(&self) -> ServerTerms {
        let mut hosts = vec![LOCALHOST.to_owned()];
        let mut addresses = vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
        addresses.extend(self.listening.iter().filter(|address| !address.is_unspecified()));
        match self.endpoint.parse() {
            Ok(address) => addresses.push(address),
            Err(_) => hosts.insert(0, self.endpoint.clone()),
        }
        addresses.sort_unstable();
        addresses.dedup();
        hosts.dedup();
        ServerTerms { hosts, addresses, days: DAYS }
    }
}
