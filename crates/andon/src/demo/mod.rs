//! The demo: everything in one process, in a folder that is gone afterwards.
//!
//! **Life of a demo.** [`stage`] starts the simulator and Andon; [`play`] applies the scenarios and delivers their
//! inputs as senders would; [`fleet`] brings devices with certificates, one of them at a machine that overheats, which [`live`]
//! looks at; [`watch`] shows the progress until nothing is pending, and [`lake`] waits for the last reading; [`report`]
//! compares what Andon says with the simulator's books, which tell what was really created, and [`telemetry`] follows the
//! machine from its certificate to SAP.

mod embedded;
mod fleet;
mod lake;
mod live;
mod machine;
mod play;
mod progress;
mod report;
mod stage;
mod telemetry;
mod watch;

use std::process::ExitCode;

use andon_model::{Clock, SystemClock};

use crate::commands::demo::Demo;
use crate::output::Output;
use crate::wiring::signals::{ENDED_BY_SIGNAL, StopRequest};
use progress::Progress;
use stage::Stage;

/// Plays the demo.
pub(crate) async fn run(options: &Demo, output: Output) -> anyhow::Result<ExitCode> {
    let progress = Progress::new(output.is_json());
    let mut stop = StopRequest::listen_at_terminal()?;
    let stage = Stage::open(options, &progress).await?;
    let played = tokio::select! {
        played = perform(options, &stage, &progress, output) => played,
        () = stop.received() => {
            stop.end_at_once_on_the_next();
            return leave(stage, options, &progress).await;
        }
    };
    progress.finish();
    let is_good = matches!(played, Ok(true));
    if is_good && !options.once && output.is_on_terminal() {
        output.note(&stage.invitation())?;
        stop.received().await;
    }
    let folder = stage.close(options.keep || !is_good).await?;
    if let Some(folder) = folder {
        progress.say(&format!("configuration, journal and log are in {}", folder.display()));
    }
    played.map(|good| if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Told to stop in the middle: the folder holds credentials, so it goes, unless it was asked for.
async fn leave(stage: Stage, options: &Demo, progress: &Progress) -> anyhow::Result<ExitCode> {
    progress.finish();
    let kept = stage.close(options.keep).await?;
    let folder = kept.map_or_else(|| "its folder is removed".to_owned(), |kept| format!("kept {}", kept.display()));
    progress.say(&format!("stopped before the end; {folder}"));
    Ok(ENDED_BY_SIGNAL.into())
}

async fn perform(options: &Demo, stage: &Stage, progress: &Progress, output: Output) -> anyhow::Result<bool> {
    let started = SystemClock.now();
    let mut expected = play::all(stage, progress).await?;
    let published = fleet::publish(stage, options.seed, &mut expected, progress).await?;
    let settled = watch::until_settled(&stage.client, &expected, options.limit(), progress).await?;
    let kept = lake::until_all_are_in(&stage.client, expected.readings, options.limit(), progress).await?;
    progress.finish();
    let seconds = SystemClock.now().since(started).as_secs_f64();
    let telemetry = telemetry::Telemetry::make(stage, published, kept).await?;
    let report = report::Report::make(stage, &expected, (settled, seconds), telemetry).await?;
    output.show(&report, report::Report::table)?;
    report.telemetry().print(output)?;
    output.note("\nAll scenarios together")?;
    output.aside(&report.totals_table())?;
    Ok(report.is_good())
}
