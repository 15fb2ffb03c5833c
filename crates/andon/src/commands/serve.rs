//! `andon serve`: the server.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;

use crate::commands::Context;
use crate::config::LogFormat;
use crate::wiring::signals::StopRequest;
use crate::wiring::{Instance, telemetry};

/// Run the server: intakes, engine, API
///
/// On the first start a data folder is made (mode 0700) with the journal, the key that encrypts secrets, and an admin
/// token. Stop it with Ctrl-C or SIGTERM: intakes close, requests under way finish, the rest is resumed at the next
/// start. A second signal ends it at once, which loses nothing that was acknowledged.
#[derive(Debug, Args)]
#[command(after_help = "Settings, in andon.toml or as ANDON_<SECTION>__<KEY> (for example ANDON_HTTP__LISTEN):
  [data]       folder
  [database]   url
  [http]       listen
  [limits]     events_body_bytes, sources_body_bytes, configuration_body_bytes, other_body_bytes,
               all_bodies_bytes, max_requests, max_connections, request_seconds, head_seconds,
               head_bytes, drain_seconds
  [devices]    endpoint, public_url, organization, certificate_days, overlap_days,
               revocation_list_hours, upkeep_seconds, root_topic, command_topic;
               [devices.expiry] notice_days, urgent_days
  [oidc]       issuer, audiences, clients, claim, scopes, name_claim, refresh_seconds, pause_seconds,
               stale_hours, leeway_seconds
  [mail]       host, port, encryption, ca, from, user, password, timeout
  [mqtt]       enabled, listen, websocket, plain, plain_policy; [mqtt.events]; [mqtt.limits]
  [readings]   folder, keep, segment_bytes, segment_age; [readings.archive] to, packing
  [assets]     max_assets, recent_values, recent_bytes, oldest, newest, event_time, save, reconnect
  [lake]       enabled, to, gather, keep, tidy, check, query_time, query_rows, query_memory_bytes, queries
  [engine]     max_backlog, max_pending_runs, max_loaded_runs, decide_batch, drain
  [retention]  events, keys, quarantine, marks
  [log]        format, filter
  [client]     url, timeout")]
pub(crate) struct Serve {
    /// Address and port to listen on [default: 127.0.0.1:8480]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address and port for devices, MQTT over TLS [default: 127.0.0.1:8883]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mqtt: Option<SocketAddr>,
    /// Keep the journal in this database; a URL with a password belongs into `ANDON_DATABASE__URL`
    #[arg(long, value_name = "postgres://USER@HOST/DATABASE")]
    pub(crate) database: Option<String>,
    /// How log lines look [default: text]
    #[arg(long, value_enum)]
    pub(crate) log_format: Option<LogFormat>,
    /// Which log lines, as in `info,andon_engine=debug` [default: `info`, and less of libraries]
    #[arg(long, value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

pub(crate) async fn run(context: Context) -> anyhow::Result<ExitCode> {
    let settings = &context.settings;
    telemetry::install_log(&settings.log)?;
    let metrics = telemetry::install_metrics()?;
    let mut stop = StopRequest::listen()?;
    let mut instance = Instance::start(settings, metrics).await?;
    instance.announce();
    let ended_by_itself = tokio::select! {
        () = stop.received() => false,
        () = instance.ended() => true,
    };
    stop.end_at_once_on_the_next();
    instance.stop().await?;
    Ok(if ended_by_itself { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
