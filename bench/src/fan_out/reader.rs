//! One reader of a stream of Server-Sent Events.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use reqwest::Response;
use tokio::time::timeout;

use super::Posted;

/// How long a reader waits for the next value before it gives up the rest for lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two events.
const END: &str = "\n\n";

/// What a reader, or several, have seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// From posting to reading, of each value.
    pub(super) micros: Vec<u64>,
    pub(super) told_missed: u64,
    pub(super) twice: u64,
}

impl Seen {
    pub(super) fn add(&mut self, other: Self) {
        self.micros.extend(other.micros);
        self.told_missed += other.told_missed;
        self.twice += other.twice;
    }
}

/// Reads until all values from `first` on have come, or none comes any more.
pub(super) async fn read(mut stream: Response, posted: Arc<Posted>, first: u64) -> anyhow::Result<Seen> {
    let (mut seen, mut pending) = (Seen::default(), String::new());
    let first = usize::try_from(first)?;
    let mut came = vec![false; posted.at.len()];
    while seen.micros.len() < posted.at.len() - first {
        let Ok(chunk) = timeout(PATIENCE, stream.chunk()).await else { break };
        pending.push_str(std::str::from_utf8(&chunk?.context("the stream ended")?)?);
        let now = u64::try_from(posted.begun.elapsed().as_micros())?;
        let whole = pending.rfind(END).map_or(0, |at| at + END.len());
        for event in pending[..whole].split(END) {
            seen.told_missed += u64::from(event.starts_with("event: missed"));
            if let Some(number) = number(event).filter(|number| (first..came.len()).contains(number)) {
                seen.twice += u64::from(came[number]);
                if !std::mem::replace(&mut came[number], true) {
                    seen.micros.push(now.saturating_sub(posted.at[number].load(Ordering::Acquire)));
                }
            }
        }
        pending.drain(..whole);
    }
    Ok(seen)
}

/// The value of an event, which is a number.
fn number(event: &str) -> Option<usize> {
    let (_, rest) = event.split_once("\"value\":")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_values_only() {
        let value =
            "event: value\nid: 5\ndata: {\"asset\":\"p9\",\"property\":\"t\",\"value\":120.0,\"quality\":\"GOOD\"}";
        assert_eq!(number(value), Some(120));
        assert_eq!(number(": nothing new"), None);
        assert_eq!(number("event: asset\ndata: {\"asset\":\"p9\"}"), None);
    }
}
