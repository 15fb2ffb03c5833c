//! `andon alarms`: what is wrong with assets, and what people do about it.

use std::process::ExitCode;
use std::time::Duration;

use andon_server::schema::{Alarm, AlarmPage, AlarmState, AlarmWish};
use clap::{Args, Subcommand};
use reqwest::Method;

use crate::client::segment;
use crate::commands::Context;
use crate::commands::assets::path;
use crate::output::{Cell, Grid, Tone, since};

/// List alarms; acknowledge, snooze, reset, enable and disable them
#[derive(Debug, Subcommand)]
pub(crate) enum Alarms {
    /// List alarms, in order of their assets
    List(List),
    /// Say that somebody knows
    Acknowledge(Which),
    /// Put an alarm aside for a while
    Snooze {
        /// The alarm
        #[command(flatten)]
        which: Which,
        /// For how long, as in `1h`
        #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
        span: Duration,
    },
    /// Say that all is well: the condition is judged anew
    Reset(Which),
    /// Have an alarm watched
    Enable(Which),
    /// Do not have an alarm watched
    Disable(Which),
}

/// Which alarms to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    limit: usize,
    /// From this place on: what the page before ended with
    #[arg(long, value_name = "NUMBER")]
    from: Option<usize>,
    /// Only of this asset
    #[arg(long, value_name = "ID")]
    asset: Option<String>,
    /// Only in these states, separated by commas; `raised` for all but normal and disabled
    #[arg(long, value_name = "STATES")]
    state: Option<String>,
}

/// An alarm.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Id of the asset
    asset: String,
    /// Name of the alarm
    alarm: String,
    /// Why, at most 128 characters; it is in the alarm's event
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime_serde::re::humantime::parse_duration(text).map_err(|error| error.to_string())
}

pub(crate) async fn run(alarms: Alarms, context: &Context) -> anyhow::Result<ExitCode> {
    let (operation, which, seconds) = match alarms {
        Alarms::List(list) => return run_list(list, context).await,
        Alarms::Acknowledge(which) => ("acknowledge", which, None),
        Alarms::Snooze { which, span } => ("snooze", which, Some(span.as_secs())),
        Alarms::Reset(which) => ("reset", which, None),
        Alarms::Enable(which) => ("enable", which, None),
        Alarms::Disable(which) => ("disable", which, None),
    };
    let Which { asset, alarm, note } = which;
    let path = format!("{}/alarms/{}/{operation}", path(&asset), segment(&alarm));
    let wish = AlarmWish { note, seconds, until: None };
    let alarm: Alarm = context.client()?.submit(Method::POST, &path, &wish).await?;
    context.output.say(&alarm, sentence)?;
    Ok(ExitCode::SUCCESS)
}

fn sentence(alarm: &Alarm) -> String {
    let until = alarm.snoozed_until.as_ref().map(|until| format!(" until {until}")).unwrap_or_default();
    format!("alarm {} of {} is {}{until}", alarm.alarm, alarm.asset, word(alarm.state))
}

async fn run_list(list: List, context: &Context) -> anyhow::Result<ExitCode> {
    let List { limit, from, asset, state } = list;
    let from = from.map(|from| from.to_string());
    let query = [("limit", Some(limit.to_string())), ("from", from), ("asset", asset), ("state", state)];
    let page: AlarmPage = context.client()?.list("/api/v1/alarms", &query).await?;
    context.output.show(&page, list_table)?;
    if let Some(next) = page.next {
        context.output.note(&format!("there are more: --from {next}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list_table(page: &AlarmPage) -> Grid {
    let header = ["asset", "alarm", "property", "state", "since", "episode", "severity", "judged"];
    let mut grid = Grid::new(header, "no alarms");
    for alarm in &page.alarms {
        let judged = alarm.evaluation.as_ref();
        let judged = judged.map(|judged| format!("{} {} {}", judged.value, judged.operator, judged.threshold));
        grid.row([
            (&alarm.asset).into(),
            (&alarm.alarm).into(),
            (&alarm.property).into(),
            Cell::toned(word(alarm.state), tone(alarm.state)),
            since(&alarm.since).into(),
            alarm.episode.into(),
            alarm.severity.map(|severity| severity.to_string()).unwrap_or_default().into(),
            judged.unwrap_or_default().into(),
        ]);
    }
    grid
}

/// A state, for people.
pub(crate) const fn word(state: AlarmState) -> &'static str {
    match state {
        AlarmState::Normal => "normal",
        AlarmState::Active => "active",
        AlarmState::Acknowledged => "acknowledged",
        AlarmState::Latched => "latched",
        AlarmState::SnoozeDisabled => "snoozed",
        AlarmState::Disabled => "disabled",
    }
}

const fn tone(state: AlarmState) -> Tone {
    match state {
        AlarmState::Normal => Tone::Good,
        AlarmState::Active => Tone::Bad,
        AlarmState::Acknowledged | AlarmState::Latched | AlarmState::SnoozeDisabled => Tone::Warn,
        AlarmState::Disabled => Tone::Plain,
    }
}
