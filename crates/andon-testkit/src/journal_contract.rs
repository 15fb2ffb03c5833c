//! The contract of the journal's ports: every promise as a test of its own.
//!
//! An adapter describes by a [`Fixture`] how an empty state is made, opened and killed, and asks for the
//! tests with `andon_testkit::journal_contract!(ItsFixture);` in a test module. Its crate needs `tokio`
//! with `macros` and `rt-multi-thread`.
//!
//! Promises are named after the invariants where they have a number: J1 offsets gapless, rows immutable;
//! J2 a checkpoint never goes back; J3 acknowledged means kept; J4 one `(source, id)`, one event.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a promise that does not hold fails its test by a panic"
)]

use andon_journal::{Attachments, Configurations, Journal, Secrets, Tokens, Views};
use async_trait::async_trait;

pub mod appending;
pub mod attachments;
pub mod configuration;
pub mod credentials;
pub mod episodes;
pub mod leases;
pub mod lists;
pub mod payloads;
pub mod quarantine;
pub mod retention;
pub mod runs;
mod samples;

/// All ports of one store.
pub trait Ports: Journal + Attachments + Views + Configurations + Tokens + Secrets {}

impl<T: Journal + Attachments + Views + Configurations + Tokens + Secrets> Ports for T {}

/// How the contract gets at an adapter.
#[async_trait]
pub trait Fixture: Send + Sync + Sized {
    /// The adapter.
    type Store: Ports + 'static;

    /// An empty state of its own, gone when dropped.
    async fn new() -> Self;

    /// Opens the state, as a starting process does. Several may be open at once.
    async fn open(&self) -> Self::Store;

    /// Ends a process without warning.
    async fn kill(&self, store: Self::Store) {
        drop(store);
    }
}

/// Generates a test per promise for a [`Fixture`].
#[macro_export]
macro_rules! journal_contract {
    ($fixture:ty) => {
        $crate::journal_contract!(@tests $fixture,
            appending: j1_offsets_are_gapless_from_one,
            appending: j1_concurrent_appends_stay_gapless,
            appending: j2_checkpoints_never_go_back,
            appending: j2_one_bad_append_leaves_its_neighbours_alone,
            appending: j3_acknowledged_survives_a_kill,
            appending: j4_a_known_event_keeps_its_offset,
            appending: j4_a_known_event_names_its_first_sender,
            appending: j4_twins_in_one_append_are_one_event,
            appending: a_refused_append_stores_nothing,
            appending: events_are_read_in_order,
            appending: marks_are_a_set_per_source,
            attachments: bytes_come_back_with_the_event_that_names_them,
            attachments: the_same_bytes_are_kept_once,
            attachments: a_known_event_keeps_what_it_came_with,
            attachments: a_refused_append_attaches_nothing,
            attachments: large_attachments_survive_a_kill,
            attachments: they_go_with_the_last_event_that_names_them,
            attachments: they_stay_while_a_run_is_unsettled,
            attachments: whatever_is_appended_every_name_leads_to_bytes,
            payloads: every_attribute_comes_back,
            payloads: unicode_and_nul_come_back,
            payloads: very_large_bodies_come_back,
            payloads: very_long_attributes_come_back,
            leases: an_older_lease_is_fenced,
            leases: a_fenced_commit_stores_nothing,
            leases: a_live_process_holds_the_lease,
            leases: a_killed_process_leaves_the_lease_at_once,
            runs: a_run_is_inserted_then_replaced,
            runs: runs_are_found_by_their_events,
            runs: unsettled_runs_come_in_order_of_event_and_making,
            runs: j2_deciding_never_goes_back,
            runs: j3_runs_survive_a_kill,
            runs: many_runs_in_one_commit_arrive,
            runs: two_commits_for_one_run_in_a_row_keep_both_timelines,
            runs: a_repeated_commit_repeats_no_timeline,
            runs: commits_from_many_tasks_arrive,
            episodes: an_episode_is_written_with_its_run,
            episodes: episodes_survive_a_kill,
            episodes: holders_are_found_in_order,
            episodes: closed_episodes_are_forgotten,
            episodes: lists_name_holders_and_runs,
            episodes: only_episodes_without_events_go,
            lists: events_show_decisions_and_runs,
            lists: events_are_filtered_and_paged,
            lists: runs_are_filtered_and_paged,
            lists: a_run_shows_its_timeline_in_order,
            lists: counts_add_up,
            quarantine: bytes_are_kept_as_they_came,
            quarantine: entries_are_paged_and_replayed,
            configuration: unchanged_text_makes_no_revision,
            configuration: every_revision_can_be_read_again,
            configuration: history_lists_versions_newest_first,
            configuration: a_removed_document_comes_back_with_the_next_version,
            configuration: text_is_kept_byte_for_byte,
            credentials: tokens_are_stored_replaced_and_removed,
            credentials: secrets_are_stored_replaced_and_removed,
            credentials: secrets_survive_a_kill,
            retention: only_old_settled_and_decided_events_go,
            retention: j4_a_key_outlives_its_event_until_it_is_too_old,
            retention: at_most_the_limit_goes,
            retention: j1_offsets_are_never_used_again,
            retention: quarantine_goes_by_what_became_of_it,
            retention: marks_go_only_when_asked,
        );
    };
    (@tests $fixture:ty, $($part:ident: $promise:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let fixture = <$fixture as $crate::journal_contract::Fixture>::new().await;
                $crate::journal_contract::$part::$promise(&fixture).await;
            }
        )*
    };
}
