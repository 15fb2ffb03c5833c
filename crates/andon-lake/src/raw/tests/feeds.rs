//! Consumers by their port: the contract, and readings of the archive.

use std::sync::Arc;

use andon_journal::{ReadingFeeds as _, ReadingLog as _};
use andon_model::{IngestId, Name};
use andon_testkit::Dice;
use andon_testkit::reading_feed_contract::Fixture;
use async_trait::async_trait;
use object_store::memory::InMemory;

use super::super::disk::simulated::SimulatedDisk;
use super::super::{Archive, Packing, RawLog, RawLogSettings};
use super::log::{open, settings};
use super::{reading, seconds};

struct OnDisk(RawLog);

#[async_trait]
impl Fixture for OnDisk {
    type Log = RawLog;

    async fn new() -> Self {
        Self(open(&SimulatedDisk::new(Dice::new(1)), settings()))
    }

    fn log(&self) -> &RawLog {
        &self.0
    }

    fn kept(&self, consumer: &Name) -> Option<IngestId> {
        self.0.checkpoint(consumer).expect("read").map(|position| position.next)
    }
}

andon_testkit::reading_feed_contract!(OnDisk);

#[tokio::test]
async fn a_consumer_that_is_far_behind_reads_the_archive() {
    let disk = SimulatedDisk::new(Dice::new(1));
    let consumer = Name::new("assets").expect("a name");
    let log = open(&disk, RawLogSettings { segment_bytes: 400, ..settings() });
    log.open(&consumer, IngestId::FIRST).await.expect("opened");
    for n in 0..20 {
        log.append(vec![reading("a", seconds(n), n.to_string())]).await.expect("kept");
    }
    log.close();
    let log = open(&disk, settings());
    let archive = Archive::new(Arc::new(InMemory::new()), "", Packing::Zstd);
    assert!(log.move_closed(&archive).await.expect("moved").segments > 0);
    drop(log);

    let log = open(&disk, settings());
    assert!(log.needs_archive().expect("asked"), "the consumer has kept nothing");
    log.add_archive(&archive).await.expect("listed");
    assert!(!log.needs_archive().expect("asked"));
    let mut feed = log.open(&consumer, IngestId::FIRST).await.expect("opened");
    let mut read = Vec::new();
    while let Some(batch) = feed.next().await.expect("read") {
        assert_eq!(batch.missing, 0);
        read.extend(batch.readings.iter().map(|reading| reading.id.0));
    }
    assert_eq!(read, (1..=20).collect::<Vec<_>>());
}
