//! Devices of the demo: certified, and publishing while a machine overheats.
//!
//! **Life of a device.** The authority is made; the device makes its key and asks for a certificate; it connects with it,
//! publishes its share of readings, some of them spoiled, and takes its leave. One stands at a machine that overheats, cools
//! down and overheats again, all within the minute in which an alarm is one episode.

use std::pin::pin;
use std::time::Duration;

use andon_model::Code;
use andon_server::schema::Authority;
use andon_sim::fleet::{
    Anomaly, DeviceFaults, Fleet, FleetPlan, FleetReport, IdentityFolder, Onboarding, OnboardingWay,
};
use reqwest::Method;
use serde_json::json;

use super::live::Live;
use super::play::Expected;
use super::progress::Progress;
use super::stage::Stage;
use crate::commands::simulate::fleet::{failure, place};
use crate::output::Failure;

/// The device at the machine that overheats; its asset is defined in the scenario `quickstart`, under the same name.
pub(super) const MACHINE: &str = "press-5";
/// The devices, in the order in which the four kinds of the quickstart are dealt.
const DEVICES: [&str; 8] =
    [MACHINE, "cold-store-1", "hall-2", "room-12", "press-6", "cold-store-2", "hall-3", "room-14"];
/// Readings of each device.
pub(super) const READINGS: u64 = 48;
/// How long that takes, in seconds.
const SECONDS: u32 = 12;
/// Readings of a device in a second.
const PER_SECOND: u32 = 4;
/// What happens to the machine, in degrees: hot, cool, hot again.
const COURSE: [&str; 3] = ["@3s+1s=60", "@6s+1s=-60", "@9s+1s=60"];
/// What happens to payloads.
const SPOILED: &str = "not_json=0.03";
/// Role of the authority that signs.
const ISSUING: &str = "issuing";
/// Pause between two looks at the machine.
const LOOK: Duration = Duration::from_millis(200);

/// What the devices did.
pub(super) struct Published {
    /// Name of the authority that signed their certificates.
    pub(super) authority: String,
    /// Devices with a certificate of their own.
    pub(super) onboarded: usize,
    pub(super) fleet: FleetReport,
}

/// Makes the authority, onboards the devices, and lets them publish. One event and one document more are expected of it.
pub(super) async fn publish(
    stage: &Stage,
    seed: u64,
    expected: &mut Expected,
    progress: &Progress,
) -> anyhow::Result<Published> {
    let authority = make_authority(stage).await?;
    let folder = IdentityFolder::open(stage.folder().join("devices")).map_err(failure)?;
    let onboarded = onboard(stage, &folder).await?;
    progress.say(&format!("{onboarded} devices made their keys; {authority} signed their certificates"));
    let fleet = prepare(stage, seed, &folder).await?;
    progress.say(&format!("they publish by MQTT over TLS, for {SECONDS} s, while {MACHINE} overheats"));
    let fleet = run(stage, fleet, progress).await?;
    progress.say(&format!("{} of {} readings were acknowledged", fleet.total.acknowledged, fleet.total.sent));
    expected.readings += fleet.total.acknowledged;
    expected.events += 1;
    expected.documents += 1;
    Ok(Published { authority, onboarded, fleet })
}

/// Gives the name of the authority that signs.
async fn make_authority(stage: &Stage) -> anyhow::Result<String> {
    let wanted = json!({ "name": "Andon demo" });
    let made: Vec<Authority> = stage.client.submit(Method::POST, "/api/v1/authorities", &wanted).await?;
    let signing = made.into_iter().find(|authority| authority.role == ISSUING);
    let nobody = || Failure::new(Code::Internal, "no authority was made that signs");
    Ok(signing.ok_or_else(nobody)?.name)
}

async fn onboard(stage: &Stage, folder: &IdentityFolder) -> anyhow::Result<usize> {
    let no_token = || Failure::new(Code::Unauthenticated, "devices are to be onboarded, and there is no token");
    let token = stage.client.token().cloned().ok_or_else(no_token)?;
    let onboarding = Onboarding { api: stage.client.base().to_owned(), token, way: OnboardingWay::SigningRequest };
    let onboarded = onboarding.complete(&DEVICES.map(str::to_owned), folder, |_| ()).await.map_err(failure)?;
    Ok(onboarded.onboarded)
}

async fn prepare(stage: &Stage, seed: u64, folder: &IdentityFolder) -> anyhow::Result<Fleet> {
    let identities = DEVICES.iter().map(|device| folder.load(device)).collect::<Result<_, _>>().map_err(failure)?;
    let plan = FleetPlan {
        broker: place::of_door(&stage.client).await,
        roots_pem: folder.roots().map_err(failure)?,
        rate: Some(PER_SECOND.into()),
        messages: Some(READINGS),
        connects_per_second: None,
        together: true,
        faults: SPOILED.parse::<DeviceFaults>()?,
        anomalies: course()?.into_iter().map(Into::into).collect(),
        seed,
        ..FleetPlan::default()
    };
    Ok(Fleet::prepare(plan, identities).await.map_err(failure)?)
}

fn course() -> Result<Vec<Anomaly>, Failure> {
    let parse = |step: &&str| format!("{MACHINE}:temperature{step}").parse::<Anomaly>();
    COURSE.iter().map(parse).collect::<Result<_, _>>().map_err(|what| Failure::new(Code::Internal, what))
}

/// Lets them publish, and tells of the machine meanwhile.
async fn run(stage: &Stage, fleet: Fleet, progress: &Progress) -> anyhow::Result<FleetReport> {
    let counters = fleet.counters();
    let mut live = Live::new(&stage.client, MACHINE, READINGS * DEVICES.len() as u64);
    let mut running = pin!(fleet.run(std::future::pending()));
    let mut looks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            report = &mut running => return Ok(report.map_err(failure)?),
            _ = looks.tick() => live.look(counters.progress().acknowledged, progress).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_can_be_read() {
        assert_eq!(course().unwrap().len(), COURSE.len());
        assert_eq!(u64::from(SECONDS * PER_SECOND), READINGS);
        SPOILED.parse::<DeviceFaults>().unwrap();
    }
}
