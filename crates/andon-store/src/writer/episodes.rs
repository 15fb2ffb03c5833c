//! Episodes that settled runs have opened or joined: written as a whole, the newest one of a key wins.

use std::collections::HashMap;
use std::sync::LazyLock;

use andon_journal::{Commit, Episode, EpisodeKey, Lease};
use sqlx::Arguments as _;

use crate::bulk::Bulk;
use crate::database::Write;
use crate::error::Fault;
use crate::text::escape;

static EPISODES: LazyLock<Bulk> = LazyLock::new(|| {
    let before = "INSERT INTO episodes (action, episode_key, document, run_id, opened_at, touched_at, joined) VALUES";
    let after = "ON CONFLICT (action, episode_key) DO UPDATE SET document = excluded.document, \
         run_id = excluded.run_id, opened_at = excluded.opened_at, touched_at = excluded.touched_at, \
         joined = excluded.joined";
    Bulk::new(before, 7, after)
});

pub(super) async fn write_episodes(write: &mut Write<'_>, commits: &[(Lease, &Commit)]) -> Result<(), Fault> {
    let parts = commits.iter().flat_map(|(_, commit)| &commit.runs).filter_map(|run| run.episode.as_ref());
    let newest: HashMap<&EpisodeKey, &Episode> =
        parts.filter_map(|part| part.put.as_ref()).map(|episode| (&episode.id, episode)).collect();
    let mut rows: Vec<&Episode> = newest.into_values().collect();
    rows.sort_unstable_by_key(|episode| &episode.id);
    EPISODES
        .execute(&mut write.connection, &rows, |episode, a| {
            a.add(episode.id.action.as_str())?;
            a.add(&*escape(&episode.id.key))?;
            a.add(&*escape(&episode.document))?;
            a.add(episode.run.as_str())?;
            a.add(episode.opened_at.as_micros())?;
            a.add(episode.touched_at.as_micros())?;
            a.add(episode.count)
        })
        .await?;
    Ok(())
}
