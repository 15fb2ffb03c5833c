//! The snapshot of the plant: its state, its place in the log, and the values that are still on their way.
//!
//! JSON, version 1: `{"v":1,"next":42,"plant":{…},"values":[…]}`. What another version has written is refused, and the
//! program does not start to read the log anew behind an operator's back.

use andon_assets::Snapshot;
use andon_model::{Code, IngestId, Problem};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::outbox::Chunk;

const VERSION: u32 = 1;

/// What is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Saved {
    v: u32,
    /// The place behind the last reading that is in it.
    pub(super) next: IngestId,
    pub(super) plant: Snapshot,
    /// Values that the table did not have.
    #[serde(default)]
    pub(super) values: Vec<Chunk>,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

impl Saved {
    pub(super) const fn new(next: IngestId, plant: Snapshot, values: Vec<Chunk>) -> Self {
        Self { v: VERSION, next, plant, values }
    }

    pub(super) fn encode(&self) -> Result<Bytes, Problem> {
        serde_json::to_vec(self).map(Bytes::from).map_err(|error| Problem::new(Code::Internal, error.to_string()))
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Problem> {
        let wrong = |detail: String| Problem::new(Code::PlantMemory, detail);
        let unreadable =
            |error: serde_json::Error| wrong(format!("the snapshot of the assets cannot be read: {error}"));
        let version: Version = serde_json::from_slice(bytes).map_err(unreadable)?;
        if version.v != VERSION {
            let detail = format!("the snapshot of the assets has version {}, this program reads {VERSION}", version.v);
            return Err(wrong(detail));
        }
        serde_json::from_slice(bytes).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use andon_assets::definition::PlantDefinition;
    use andon_assets::{Limits, Plant};

    use super::*;

    #[test]
    fn snapshots_of_this_version_alone_are_read() {
        let plant = Plant::new(&PlantDefinition::default(), Limits::default()).expect("a plant");
        let saved = Saved::new(IngestId(7), plant.snapshot(), Vec::new());
        let bytes = saved.encode().expect("encoded");
        assert_eq!(Saved::decode(&bytes), Ok(saved));
        let other = String::from_utf8(bytes.to_vec()).expect("text").replacen("\"v\":1", "\"v\":2", 1);
        for (text, expect) in [(other.as_str(), "has version 2"), ("{}", "cannot be read"), ("", "cannot be read")] {
            let problem = Saved::decode(text.as_bytes()).expect_err("refused");
            assert!(problem.detail.contains(expect), "{text:?}: {}", problem.detail);
        }
    }
}
