//! What every log of readings promises to its consumers, as tests that each adapter passes.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a promise that does not hold fails its test by a panic"
)]

use std::time::Duration;

use andon_journal::{NewReading, ReadingFeed, ReadingFeeds, ReadingLog};
use andon_model::{IngestId, Name, SpeaksFor, Timestamp};
use async_trait::async_trait;

/// How the contract gets at an adapter.
#[async_trait]
pub trait Fixture: Send + Sync + Sized {
    /// The adapter.
    type Log: ReadingFeeds + ReadingLog + 'static;

    /// An empty log.
    async fn new() -> Self;

    /// The log.
    fn log(&self) -> &Self::Log;

    /// The place that a consumer has said to have kept.
    fn kept(&self, consumer: &Name) -> Option<IngestId>;
}

/// Generates a test per promise for a [`Fixture`].
#[macro_export]
macro_rules! reading_feed_contract {
    ($fixture:ty) => {
        $crate::reading_feed_contract!(@tests $fixture,
            readings_come_in_order_and_once,
            a_feed_begins_where_it_is_told,
            who_follows_waits_and_loses_nothing_by_giving_up,
            a_place_that_was_kept_never_goes_back,
            consumers_do_not_know_each_other,
        );
    };
    (@tests $fixture:ty, $($promise:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let fixture = <$fixture as $crate::reading_feed_contract::Fixture>::new().await;
                $crate::reading_feed_contract::$promise(&fixture).await;
            }
        )*
    };
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

async fn append(log: &impl ReadingLog, count: usize) {
    let reading = |n: usize| NewReading {
        received: Timestamp::from_micros(1_772_719_200_000_000),
        device: "d1".into(),
        topic: "data/d1".into(),
        speaks_for: SpeaksFor::Anyone,
        payload: n.to_string().into_bytes(),
    };
    log.append((0..count).map(reading).collect()).await.expect("kept");
}

/// The ids of all that is there, and where that ends.
async fn rest(feed: &mut dyn ReadingFeed) -> (Vec<u64>, Option<IngestId>) {
    let (mut ids, mut end) = (Vec::new(), None);
    while let Some(batch) = feed.next().await.expect("read") {
        assert_eq!(batch.missing, 0);
        ids.extend(batch.readings.iter().map(|reading| reading.id.0));
        end = Some(batch.next);
    }
    (ids, end)
}

/// All readings, in order, each once; `None` at the end, and more when there is more.
pub async fn readings_come_in_order_and_once<F: Fixture>(fixture: &F) {
    append(fixture.log(), 40).await;
    let mut feed = fixture.log().open(&name("c"), IngestId::FIRST).await.expect("opened");
    assert_eq!(rest(feed.as_mut()).await, ((1..=40).collect(), Some(IngestId(41))));
    append(fixture.log(), 2).await;
    assert_eq!(rest(feed.as_mut()).await, (vec![41, 42], Some(IngestId(43))));
}

/// In the middle, or at the end.
pub async fn a_feed_begins_where_it_is_told<F: Fixture>(fixture: &F) {
    append(fixture.log(), 40).await;
    let mut feed = fixture.log().open(&name("c"), IngestId(38)).await.expect("opened");
    assert_eq!(rest(feed.as_mut()).await.0, [38, 39, 40]);
    let mut feed = fixture.log().open(&name("c"), IngestId(41)).await.expect("opened");
    assert_eq!(rest(feed.as_mut()).await.0, Vec::<u64>::new());
}

/// `follow` waits for the first reading; dropped while it waits, it has taken none.
pub async fn who_follows_waits_and_loses_nothing_by_giving_up<F: Fixture>(fixture: &F) {
    let mut feed = fixture.log().open(&name("c"), IngestId::FIRST).await.expect("opened");
    let given_up = tokio::time::timeout(Duration::from_millis(20), feed.follow()).await;
    assert!(given_up.is_err(), "there is nothing to follow");
    let (followed, ()) = tokio::join!(feed.follow(), append(fixture.log(), 1));
    let batch = followed.expect("read").expect("the log is open");
    assert_eq!((batch.readings.len(), batch.next), (1, IngestId(2)));
}

/// Invariant J2.
pub async fn a_place_that_was_kept_never_goes_back<F: Fixture>(fixture: &F) {
    append(fixture.log(), 40).await;
    let consumer = name("c");
    assert_eq!(fixture.kept(&consumer), None);
    let mut feed = fixture.log().open(&consumer, IngestId::FIRST).await.expect("opened");
    assert_eq!(fixture.kept(&consumer), Some(IngestId::FIRST), "the log waits for it from now on");
    for (place, expect) in [(20, 20), (10, 20), (20, 20), (41, 41)] {
        feed.keep(IngestId(place)).await.expect("kept");
        assert_eq!(fixture.kept(&consumer), Some(IngestId(expect)), "after {place}");
    }
    fixture.log().open(&consumer, IngestId(5)).await.expect("opened");
    assert_eq!(fixture.kept(&consumer), Some(IngestId(41)), "who begins before reads again, and keeps nothing less");
}

/// Each has a place of its own.
pub async fn consumers_do_not_know_each_other<F: Fixture>(fixture: &F) {
    append(fixture.log(), 3).await;
    let mut one = fixture.log().open(&name("one"), IngestId::FIRST).await.expect("opened");
    let mut other = fixture.log().open(&name("other"), IngestId::FIRST).await.expect("opened");
    assert_eq!(rest(one.as_mut()).await.0, [1, 2, 3]);
    one.keep(IngestId(4)).await.expect("kept");
    assert_eq!(rest(other.as_mut()).await.0, [1, 2, 3]);
    assert_eq!(fixture.kept(&name("other")), Some(IngestId::FIRST));
}
