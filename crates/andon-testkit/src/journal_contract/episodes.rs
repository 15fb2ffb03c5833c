//! Promises about episodes: written with their run, read by key, found again by a starting engine.

use andon_journal::{
    Episode, EpisodeFilter, EpisodeKey, EpisodePart, Journal, Retention, RunChange, RunFilter, RunPlace, Views,
};
use andon_model::{RunId, RunStatus};

use super::Fixture;
use super::samples::{at, name, run_of, write_runs};

fn id(key: &str) -> EpisodeKey {
    EpisodeKey { action: name("notify"), key: key.to_owned() }
}

fn episode(key: &str, touched: i64, count: i64) -> Episode {
    Episode {
        id: id(key),
        document: format!("1000{count}"),
        run: RunId::new("RUN-1"),
        opened_at: at(1),
        touched_at: at(touched),
        count,
    }
}

fn part_of(event: i64, status: RunStatus, key: &str, holds: bool, put: Option<Episode>) -> RunChange {
    let part = EpisodePart { key: key.to_owned(), holds, put };
    RunChange { episode: Some(part), ..run_of(event, "notify", status) }
}

/// The newest counts; a repeated commit changes nothing; other keys and actions are others.
pub async fn an_episode_is_written_with_its_run(fixture: &impl Fixture) {
    let store = fixture.open().await;
    assert_eq!(store.episode(&id("pump/hot\0")).await.expect("read"), None);
    let opened = part_of(1, RunStatus::Done, "pump/hot\0", false, Some(episode("pump/hot\0", 5, 1)));
    let joined = part_of(2, RunStatus::Done, "pump/hot\0", false, Some(episode("pump/hot\0", 6, 2)));
    write_runs(&store, vec![opened]).await;
    write_runs(&store, vec![joined.clone()]).await;
    write_runs(&store, vec![joined]).await;
    assert_eq!(store.episode(&id("pump/hot\0")).await.expect("read"), Some(episode("pump/hot\0", 6, 2)));
    assert_eq!(store.episode(&id("pump/cold")).await.expect("read"), None);
    let other = EpisodeKey { action: name("order"), ..id("pump/hot\0") };
    assert_eq!(store.episode(&other).await.expect("read"), None);
}

/// Of several changes in one commit the last one counts, and all survive a kill.
pub async fn episodes_survive_a_kill(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let change =
        |event, key: &str, count| part_of(event, RunStatus::Done, key, false, Some(episode(key, event, count)));
    write_runs(&store, vec![change(1, "a", 1), change(2, "b", 1), change(3, "a", 2)]).await;
    fixture.kill(store).await;
    let store = fixture.open().await;
    assert_eq!(store.episode(&id("a")).await.expect("read"), Some(episode("a", 3, 2)));
    let list = |action: Option<&str>, key: Option<&str>, limit| EpisodeFilter {
        limit,
        action: action.map(name),
        key: key.map(str::to_owned),
    };
    let keys = async |filter| -> Vec<(String, i64)> {
        let rows = store.episodes(filter).await.expect("listed");
        rows.into_iter().map(|row| (row.episode.id.key, row.episode.count)).collect()
    };
    assert_eq!(keys(list(Some("notify"), None, 10)).await, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    assert_eq!(keys(list(None, None, 1)).await, [("a".to_owned(), 2)]);
    assert_eq!(keys(list(None, Some("b"), 10)).await, [("b".to_owned(), 1)]);
    assert_eq!(keys(list(Some("order"), Some("b"), 10)).await, []);
}

/// A list says which run holds an episode, and the runs of one are found.
pub async fn lists_name_holders_and_runs(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let runs = vec![
        part_of(1, RunStatus::Done, "a\0", false, Some(episode("a\0", 1, 1))),
        part_of(2, RunStatus::Parked, "a\0", true, None),
        part_of(3, RunStatus::Queued, "a\0", false, None),
        part_of(4, RunStatus::Done, "b", false, Some(episode("b", 4, 1))),
        run_of(5, "order", RunStatus::Done),
    ];
    let parked = runs[1].id.clone();
    write_runs(&store, runs).await;
    let rows = store.episodes(EpisodeFilter { limit: 10, ..EpisodeFilter::default() }).await.expect("listed");
    let holders: Vec<_> = rows.iter().map(|row| row.held_by.as_ref().map(|by| (&by.run, by.status))).collect();
    assert_eq!(holders, [None, Some((&parked, RunStatus::Parked))]);
    let of_a = RunFilter { limit: 10, episode: Some("a\0".to_owned()), ..RunFilter::default() };
    let page = store.runs(of_a.clone()).await.expect("listed");
    assert_eq!(page.rows.iter().map(|row| row.event.0).collect::<Vec<_>>(), [3, 2, 1]);
    let other = RunFilter { action: Some(name("order")), ..of_a };
    assert_eq!(store.runs(other).await.expect("listed").rows, []);
}

/// A closed episode is gone, also in the commit in which it was joined, and can be opened again.
pub async fn closed_episodes_are_forgotten(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let change = |event, key: &str| part_of(event, RunStatus::Done, key, false, Some(episode(key, event, event)));
    let lease = super::samples::lease(&store).await;
    let close = |runs, key| andon_journal::Commit { closed_episodes: vec![id(key)], ..super::samples::commit_of(runs) };
    store.commit(lease, close(vec![change(1, "a\0"), change(2, "b")], "a\0")).await.expect("committed");
    assert_eq!(store.episode(&id("a\0")).await.expect("read"), None);
    assert_eq!(store.episode(&id("b")).await.expect("read"), Some(episode("b", 2, 2)));
    store.commit(lease, close(Vec::new(), "none")).await.expect("an episode that is not there is no error");
    store.commit(lease, super::samples::commit_of(vec![change(3, "a\0")])).await.expect("committed");
    assert_eq!(store.episode(&id("a\0")).await.expect("read"), Some(episode("a\0", 3, 3)));
}

/// A starting engine finds who holds which episode, parked runs among them, page by page.
pub async fn holders_are_found_in_order(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let runs = vec![
        part_of(4, RunStatus::Parked, "a", true, None),
        part_of(2, RunStatus::Sending, "b", true, None),
        part_of(3, RunStatus::Queued, "a", false, None),
        part_of(1, RunStatus::Refused, "b", false, None),
        run_of(5, "notify", RunStatus::Queued),
    ];
    write_runs(&store, runs).await;
    let holders = store.episode_holders(RunPlace::default(), 10).await.expect("read");
    let found: Vec<_> = holders.iter().map(|run| (run.place.event.0, run.episode.clone())).collect();
    assert_eq!(found, [(2, Some(id("b"))), (4, Some(id("a")))]);
    let rest = store.episode_holders(holders[0].place, 1).await.expect("read");
    assert_eq!(rest, holders[1..]);
    let pending = store.unsettled_runs(RunPlace::default(), 10).await.expect("read");
    let keys: Vec<_> = pending.into_iter().map(|run| run.episode.map(|id| id.key)).collect();
    assert_eq!(keys, [Some("b".to_owned()), Some("a".to_owned()), None]);
    write_runs(&store, vec![part_of(4, RunStatus::Cancelled, "a", false, None)]).await;
    assert_eq!(store.episode_holders(holders[0].place, 10).await.expect("read"), []);
}

/// Episodes go when no event has joined them for long; a run that holds one stays with its event.
pub async fn only_episodes_without_events_go(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.append(super::samples::append_of(1..=2)).await.expect("appended");
    let done = part_of(1, RunStatus::Done, "a", false, Some(episode("a", 5, 1)));
    let parked = part_of(2, RunStatus::Parked, "b", true, Some(episode("b", 9, 1)));
    let lease = super::samples::lease(&store).await;
    let decided_up_to = Some(andon_model::Offset(2));
    let commit = andon_journal::Commit { decided_up_to, ..super::samples::commit_of(vec![done, parked]) };
    store.commit(lease, commit).await.expect("committed");
    let retention =
        Retention { events_before: at(9), keys_before: at(0), quarantine_before: at(0), marks_before: None, limit: 10 };
    let gone = store.retain(retention).await.expect("retained");
    assert_eq!((gone.events, gone.episodes), (1, 1));
    assert_eq!(store.episode(&id("a")).await.expect("read"), None);
    assert_eq!(store.episode(&id("b")).await.expect("read"), Some(episode("b", 9, 1)));
    assert_eq!(store.episode_holders(RunPlace::default(), 10).await.expect("read").len(), 1);
}
