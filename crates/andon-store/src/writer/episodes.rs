//! Episodes that settled runs have opened or joined: written as a whole, the newest one of a key wins. Those that a
//! person has closed go.

use std::collections::HashMap;
use std::sync::LazyLock;

use andon_journal::{Commit, Episode, EpisodeKey, Lease};
use sqlx::{Arguments as _, query};

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

const CLOSE: &str = "DELETE FROM episodes WHERE action = $1 AND episode_key = $2";

/// What each episode is after these commits: as it was written last, or gone.
fn newest<'a>(commits: &[(Lease, &'a Commit)]) -> HashMap<&'a EpisodeKey, Option<&'a Episode>> {
    let mut newest = HashMap::new();
    for (_, commit) in commits {
        let parts = commit.runs.iter().filter_map(|run| run.episode.as_ref());
        newest.extend(parts.filter_map(|part| part.put.as_ref()).map(|episode| (&episode.id, Some(episode))));
        newest.extend(commit.closed_episodes.iter().map(|id| (id, None)));
    }
    newest
}

pub(super) async fn write_episodes(write: &mut Write<'_>, commits: &[(Lease, &Commit)]) -> Result<(), Fault> {
    let newest = newest(commits);
    for id in newest.iter().filter(|(_, episode)| episode.is_none()).map(|(id, _)| id) {
        let query = query(CLOSE).bind(id.action.as_str()).bind(escape(&id.key).into_owned());
        query.execute(&mut write.connection).await?;
    }
    let mut rows: Vec<&Episode> = newest.into_values().flatten().collect();
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
