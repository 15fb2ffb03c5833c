//! How many connections the process may have: the machine's usual limit is too low for thousands.

use andon_model::Code;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::output::Failure;

/// Files beside the connections.
const SPARE: u64 = 64;

/// Raises the limit on open files as far as is needed and allowed.
pub(super) fn allow_connections(devices: usize) -> Result<(), Failure> {
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
