//! Opens the door as soon as it can be opened.

use std::sync::Arc;
use std::time::Duration;

use andon_devices::door::DoorState;
use andon_model::Problem;
use andon_mqtt::Broker;
use tokio::time::sleep;

use super::plan::Plan;
use super::renewal::{self, Shown};
use super::{Door, Now};

/// How long the door waits before it looks again for an authority, or tries again to listen.
const AGAIN: Duration = Duration::from_millis(250);

/// Runs until it is dropped.
pub(super) async fn open(door: Arc<Door>, plan: Plan) {
    let mut told = None;
    loop {
        match try_open(&plan).await {
            Ok(Some((broker, shown))) => {
                let places = plan.places(broker.addresses());
                tracing::info!(places = places.join(", "), "devices may come in by MQTT");
                let broker = Arc::new(broker);
                *door.now.write() = Now::Open(Arc::clone(&broker), places);
                return renewal::run(&broker, &plan.issuer, shown).await;
            }
            Ok(None) => {}
            Err(problem) => {
                if told.as_ref() != Some(&problem) {
                    tracing::error!(%problem, "the MQTT door cannot be opened");
                    *door.now.write() = Now::Not(DoorState::Failing(problem.to_string()));
                    told = Some(problem);
                }
            }
        }
        sleep(AGAIN).await;
    }
}

/// The broker with what it shows; `None` while there is no authority.
async fn try_open(plan: &Plan) -> Result<Option<(Broker, Shown)>, Problem> {
    let Some(identity) = plan.issuer.issue().await? else { return Ok(None) };
    let shown = Shown::new(&identity, plan.issuer.clock.as_ref());
    Ok(Some((plan.open(identity).await?, shown)))
}
