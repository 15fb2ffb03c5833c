//! Renewal: what the door shows and whom it trusts, while it is open.
//!
//! **Life of an identity.** It is issued when the door opens. When there are other authorities than it trusts, or two
//! thirds of its certificate's life are over, another one takes its place; connections that exist go on.

use std::sync::Arc;
use std::time::Duration;

use andon_devices::registry::authorities::trust_anchors;
use andon_model::{Clock, Code, Problem, Timestamp};
use andon_mqtt::{Broker, ServerIdentity};

use super::identity::{DAYS, Issuer};

/// How often the authorities are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// After what part of its certificate's life an identity is issued again.
const RENEWED_AFTER: Duration = Duration::from_hours(24).saturating_mul(DAYS / 3 * 2);

/// What the door shows now.
pub(super) struct Shown {
    trusted: String,
    since: Timestamp,
}

impl Shown {
    pub(super) fn new(identity: &ServerIdentity, clock: &dyn Clock) -> Self {
        Self { trusted: identity.authorities_pem.clone(), since: clock.now() }
    }
}

/// Renews for as long as it is not dropped. A fault is told once, and tried again.
pub(super) async fn run(broker: &Arc<Broker>, issuer: &Issuer, mut shown: Shown) {
    let mut told = None;
    loop {
        tokio::time::sleep(LOOK).await;
        match renew(broker, issuer, &shown).await {
            Ok(None) => {}
            Ok(Some(renewed)) => {
                tracing::info!("the MQTT door has another certificate");
                (shown, told) = (renewed, None);
            }
            Err(problem) if told.as_ref() == Some(&problem) => {}
            Err(problem) => {
                tracing::error!(%problem, "the MQTT door cannot renew its certificate");
                told = Some(problem);
            }
        }
    }
}

/// What is shown from now on; nothing if it is what was shown before.
async fn renew(broker: &Broker, issuer: &Issuer, shown: &Shown) -> Result<Option<Shown>, Problem> {
    let now = issuer.clock.now();
    let same = trust_anchors(issuer.registry.as_ref(), now).await? == shown.trusted;
    if same && now.since(shown.since) < RENEWED_AFTER {
        return Ok(None);
    }
    let Some(identity) = issuer.issue().await? else { return Ok(None) };
    let renewed = broker.renew(&identity).await;
    renewed.map_err(|error| Problem::new(Code::Setting, error.to_string()))?;
    Ok(Some(Shown::new(&identity, issuer.clock.as_ref())))
}
