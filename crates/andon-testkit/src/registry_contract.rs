//! What every registry promises, as tests that each adapter and the fake in memory pass.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a promise that does not hold fails its test by a panic"
)]

pub mod admission;
pub mod commits;
pub mod crowds;
pub mod devices;
pub mod samples;

use andon_devices::registry::Registry;
use async_trait::async_trait;

/// How the contract gets at an adapter.
#[async_trait]
pub trait Fixture: Send + Sync + Sized {
    /// The adapter.
    type Store: Registry + 'static;

    /// An empty registry of its own, gone when dropped.
    async fn new() -> Self;

    /// Opens it, as a starting process does. Several may be open at once.
    async fn open(&self) -> Self::Store;
}

/// Generates a test per promise for a [`Fixture`].
#[macro_export]
macro_rules! registry_contract {
    ($fixture:ty) => {
        $crate::registry_contract!(@tests $fixture,
            commits: a_commit_is_all_or_nothing,
            commits: expectations_are_checked,
            commits: revisions_only_grow,
            commits: committed_survives_a_restart,
            commits: racing_writers_lose_nothing,
            commits: secrets_stay_beside_their_entries,
            commits: too_many_at_once_are_refused,
            commits: every_kind_is_kept_apart,
            commits: the_feed_names_each_entry_once,
            commits: what_was_removed_is_forgotten,
            crowds: a_conflict_is_its_callers_own,
            crowds: one_of_a_crowd_gets_the_name,
            crowds: crowds_are_as_if_one_came_after_the_other,
            crowds: several_entries_come_in_order,
            devices: a_device_is_found_by_its_certificate,
            devices: a_certificate_has_one_device,
            devices: devices_are_searched_and_paged,
            devices: devices_are_found_by_what_is_due,
            devices: revocations_outlive_their_device,
            devices: transitions_are_stored_whole,
            admission: a_device_comes_with_its_policies,
            admission: what_is_revoked_is_not_let_in,
            admission: a_missing_policy_lets_nobody_in,
            admission: authorities_are_founded_once_and_renewed,
            admission: a_root_is_followed_step_by_step,
        );
    };
    (@tests $fixture:ty, $($part:ident: $promise:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let fixture = <$fixture as $crate::registry_contract::Fixture>::new().await;
                $crate::registry_contract::$part::$promise(&fixture).await;
            }
        )*
    };
}
