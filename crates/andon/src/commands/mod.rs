//! One module per command; every one ends in a printed result and an exit code.

pub(crate) mod alarms;
pub(crate) mod apply;
pub(crate) mod assets;
pub(crate) mod ca;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod destinations;
pub(crate) mod devices;
pub(crate) mod doctor;
mod dry_run;
pub(crate) mod episodes;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod lake;
pub(crate) mod lookups;
pub(crate) mod models;
pub(crate) mod mqtt;
pub(crate) mod oauth;
pub(crate) mod quarantine;
pub(crate) mod queries;
pub(crate) mod readings;
mod release;
pub(crate) mod replay;
pub(crate) mod runs;
pub(crate) mod secret;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod sql;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod values;

use std::process::ExitCode;

use crate::cli::{Cli, Command, GlobalOptions};
use crate::client::Client;
use crate::config::{Overrides, Settings};
use crate::output::Output;

/// What a command works with.
pub(crate) struct Context {
    /// Where results go.
    pub(crate) output: Output,
    /// Settings from file, environment and flags.
    pub(crate) settings: Settings,
}

impl Context {
    fn load(global: &GlobalOptions, output: Output, serve: Option<&serve::Serve>) -> anyhow::Result<Self> {
        let overrides = Overrides::from_flags(global, serve);
        let settings = Settings::load(global.config.as_deref(), &overrides)?;
        Ok(Self { output, settings })
    }

    /// The server's API.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        Client::from_settings(&self.settings)
    }
}

/// Runs the command that was given.
pub(crate) async fn run(cli: Cli, output: Output) -> anyhow::Result<ExitCode> {
    let serve = if let Command::Serve(serve) = &cli.command { Some(serve) } else { None };
    let context = Context::load(&cli.global, output, serve)?;
    match cli.command {
        Command::Serve(_) => serve::run(context).await,
        Command::Demo(demo) => demo::run(demo, &context).await,
        Command::Apply(apply) => apply::run(apply, &context).await,
        Command::History(history) => history::run(history, &context).await,
        Command::Export(export) => export::run(export, &context).await,
        Command::Import(import) => import::run(import, &context).await,
        Command::Check(check) => check::run(&check, &context).await,
        Command::Replay(replay) => replay::run(replay, &context).await,
        Command::Events(events) => events::run(events, &context).await,
        Command::Runs(runs) => runs::run(runs, &context).await,
        Command::Episodes(episodes) => episodes::run(episodes, &context).await,
        Command::Quarantine(quarantine) => quarantine::run(quarantine, &context).await,
        Command::Destinations(destinations) => destinations::run(destinations, &context).await,
        Command::Lookups(lookups) => lookups::run(lookups, &context).await,
        Command::Devices(devices) => devices::run(devices, &context).await,
        Command::Ca(ca) => ca::run(ca, &context).await,
        Command::Mqtt(mqtt) => mqtt::run(mqtt, &context).await,
        Command::Readings(readings) => readings::run(readings, &context).await,
        Command::Models(models) => models::run(models, &context).await,
        Command::Assets(assets) => assets::run(assets, &context).await,
        Command::Values(values) => values::run(values, &context).await,
        Command::Alarms(alarms) => alarms::run(alarms, &context).await,
        Command::Lake(lake) => lake::run(lake, &context).await,
        Command::Sql(sql) => sql::run(sql, &context).await,
        Command::Queries(queries) => queries::run(queries, &context).await,
        Command::Oauth(oauth) => oauth::run(oauth, &context).await,
        Command::Simulate(simulate) => simulate::run(simulate, &context).await,
        Command::Token(token) => token::run(token, &context).await,
        Command::Secret(secret) => secret::run(secret, &context).await,
        Command::Explain(explain) => explain::run(&explain, &context),
        Command::Doctor => doctor::run(&context).await,
        Command::Status => status::run(&context).await,
    }
}
