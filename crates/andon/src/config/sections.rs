//! The sections of `andon.toml`. Every key has a default; durations are written like `30s`, `5m`, `400 days`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use andon_engine::EngineSettings;
use andon_model::Secret;
use clap::ValueEnum;
use serde::{Deserialize, Deserializer};

/// Address on which `serve` listens and to which client commands talk.
const DEFAULT_PORT: u16 = 8480;

/// `[data]`: where state lies.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Data {
    /// Data folder, created with mode 0700: `andon.db`, `master.key`, `admin.token`. Default `./andon-data`.
    pub(crate) folder: PathBuf,
}

impl Default for Data {
    fn default() -> Self {
        Self { folder: "andon-data".into() }
    }
}

/// `[database]`: which database keeps the journal.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Database {
    /// `postgres://user:password@host/database`. Default: SQLite in the data folder.
    #[serde(deserialize_with = "optional_secret")]
    pub(crate) url: Option<Secret>,
}

/// `[http]`: where API, intakes and console are served.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    /// Address and port. Default `127.0.0.1:8480`.
    pub(crate) listen: SocketAddr,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT) }
    }
}

/// `[engine]`: limits of the event lane.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Engine {
    /// Events that may wait to be decided before intakes answer 503. Default 1,000,000.
    pub(crate) max_backlog: i64,
    /// Unsettled runs before deciding pauses. Default 200,000.
    pub(crate) max_pending_runs: usize,
    /// Runs whose state is held in memory. Default 20,000.
    pub(crate) max_loaded_runs: usize,
    /// Events decided in one turn. Default 256.
    pub(crate) decide_batch: usize,
    /// How long a stop waits for requests under way. Default 10 s.
    #[serde(with = "humantime_serde")]
    pub(crate) drain: Duration,
}

impl Default for Engine {
    fn default() -> Self {
        let engine = EngineSettings::default();
        Self {
            max_backlog: engine.max_backlog,
            max_pending_runs: engine.max_pending_runs,
            max_loaded_runs: engine.max_loaded_runs,
            decide_batch: engine.decide_batch,
            drain: engine.drain,
        }
    }
}

/// `[retention]`: how long things are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retention {
    /// Settled events with their decisions and runs. Default 400 days.
    #[serde(with = "humantime_serde")]
    pub(crate) events: Duration,
    /// Keys by which a late repetition of an event is recognised. Default 800 days.
    #[serde(with = "humantime_serde")]
    pub(crate) keys: Duration,
    /// Quarantine entries that nobody replayed; replayed ones go like events. Default 800 days.
    #[serde(with = "humantime_serde")]
    pub(crate) quarantine: Duration,
    /// Marks of read objects; longer than any object stays in its bucket. Default: forever.
    #[serde(with = "humantime_serde")]
    pub(crate) marks: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        let engine = EngineSettings::default();
        Self {
            events: engine.keep_events.unwrap_or(Duration::MAX),
            keys: engine.keep_keys,
            quarantine: engine.keep_quarantine,
            marks: engine.keep_marks,
        }
    }
}

/// `[log]`: what is written to standard error.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// `text` for people or `json`, one object per line. Default `text`.
    pub(crate) format: LogFormat,
    /// Which parts at which level, as in `info,andon_engine=debug`. Default `info`.
    pub(crate) filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".into() }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object per line
    Json,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// `[client]`: how client commands find the server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Client {
    /// Address of the server. Default `http://127.0.0.1:8480`.
    pub(crate) url: String,
    /// How long to wait for an answer. Default 30 s.
    #[serde(with = "humantime_serde")]
    pub(crate) timeout: Duration,
}

impl Default for Client {
    fn default() -> Self {
        Self { url: format!("http://127.0.0.1:{DEFAULT_PORT}"), timeout: Duration::from_secs(30) }
    }
}

fn optional_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}
