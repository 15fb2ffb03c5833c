//! Measures the door for devices, beside Debian's mosquitto on the same machine.
//!
//! **Constraints.** Andon, mosquitto and the load share the machine's cores, one of the two at a time, in turns. Devices
//! have the same certificates, quality of service and payloads with both, and both look at the topic; Andon acknowledges
//! when a message is durable, mosquitto before: it saves its database every so often, and only what waits for a session
//! that is away. So it is measured in three ways ([`Keeping`]). Needs the programs `mosquitto`, `mosquitto_sub`, `openssl`.
//!
//! **Life of a measurement.** [`scene`] makes a scratch folder and onboards the devices through the API; [`side`] takes
//! connects, memory and throughput of whatever broker is running; [`revocation`] and [`kept`] are Andon's alone: how fast
//! a revoked device is cut off, and whether acknowledged messages survive kills. [`report`] prints the table.

mod kept;
mod mosquitto;
mod report;
mod revocation;
pub(crate) mod scene;
mod side;

use std::path::Path;

use clap::Args;

use crate::process::machine;
use mosquitto::Keeping;
use report::Report;
use scene::Scene;
use side::{Load, Side};

/// What is measured, and how long
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Seconds of each measurement of throughput
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections that publish as fast as they are answered
    #[arg(long, default_value_t = 100)]
    publishers: usize,
    /// Publishes of a connection that may be unanswered
    #[arg(long, default_value_t = 32)]
    window: u16,
    /// Connections that connect at once, and then are idle
    #[arg(long, default_value_t = 2_000)]
    connections: usize,
    /// How often Andon and mosquitto take turns
    #[arg(long, default_value_t = 2)]
    turns: usize,
    /// Devices that are revoked while half of the connections are open
    #[arg(long, default_value_t = 100)]
    revocations: usize,
    /// How often Andon is killed while devices publish
    #[arg(long, default_value_t = 10)]
    kills: usize,
    /// Leave mosquitto out
    #[arg(long)]
    alone: bool,
}

/// Measures and prints; says whether everything acknowledged was kept, and the revoked were cut off in time.
pub(crate) async fn measure(
    program: &Path,
    folder: Option<&Path>,
    options: &Options,
    json: bool,
) -> anyhow::Result<bool> {
    let devices = options.connections.max(options.publishers) + kept::DEVICES;
    let mut scene = Scene::set(program, folder, devices).await?;
    let mut sides = Vec::new();
    for turn in 1..=options.turns {
        sides.push(take_andon(&mut scene, options, turn).await?);
        if !options.alone {
            take_mosquitto(&scene, options, turn, &mut sides).await?;
        }
    }
    let revocation = revocation::measure(&mut scene, options.connections / 2, options.revocations).await?;
    let kept = kept::measure(&mut scene, options.kills).await?;
    let report = Report { machine: machine(), options: options.into(), sides, revocation, kept };
    report.print(json)?;
    Ok(report.holds())
}

async fn take_andon(scene: &mut Scene, options: &Options, turn: usize) -> anyhow::Result<Side> {
    let broker = scene.andon.start().await?;
    let connects = side::connects(&broker, scene.first(options.connections)).await?;
    let load = side::load(&broker, scene.first(options.publishers), &Load::of(options)).await?;
    scene.andon.kill();
    Ok(Side { broker: "Andon, durable".to_owned(), turn, connects: Some(connects), load })
}

/// In each way of keeping; connects do not depend on it.
async fn take_mosquitto(scene: &Scene, options: &Options, turn: usize, sides: &mut Vec<Side>) -> anyhow::Result<()> {
    for keeping in Keeping::ALL {
        let mosquitto = scene.mosquitto(keeping).await?;
        let connects = match keeping {
            Keeping::Nothing => Some(side::connects(&mosquitto.broker, scene.first(options.connections)).await?),
            Keeping::EachSecond | Keeping::EachChange => None,
        };
        let load = side::load(&mosquitto.broker, scene.first(options.publishers), &Load::of(options)).await?;
        sides.push(Side { broker: keeping.name().to_owned(), turn, connects, load });
    }
    Ok(())
}
