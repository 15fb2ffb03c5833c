//! The sections of `andon.toml`. Every key has a default; durations are written like `30s`, `5m`, `400 days`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use andon_engine::EngineSettings;
use andon_engine::plant::PlantSettings;
use andon_lake::SqlLimits;
use andon_lake::raw::{Packing, RawLogSettings};
use andon_model::{Name, Secret};
use andon_mqtt::Limits;
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

/// The port of MQTT over TLS, as registered.
const MQTTS_PORT: u16 = 8883;

/// `[mqtt]`: the door for devices.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mqtt {
    /// Whether there is a door. Default `true`; it opens when there is a certificate authority.
    pub(crate) enabled: bool,
    /// Address and port for MQTT over TLS with client certificates. Default `127.0.0.1:8883`.
    pub(crate) listen: SocketAddr,
    /// Address and port for MQTT over WebSocket over the same TLS. Default: none.
    pub(crate) websocket: Option<SocketAddr>,
    /// A loopback address and port for programs on this machine, without TLS. Default: none.
    pub(crate) plain: Option<SocketAddr>,
    /// File with the policy of those programs; needed with `plain`.
    pub(crate) plain_policy: Option<PathBuf>,
    /// Filters of topics that are events, each with the source that decodes them. Default: `events` below each device's
    /// topic, by the source `cloudevents`.
    pub(crate) events: Option<BTreeMap<String, Name>>,
    /// Limits; the keys stand in `andon_mqtt::Limits`.
    pub(crate) limits: Limits,
}

impl Default for Mqtt {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), MQTTS_PORT),
            websocket: None,
            plain: None,
            plain_policy: None,
            events: None,
            limits: Limits::default(),
        }
    }
}

/// `[readings]`: the raw log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Readings {
    /// Its folder. Default: `readings` in the data folder.
    pub(crate) folder: Option<PathBuf>,
    /// How long readings are kept. Default 400 days.
    #[serde(with = "humantime_serde")]
    pub(crate) keep: Duration,
    /// Size at which a segment is closed. Default 64 MiB.
    pub(crate) segment_bytes: u64,
    /// Age at which a segment is closed. Default 15 min.
    #[serde(with = "humantime_serde")]
    pub(crate) segment_age: Duration,
    /// `[readings.archive]`. Default: closed segments stay in the folder.
    pub(crate) archive: Option<ReadingsArchive>,
}

/// `[readings.archive]`: where closed segments go.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadingsArchive {
    /// `s3://<bucket>/<path>`, or a folder. Keys, region and endpoint of S3 come from the environment (`AWS_…`).
    pub(crate) to: String,
    /// How they are packed: `zstd` or `gzip`. Default `zstd`.
    #[serde(default)]
    pub(crate) packing: Packing,
}

impl Default for Readings {
    fn default() -> Self {
        let RawLogSettings { segment_bytes, segment_age, .. } = RawLogSettings::default();
        Self { folder: None, keep: Duration::from_hours(400 * 24), segment_bytes, segment_age, archive: None }
    }
}

/// `[assets]`: live values and alarms.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "settings are named as operators read them")]
pub(crate) struct Assets {
    /// Most assets, defined and created from readings. Default 100,000.
    pub(crate) max_assets: usize,
    /// Values that are in memory per property. Default 60.
    pub(crate) recent_values: usize,
    /// Memory of all of them together, in bytes. Default 256 MiB.
    pub(crate) recent_bytes: usize,
    /// How far in the past a value may be when it is received. Default 7 days.
    #[serde(with = "humantime_serde")]
    pub(crate) oldest: Duration,
    /// How far in the future a value may be when it is received. Default 10 min.
    #[serde(with = "humantime_serde")]
    pub(crate) newest: Duration,
    /// Where a payload says when it was measured: a dotted path in lower case; empty: the time of receipt counts. Default
    /// `ts`.
    pub(crate) event_time: String,
    /// How often values and alarms are saved. Default 30 s.
    #[serde(with = "humantime_serde")]
    pub(crate) save: Duration,
    /// How long after a start nobody is found silent. Default 60 s.
    #[serde(with = "humantime_serde")]
    pub(crate) reconnect: Duration,
}

impl Default for Assets {
    fn default() -> Self {
        let PlantSettings { limits, snapshot_interval, event_time, reconnect, .. } = PlantSettings::default();
        Self {
            max_assets: limits.assets,
            recent_values: limits.recent_points,
            recent_bytes: limits.recent_bytes,
            oldest: limits.oldest,
            newest: limits.newest,
            event_time,
            save: snapshot_interval,
            reconnect,
        }
    }
}

impl Assets {
    /// For the engine.
    pub(crate) fn settings(&self) -> PlantSettings {
        let mut settings = PlantSettings {
            snapshot_interval: self.save,
            event_time: self.event_time.to_lowercase(),
            reconnect: self.reconnect,
            ..PlantSettings::default()
        };
        let limits = &mut settings.limits;
        (limits.assets, limits.recent_points) = (self.max_assets, self.recent_values);
        (limits.recent_bytes, limits.oldest, limits.newest) = (self.recent_bytes, self.oldest, self.newest);
        settings
    }
}

/// `[lake]`: readings as tables.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Lake {
    /// Whether there is a lake. Default `true`.
    pub(crate) enabled: bool,
    /// `s3://<bucket>/<path>`, or a folder. Keys, region and endpoint of S3 come from the environment (`AWS_…`).
    /// Default: `lake` in the data folder.
    pub(crate) to: Option<String>,
    /// How long readings are gathered for one commit. Default 2 s.
    #[serde(with = "humantime_serde")]
    pub(crate) gather: Duration,
    /// How long versions can be travelled back to. Default 7 days.
    #[serde(with = "humantime_serde")]
    pub(crate) keep: Duration,
    /// How often small files are merged, and those removed that no kept version needs. Default 1 h.
    #[serde(with = "humantime_serde")]
    pub(crate) tidy: Duration,
    /// How often it is looked whether every reading is accounted for. Default 10 s.
    #[serde(with = "humantime_serde")]
    pub(crate) check: Duration,
    /// How long a query may take. Default 60 s.
    #[serde(with = "humantime_serde")]
    pub(crate) query_time: Duration,
    /// Most rows of an answer. Default 1,000,000.
    pub(crate) query_rows: u64,
    /// Memory of all queries together, in bytes. Default 256 MiB.
    pub(crate) query_memory_bytes: usize,
    /// Queries at once; others wait. Default 4.
    pub(crate) queries: usize,
}

impl Default for Lake {
    fn default() -> Self {
        let sql = SqlLimits::default();
        Self {
            enabled: true,
            to: None,
            gather: Duration::from_secs(2),
            keep: Duration::from_hours(7 * 24),
            tidy: Duration::from_hours(1),
            check: Duration::from_secs(10),
            query_time: sql.time,
            query_rows: sql.rows,
            query_memory_bytes: sql.memory_bytes,
            queries: sql.at_once,
        }
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

/// What is logged: of the libraries below the MQTT door and the lake only what an operator must know.
const DEFAULT_FILTER: &str = "info,rmqtt=warn,rmqtt::session=error,rmqtt_net=warn,rustls=error,buoyant_kernel=warn,deltalake_core=warn,datafusion=warn";

/// `[log]`: what is written to standard error.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// `text` for people or `json`, one object per line. Default `text`.
    pub(crate) format: LogFormat,
    /// Which parts at which level, as in `info,andon_engine=debug`. Default `info`, and less of the libraries below the MQTT door.
    pub(crate) filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: DEFAULT_FILTER.into() }
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
