//! The command line: what can be said to `andon`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;

/// Turns what machines report into SAP business actions, exactly once in effect.
#[derive(Debug, Parser)]
#[command(
    name = "andon",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "First steps:
  andon demo                              the whole job against a simulated SAP, in a scratch folder
  andon serve                             the server, with its data in ./andon-data
  andon check scenarios/events            check a folder of configuration, without a server
  andon apply scenarios/events            put it into force
  andon events send event.json            send an event
  andon runs list                         see what came of it

Settings come from andon.toml, then ANDON_<SECTION>__<KEY>, then flags; `andon serve --help` lists them.
Client commands find their token in ANDON_TOKEN or in <data>/admin.token."
)]
pub(crate) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct GlobalOptions {
    /// Print JSON for machines instead of tables
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Settings file; ./andon.toml when it exists
    #[arg(long, global = true, env = "ANDON_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Data folder: journal, keys, admin token [default: ./andon-data]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,

    /// Address of the server [default: <http://127.0.0.1:8480>]
    #[arg(
        long,
        help = "Address of the server [default: http://127.0.0.1:8480]",
        global = true,
        env = "ANDON_URL",
        value_name = "URL"
    )]
    pub(crate) url: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: intakes, engine, API
    Serve(commands::serve::Serve),
    /// Show the whole job against a simulated SAP, in a scratch folder
    Demo(commands::demo::Demo),
    /// Put a folder of configuration into force
    Apply(commands::apply::Apply),
    /// Show who changed the configuration, when, and what
    History(commands::history::History),
    /// Write the configuration in force into a folder, byte for byte
    Export(commands::export::Export),
    /// Make a scenario folder of the configuration of SAP's events-to-business-actions framework
    Import(commands::import::Import),
    /// Check a folder of configuration without a server and run its test cases
    Check(commands::check::Check),
    /// Show what a changed configuration would have made of past events; nothing is stored or sent
    Replay(commands::replay::Replay),
    /// Send, list and show events
    #[command(subcommand)]
    Events(commands::events::Events),
    /// List, show, retry, resolve and cancel runs
    #[command(subcommand)]
    Runs(commands::runs::Runs),
    /// List, show and close episodes: documents that further events join
    #[command(subcommand)]
    Episodes(commands::episodes::Episodes),
    /// List, show and replay what could not be decoded
    #[command(subcommand)]
    Quarantine(commands::quarantine::Quarantine),
    /// List and test destinations
    #[command(subcommand)]
    Destinations(commands::destinations::Destinations),
    /// Import and export mapping tables as CSV
    #[command(subcommand)]
    Lookups(commands::lookups::Lookups),
    /// Onboard, list, show, rotate, revoke and delete devices
    #[command(subcommand)]
    Devices(commands::devices::Devices),
    /// Make, show and replace the certificate authority of devices
    #[command(subcommand)]
    Ca(commands::ca::Ca),
    /// Look at the door for devices, send clients away, publish to devices
    #[command(subcommand)]
    Mqtt(commands::mqtt::Mqtt),
    /// List, count and report readings of devices
    #[command(subcommand)]
    Readings(commands::readings::Readings),
    /// List and show asset models
    #[command(subcommand)]
    Models(commands::models::Models),
    /// List, show and link assets
    #[command(subcommand)]
    Assets(commands::assets::Assets),
    /// Show latest values, follow them, and look back
    #[command(subcommand)]
    Values(commands::values::Values),
    /// List alarms; acknowledge, snooze, reset, enable and disable them
    #[command(subcommand)]
    Alarms(commands::alarms::Alarms),
    /// Show, compact and rebuild the lake: readings as tables
    #[command(subcommand)]
    Lake(commands::lake::Lakes),
    /// Ask the lake in SQL
    Sql(commands::sql::Sql),
    /// List and ask saved queries
    #[command(subcommand)]
    Queries(commands::queries::Queries),
    /// Manage who gets access tokens
    #[command(subcommand)]
    Oauth(commands::oauth::Oauth),
    /// Stand in for an outside system, or for devices
    #[command(subcommand)]
    Simulate(commands::simulate::Simulate),
    /// Create, list and delete API tokens
    #[command(subcommand)]
    Token(commands::token::Token),
    /// Store, list and delete secrets
    #[command(subcommand)]
    Secret(commands::secret::Secret),
    /// Explain the code of an error
    Explain(commands::explain::Explain),
    /// Check configuration, data folder, journal, clock and destinations
    Doctor,
    /// Show how the server is
    Status,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
