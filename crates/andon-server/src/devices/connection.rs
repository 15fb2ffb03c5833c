//! What a device needs beside its certificate and key: whom to trust, what to send along, and where to connect.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use andon_devices::pki::{certificate_der, key_identifiers};
use andon_devices::registry::authorities::{Issuers, Reach, authorities, chains, roots};
use andon_devices::registry::{AuthorityRecord, DeviceFilter, Versioned};
use andon_devices::{Device, DeviceName};
use andon_model::{Problem, Timestamp};
use serde::Serialize;

use super::{AUTHORITY_AGE, Office};

/// Devices that are read at once, and how often, to fill a page of those that an authority lets in.
const EXAMINED: usize = 1_000;
const MAX_PAGES: usize = 20;

/// With this, a device finishes its onboarding by itself.
#[derive(Debug, Serialize)]
pub(crate) struct Connection {
    /// The host to connect to.
    endpoint: String,
    /// The port, while the door is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// The roots to trust, in PEM.
    roots: String,
    /// What is sent behind the newest certificate in force, in PEM.
    chain: String,
}

/// Roots and chains, as they were last read.
#[derive(Default)]
pub(super) struct TrustBook(RwLock<Option<(Timestamp, Arc<Trust>)>>);

struct Trust {
    roots: String,
    /// By the identifier of the issuing key.
    chains: BTreeMap<String, String>,
    issuers: Arc<Issuers>,
}

impl Office {
    /// How `device` connects, with the door at `port`.
    pub(crate) async fn connection(&self, device: &Device, port: Option<u16>) -> Result<Connection, Problem> {
        let trust = self.trust().await?;
        let chain = match device.current(self.now()) {
            None => String::new(),
            Some(known) => {
                let issuer = key_identifiers(&certificate_der(&known.pem)?)?.issuer;
                issuer.and_then(|issuer| trust.chains.get(&issuer).cloned()).unwrap_or_default()
            }
        };
        Ok(Connection { endpoint: self.settings.endpoint.clone(), port, roots: trust.roots.clone(), chain })
    }

    /// Who is trusted to let devices in, as it was a moment ago.
    pub(crate) async fn issuers(&self) -> Result<Arc<Issuers>, Problem> {
        Ok(Arc::clone(&self.trust().await?.issuers))
    }

    /// A page of the devices that nobody but this authority lets in, and after which name it goes on.
    ///
    /// # Errors
    /// [`Code::NotFound`](andon_model::Code::NotFound) when there is no such authority.
    pub(crate) async fn only_let_in_by(
        &self,
        authority: &str,
        filter: DeviceFilter,
    ) -> Result<(Vec<Device>, Option<DeviceName>), Problem> {
        let reach = Reach::of(&self.authority_records().await?, authority)?;
        let (mut found, mut filter, limit) = (Vec::new(), DeviceFilter { limit: EXAMINED, ..filter }, filter.limit);
        for _ in 0..MAX_PAGES {
            let page = self.registry.devices(&filter).await?;
            for entry in &page {
                let device = Versioned::<Device>::of(entry)?.value;
                filter.after = device.name.to_string();
                if !reach.is_all_of(&device, self.now()) {
                    continue;
                }
                found.push(device);
                if found.len() == limit {
                    return Ok((found, filter.after.parse().ok()));
                }
            }
            if page.len() < EXAMINED {
                return Ok((found, None));
            }
        }
        Ok((found, filter.after.parse().ok()))
    }

    async fn trust(&self) -> Result<Arc<Trust>, Problem> {
        let (now, known) = (self.now(), self.trust.0.read().unwrap_or_else(PoisonError::into_inner).clone());
        if let Some((_, trust)) = known.filter(|(seen, _)| now.since(*seen) < AUTHORITY_AGE) {
            return Ok(trust);
        }
        let all = authorities(self.registry.as_ref()).await?.into_iter().map(|found| found.value);
        let all: Vec<AuthorityRecord> = all.collect();
        let trust = Arc::new(Trust { roots: roots(&all), chains: chains(&all), issuers: Arc::new(Issuers::of(&all)) });
        *self.trust.0.write().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&trust)));
        Ok(trust)
    }
}
