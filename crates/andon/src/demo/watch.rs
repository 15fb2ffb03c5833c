//! Waiting until nothing is pending, with an upper bound.

use std::time::Duration;

use andon_model::{Clock, SystemClock};

use super::play::Expected;
use super::progress::Progress;
use crate::client::Client;
use crate::commands::status::StatusAnswer;

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// Watches until every expected event is in and every run is settled. `false`: the limit came first.
pub(super) async fn until_settled(
    client: &Client,
    expected: &Expected,
    limit: Duration,
    progress: &Progress,
) -> anyhow::Result<bool> {
    let started = SystemClock.now();
    loop {
        let answer: StatusAnswer = client.get("/api/v1/status").await?;
        show(&answer, progress);
        let settled = is_settled(&answer, expected);
        if settled || SystemClock.now().since(started) > limit {
            return Ok(settled);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn is_settled(answer: &StatusAnswer, expected: &Expected) -> bool {
    let all_in = answer.counts.events >= expected.events && answer.counts.quarantined >= expected.quarantined;
    let all_decided = answer.counts.undecided == 0 && answer.status.backlog == 0;
    all_in && all_decided && pending(answer) == 0
}

fn pending(answer: &StatusAnswer) -> i64 {
    answer.counts.runs.iter().filter(|(status, _)| !status.is_settled()).map(|(_, count)| count).sum()
}

fn show(answer: &StatusAnswer, progress: &Progress) {
    let all: i64 = answer.counts.runs.values().sum();
    let number = |n: i64| u64::try_from(n).unwrap_or_default();
    let (done, events, under_way) = (all - pending(answer), answer.counts.events, answer.status.in_flight);
    let what = format!("{done} of {all} runs settled, {events} events, {under_way} requests under way");
    progress.move_to(number(done), number(all), what);
}
