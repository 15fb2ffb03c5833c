//! Moving readings into the tables, and tidying up.

use std::sync::Arc;
use std::time::Duration;

use andon_lake::raw::RawLog;
use andon_lake::{DeltaLake, LakeWriter};
use andon_model::Problem;

use super::{REST, longer, telemetry};

/// Moves readings until the log is closed. Behind a failure all is read again, from wherever it lies then.
pub(super) async fn write(lake: Arc<DeltaLake>, log: Arc<RawLog>) {
    let mut rest = REST.0;
    loop {
        let mut writer = lake.writer(log.archive().cloned());
        let Err(problem) = write_on(&mut writer, &mut rest).await else { return };
        telemetry::failed("written", &problem);
        tokio::time::sleep(rest).await;
        rest = longer(rest);
    }
}

async fn write_on(writer: &mut LakeWriter, rest: &mut Duration) -> Result<(), Problem> {
    let mut is_full = false;
    // Behind a full batch more is waiting, and nothing need be gathered; a step for which nothing was left is like any other.
    while let Some(stepped) =
        if is_full { Some(writer.step().await?.unwrap_or_default()) } else { writer.turn().await? }
    {
        telemetry::written(&stepped);
        (is_full, *rest) = (stepped.is_full, REST.0);
    }
    Ok(())
}

/// Compacts and vacuums, once in a while.
pub(super) async fn tidy(lake: Arc<DeltaLake>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    // The first tick comes at once; a start has enough to do.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let done = async {
            lake.compact().await?;
            lake.vacuum().await
        };
        if let Err(problem) = done.await {
            telemetry::untidy(&problem);
        }
    }
}
