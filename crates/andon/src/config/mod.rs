//! Settings: `andon.toml`, then `ANDON_<SECTION>__<KEY>`, then flags; unknown keys are refused.
//!
//! A variable such as `ANDON_HTTP__LISTEN` sets `listen` in `[http]`; variables without the double underscore
//! (`ANDON_URL`, `ANDON_TOKEN`, secrets of destinations) are not settings and are left alone.

mod addresses;
mod sections;

use std::path::{Path, PathBuf};
use std::time::Duration;

use andon_connectors::SmtpSettings;
use andon_model::Code;
use andon_server::{DeviceSettings, OidcSettings, ServerSettings};
use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::{Figment, Source};
use serde::{Deserialize, Serialize};

use crate::cli::GlobalOptions;
use crate::commands::serve::Serve;
use crate::nearest::nearest;
use crate::output::Failure;
pub(crate) use sections::{
    Assets, Client, Data, Database, Engine, Http, Lake, Log, LogFormat, Mqtt, Readings, ReadingsArchive, Retention,
};

/// The settings file that is read when it exists and no other is named.
const DEFAULT_FILE: &str = "andon.toml";

/// Everything that can be set; each section documents its keys.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// `[data]`
    pub(crate) data: Data,
    /// `[database]`
    pub(crate) database: Database,
    /// `[http]`
    pub(crate) http: Http,
    /// `[limits]`: limits and times of the API; the keys stand in `andon_server::ServerSettings`.
    pub(crate) limits: ServerSettings,
    /// `[devices]`: how devices are onboarded; the keys stand in `andon_server::DeviceSettings`.
    pub(crate) devices: DeviceSettings,
    /// `[oidc]`: who gives out access tokens instead of this program; the keys stand in `andon_server::OidcSettings`.
    pub(crate) oidc: Option<OidcSettings>,
    /// `[mail]`: the mail server that letters are handed to; the keys stand in `andon_connectors::SmtpSettings`.
    pub(crate) mail: Option<SmtpSettings>,
    /// `[mqtt]`
    pub(crate) mqtt: Mqtt,
    /// `[readings]`
    pub(crate) readings: Readings,
    /// `[assets]`
    pub(crate) assets: Assets,
    /// `[lake]`
    pub(crate) lake: Lake,
    /// `[engine]`
    pub(crate) engine: Engine,
    /// `[retention]`
    pub(crate) retention: Retention,
    /// `[log]`
    pub(crate) log: Log,
    /// `[client]`
    pub(crate) client: Client,
}

impl Settings {
    /// Reads file, environment and flags, the later ones winning.
    pub(crate) fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, Failure> {
        let figment = match file {
            Some(file) => from_file(file)?,
            None if Path::new(DEFAULT_FILE).exists() => from_file(Path::new(DEFAULT_FILE))?,
            None => Figment::new(),
        };
        let environment = Env::prefixed("ANDON_").filter(|key| key.as_str().contains("__")).split("__");
        let figment = figment.merge(environment).merge(Serialized::defaults(overrides));
        let settings: Self = figment.extract().map_err(|error| setting_failure(&error))?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), Failure> {
        let wrong = |key: &str, why: &str| Err(Failure::new(Code::Setting, why).at(key));
        if self.engine.max_backlog < 1 || self.engine.max_pending_runs == 0 || self.engine.decide_batch == 0 {
            return wrong("[engine]", "max_backlog, max_pending_runs and decide_batch are greater than zero");
        }
        let assets = &self.assets;
        if assets.max_assets == 0 || assets.recent_values == 0 || assets.save.is_zero() {
            return wrong("[assets]", "max_assets, recent_values and save are greater than zero");
        }
        let lake = &self.lake;
        let is_zero = [lake.tidy, lake.check, lake.query_time].iter().any(Duration::is_zero);
        if is_zero || lake.query_rows == 0 || lake.queries == 0 || lake.query_memory_bytes == 0 {
            return wrong(
                "[lake]",
                "tidy, check, query_time, query_rows, query_memory_bytes and queries are greater than zero",
            );
        }
        if let Err((key, why)) = addresses::check(&self.devices) {
            return wrong(&format!("[devices] {key}"), &why);
        }
        if let Some(Err((key, why))) = self.oidc.as_ref().map(OidcSettings::check) {
            return wrong(&format!("[oidc] {key}"), why);
        }
        if let Some(Err((key, why))) = self.mail.as_ref().map(SmtpSettings::check) {
            return wrong(&format!("[mail] {key}"), why);
        }
        if self.retention.keys < self.retention.events {
            return wrong("[retention] keys", "keys of events are kept at least as long as the events");
        }
        if self.retention.quarantine < self.retention.events {
            return wrong("[retention] quarantine", "what was not replayed is kept at least as long as the events");
        }
        Ok(())
    }
}

fn from_file(file: &Path) -> Result<Figment, Failure> {
    let place = file.display().to_string();
    // The provider would call a file that cannot be read a setting that cannot be used.
    std::fs::File::open(file).map_err(|e| Failure::new(Code::LocalFile, e.to_string()).at(place))?;
    Ok(Figment::from(Toml::file_exact(file)))
}

/// The first fault with its key and the file or variable that it stands in.
fn setting_failure(error: &figment::Error) -> Failure {
    let source = error.metadata.as_ref().map(origin).unwrap_or_default();
    let place = [error.path.join("."), source].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    let failure = Failure::new(Code::Setting, fault(&error.kind));
    if place.is_empty() { failure } else { failure.at(place.join(", in ")) }
}

/// Where a setting comes from, as a person would look for it.
fn origin(metadata: &figment::Metadata) -> String {
    match metadata.source.as_ref().and_then(Source::file_path) {
        Some(file) => file.display().to_string(),
        None if metadata.name.contains("environment") => "a variable ANDON_<SECTION>__<KEY>".to_owned(),
        None => metadata.name.to_string(),
    }
}

fn fault(kind: &Kind) -> String {
    match kind {
        Kind::UnknownField(found, known) => {
            let near = nearest(found, known.iter().copied()).map(|near| format!("did you mean {near}?"));
            let help = near.unwrap_or_else(|| format!("there are {}", known.join(", ")));
            format!("unknown field {found}; {help}")
        }
        // A fault of syntax is drawn over several lines, with the place; the first blank lines say nothing.
        _ => kind.to_string().trim().to_owned(),
    }
}

/// What flags set; laid over file and environment.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Overrides {
    #[serde(skip_serializing_if = "Section::is_empty")]
    data: Section,
    #[serde(skip_serializing_if = "Section::is_empty")]
    database: Section,
    #[serde(skip_serializing_if = "Section::is_empty")]
    http: Section,
    #[serde(skip_serializing_if = "Section::is_empty")]
    mqtt: Section,
    #[serde(skip_serializing_if = "Section::is_empty")]
    log: Section,
    #[serde(skip_serializing_if = "Section::is_empty")]
    client: Section,
}

/// Keys of one section that flags set.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
struct Section(std::collections::BTreeMap<&'static str, String>);

impl Section {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn set(&mut self, key: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.0.insert(key, value);
        }
    }
}

impl Overrides {
    /// The flags of every command, and those of `serve` when it runs.
    pub(crate) fn from_flags(global: &GlobalOptions, serve: Option<&Serve>) -> Self {
        let mut overrides = Self::default();
        let text = |path: &PathBuf| path.display().to_string();
        overrides.data.set("folder", global.data.as_ref().map(text));
        overrides.client.set("url", global.url.clone());
        if let Some(serve) = serve {
            overrides.database.set("url", serve.database.clone());
            overrides.http.set("listen", serve.listen.map(|address| address.to_string()));
            overrides.mqtt.set("listen", serve.mqtt.map(|address| address.to_string()));
            overrides.log.set("format", serve.log_format.map(|format| format.to_string()));
            overrides.log.set("filter", serve.log.clone());
        }
        overrides
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, place: &str, detail: &str) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("andon.toml");
        std::fs::write(&file, text).unwrap();
        let failure = Settings::load(Some(&file), &Overrides::default()).expect_err("must be refused");
        let found = failure.problem.place.unwrap_or_default();
        assert!(found.starts_with(place), "{text:?}: {found:?}");
        assert!(failure.problem.detail.contains(detail), "{text:?}: {}", failure.problem.detail);
    }

    #[test]
    fn faults_name_their_key() {
        check("[http]\nlisen = '1'\n", "http.lisen, in /", "did you mean listen?");
        check("[htp]\n", "htp", "unknown field");
        check("[http]\nlisten = 'here'\n", "http.listen", "");
        check("[retention]\nevents = '9 days'\nkeys = '1 day'\n", "[retention] keys", "at least as long");
        check("[retention]\nquarantine = '1 day'\n", "[retention] quarantine", "at least as long");
        check("[http\n", "/", "line 1");
        check("[engine]\ndecide_batch = 0\n", "[engine]", "greater than zero");
        check("[assets]\nsave = '0s'\n", "[assets]", "greater than zero");
        check("[assets]\nsaves = '1s'\n", "assets.saves, in /", "did you mean save?");
        check("[readings.archive]\nto = 's3://plant'\npacking = 'zip'\n", "readings.archive.packing", "zip");
        check("[readings.archive]\npacking = 'gzip'\n", "readings.archive", "missing field");
        check("[lake]\nqueries = 0\n", "[lake]", "greater than zero");
        check("[lake]\ncheck = '0s'\n", "[lake]", "greater than zero");
        check("[oidc]\nissuer = 'http://login.example'\naudiences = ['andon']\n", "[oidc] issuer", "https://");
        check("[oidc]\nissuer = 'https://login.example'\n", "[oidc] audiences", "audiences or clients");
        check("[oidc]\nissuer = 'https://login.example'\naudience = 'a'\n", "oidc.audience", "did you mean audiences");
        check("[devices]\nendpoint = 'plant.example:8883'\n", "[devices] endpoint", "plant.example:8883");
        check("[devices]\npublic_url = 'plant.example'\n", "[devices] public_url", "https://");
        check("[mail]\nhost = 'mail.example'\nfrom = 'andon'\n", "[mail] from", "not an address");
        check("[mail]\nhost = 'mail.example'\n", "mail", "missing field `from`");
        check("[mail]\nhost = 'm'\nfrom = 'a@b'\npassword = 'x'\n", "mail.password", "never stands in a file");
        check("[mqtt.limits]\npublish_rat = 1\n", "mqtt.limits.publish_rat, in /", "did you mean publish_rate?");
        check("[mqtt.events]\n'a/#' = 'Not a name'\n", "mqtt.events", "");
    }

    #[test]
    fn flags_win_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("andon.toml");
        std::fs::write(&file, "[data]\nfolder = '/a'\n[client]\nurl = 'http://a'\n").unwrap();
        let mut overrides = Overrides::default();
        overrides.data.set("folder", Some("/b".into()));
        let settings = Settings::load(Some(&file), &overrides).unwrap();
        assert_eq!((settings.data.folder, settings.client.url.as_str()), (PathBuf::from("/b"), "http://a"));
    }
}
