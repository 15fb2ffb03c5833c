//! Commits to the registry of many callers, in the transaction that they share.
//!
//! Each caller's changes are stored whole or not at all, and are checked on their own: one that expected something else
//! is told so, and takes nobody with it. Nothing is written for it that would have to be taken back.
//!
//! **Life of a commit.** [`Prepared`] turns changes into rows, still in the caller's task; here what a group names is
//! read by a few statements, [`Plan`] decides about one caller after the other in memory, and what is left at the end is
//! written by a few statements again.

mod plan;
mod prepare;
mod rows;

use andon_devices::registry::RegistryError;
use sqlx::{query, query_scalar};

use self::plan::Plan;
pub(crate) use self::prepare::{Prepared, WRITING};
use crate::database::Write;
use crate::error::Fault;

/// What each caller is told, in order: the revision of its last write, or why it is refused.
pub(super) type Outcomes = Vec<Result<i64, RegistryError>>;

/// Writes `commits` in order.
pub(super) async fn register_all(write: &mut Write<'_>, commits: &[&Prepared]) -> Result<Outcomes, Fault> {
    if commits.is_empty() {
        return Ok(Vec::new());
    }
    let connection = &mut write.connection;
    let before: i64 =
        query_scalar("SELECT revision FROM registry_head WHERE id = 1").fetch_one(&mut *connection).await?;
    let mut plan = Plan::new(before, rows::known(connection, commits).await?);
    let outcomes = commits.iter().map(|commit| plan.admit(commit)).collect();
    rows::store(connection, &plan).await?;
    if plan.revision() != before {
        let save = query("UPDATE registry_head SET revision = $1 WHERE id = 1").bind(plan.revision());
        save.execute(connection).await?;
    }
    Ok(outcomes)
}
