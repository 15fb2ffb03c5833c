//! How many files and connections the process may have open: the usual limit is too low for thousands of devices.
//!
//! **Constraints.** Only the soft limit is raised, and to no more than the hard one, which is the operator's.

use andon_model::Code;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Settings;
use crate::output::Failure;

/// Files beside the connections.
const SPARE: u64 = 64;

/// What to do about a limit that is too low.
pub(crate) const REMEDY: &str = "raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd), or lower \
    max_connections of [limits] and sessions of [mqtt.limits]";

/// Raises the limit as far as is needed and allowed for the connections of a fleet.
pub(crate) fn allow_connections(devices: usize) -> Result<(), Failure> {
    let needed = devices as u64 + SPARE;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let is_allowed = maximum.is_none_or(|maximum| maximum >= needed)
        && setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum }).is_ok();
    if is_allowed {
        return Ok(());
    }
    let what =
        format!("{devices} connections need {needed} open files, and the limit is {}", maximum.unwrap_or_default());
    Err(Failure::new(Code::BadRequest, what).at("--devices").remedy("raise the limit, for instance with ulimit -n"))
}

/// Raises the limit of a server as far as is allowed, and says in the log if its own limits could need more.
pub(crate) fn raise(settings: &Settings) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    let needed = needed(settings);
    if let Some(limit) = getrlimit(Resource::Nofile).current.filter(|limit| *limit < needed) {
        tracing::warn!(limit, needed, remedy = REMEDY, "clients and devices may need more open files than are allowed");
    }
}

/// As many files as a server may open: the hard limit; `None` if there is no end.
pub(crate) fn allowed() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// How many files a server needs when it has as many clients and devices as its limits let in.
pub(crate) fn needed(settings: &Settings) -> u64 {
    let devices = if settings.mqtt.enabled { settings.mqtt.limits.sessions } else { 0 };
    (settings.limits.max_connections as u64).saturating_add(devices as u64).saturating_add(SPARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_in_needs_files() {
        let mut settings = Settings::default();
        (settings.limits.max_connections, settings.mqtt.limits.sessions) = (100, 1_000);
        assert_eq!(needed(&settings), 1_164);
        settings.mqtt.enabled = false;
        assert_eq!(needed(&settings), 164);
    }

    /// The limit is the process's own, and each test has a process of its own.
    #[test]
    fn the_limit_is_raised_to_what_is_allowed() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(128), maximum }).expect("lower is allowed");
        raise(&Settings::default());
        assert_eq!(getrlimit(Resource::Nofile), Rlimit { current: maximum, maximum });
    }
}
