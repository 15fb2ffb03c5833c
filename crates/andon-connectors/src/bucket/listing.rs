//! Finding objects that are new.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use andon_journal::{Journal, Mark};
use andon_model::{Problem, Timestamp};
use futures_util::StreamExt;
use object_store::ObjectMeta;
use object_store::path::Path;
use sha2::{Digest, Sha256};

use super::Bucket;
use crate::source::{BucketSpec, Location};

/// Marks that are asked for at once.
const MARKS_AT_ONCE: usize = 1_000;

/// Longest queue; more objects are found by the next listing, when these are done.
const MAX_QUEUE: usize = 10_000;

/// Marks remembered in memory, so that the journal need not be asked again (16 bytes each).
const MAX_REMEMBERED: usize = 500_000;

/// Endings of names under which others write before they rename.
const TEMPORARY: [&str; 3] = [".tmp", ".part", "~"];

/// An object that waits to be read. Ordered oldest first, then by path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    last_modified: Timestamp,
    pub(super) path: String,
    version: String,
}

/// What a source remembers between listings.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Short digests of marks that the journal has.
    marked: HashSet<[u8; 16]>,
    /// Folders: when a file was first seen as it is.
    sightings: HashMap<String, (String, Timestamp)>,
}

impl Memory {
    /// Takes note that the journal has these marks.
    pub(super) fn remember<'a>(&mut self, marks: impl IntoIterator<Item = &'a Mark>) {
        if self.marked.len() >= MAX_REMEMBERED {
            self.marked.clear();
        }
        self.marked.extend(marks.into_iter().map(|mark| digest(&mark.key, &mark.version)));
    }

    fn knows(&self, candidate: &Candidate) -> bool {
        self.marked.contains(&digest(&candidate.path, &candidate.version))
    }

    /// Whether a file has been as it is for `settle`: by its own time of change, or, when that lies in the
    /// future, by what was seen here.
    fn is_settled(&mut self, candidate: &Candidate, settle: Duration, now: Timestamp) -> bool {
        if settle.is_zero() || now.since(candidate.last_modified) >= settle {
            self.sightings.remove(&candidate.path);
            return true;
        }
        let sighting = self.sightings.entry(candidate.path.clone()).or_insert_with(|| (candidate.version.clone(), now));
        if sighting.0 != candidate.version {
            *sighting = (candidate.version.clone(), now);
        }
        now.since(sighting.1) >= settle
    }
}

fn digest(path: &str, version: &str) -> [u8; 16] {
    let hash = Sha256::new().chain_update(path).chain_update([0]).chain_update(version).finalize();
    let mut short = [0; 16];
    short.copy_from_slice(&hash[..16]);
    short
}

/// Whether a path is one that the source reads, by prefix, suffix and the rule for temporary names.
pub(super) fn is_wanted(spec: &BucketSpec, path: &str) -> bool {
    let prefix = spec.location.prefix();
    let below = match path.strip_prefix(prefix) {
        Some(rest) if prefix.is_empty() => rest,
        Some(rest) if rest.starts_with('/') => &rest[1..],
        _ => return false,
    };
    let temporary = |name: &str| TEMPORARY.iter().any(|ending| name.ends_with(ending));
    let hidden = |name: &str| name.starts_with('.');
    path.ends_with(&spec.suffix) && !below.is_empty() && !below.split('/').any(hidden) && !temporary(below)
}

impl Bucket {
    /// Lists once: the oldest objects that the journal has not marked, at most [`MAX_QUEUE`].
    pub(super) async fn look(
        &self,
        journal: &dyn Journal,
        memory: &mut Memory,
        now: Timestamp,
    ) -> Result<BTreeSet<Candidate>, Problem> {
        let mut found = BTreeSet::new();
        let mut listed = HashSet::new();
        let prefix = Path::parse(self.spec.location.prefix()).map_err(|e| self.failed("", &e.to_string()))?;
        let mut chunks = self.store().await?.list(Some(&prefix)).chunks(MARKS_AT_ONCE);
        while let Some(chunk) = chunks.next().await {
            let mut fresh = Vec::new();
            for entry in chunk {
                let Some(candidate) = self.candidate(entry)? else { continue };
                listed.insert(candidate.path.clone());
                if !memory.knows(&candidate) && self.is_settled(memory, &candidate, now) {
                    fresh.push(candidate);
                }
            }
            self.keep_unmarked(journal, memory, fresh, &mut found).await?;
        }
        memory.sightings.retain(|path, _| listed.contains(path));
        Ok(found)
    }

    fn is_settled(&self, memory: &mut Memory, candidate: &Candidate, now: Timestamp) -> bool {
        matches!(self.spec.location, Location::S3(_)) || memory.is_settled(candidate, self.spec.settle, now)
    }

    /// A listed object as a candidate. `None`: not wanted, empty, or a file whose name no path can hold.
    fn candidate(&self, entry: object_store::Result<ObjectMeta>) -> Result<Option<Candidate>, Problem> {
        let meta = match entry {
            Ok(meta) => meta,
            Err(error) if matches!(error, object_store::Error::InvalidPath { .. }) => {
                tracing::warn!(source = %self.source, %error, "a file is passed over because of its name");
                return Ok(None);
            }
            Err(error) => return Err(self.failed("listing", &error.to_string())),
        };
        let path = meta.location.as_ref();
        let wanted = meta.size > 0 && is_wanted(&self.spec, path);
        Ok(wanted.then(|| Candidate {
            last_modified: Timestamp::from_micros(meta.last_modified.timestamp_micros()),
            path: path.to_owned(),
            version: self.version(&meta),
        }))
    }

    /// Asks the journal which candidates it does not have, and keeps the oldest.
    async fn keep_unmarked(
        &self,
        journal: &dyn Journal,
        memory: &mut Memory,
        fresh: Vec<Candidate>,
        found: &mut BTreeSet<Candidate>,
    ) -> Result<(), Problem> {
        if fresh.is_empty() {
            return Ok(());
        }
        let marks: Vec<Mark> = fresh.iter().map(|c| Mark { key: c.path.clone(), version: c.version.clone() }).collect();
        let unmarked = journal.unmarked(&self.source, marks.clone()).await.map_err(|error| Problem::from(&error))?;
        let new: HashSet<&str> = unmarked.iter().map(|mark| mark.key.as_str()).collect();
        memory.remember(marks.iter().filter(|mark| !new.contains(mark.key.as_str())));
        for candidate in fresh.into_iter().filter(|candidate| new.contains(candidate.path.as_str())) {
            found.insert(candidate);
            if found.len() > MAX_QUEUE {
                found.pop_last();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(location: Location) -> BucketSpec {
        BucketSpec {
            location,
            suffix: ".jsonl".into(),
            poll: Duration::from_secs(1),
            settle: Duration::from_secs(2),
            max_object_bytes: 1,
        }
    }

    #[test]
    fn temporary_names_and_foreign_paths_are_not_wanted() {
        let spec = spec(Location::Folder("in".into()));
        let wanted = |path: &str| is_wanted(&spec, path);
        assert!(wanted("fan-07/results.jsonl") && wanted("a b/ü.jsonl"));
        for path in ["x.json", ".x.jsonl", ".git/x.jsonl", "x.jsonl.tmp", "x.jsonl.part", "x.jsonl~", ""] {
            assert!(!wanted(path), "{path:?} must not be wanted");
        }
    }

    #[test]
    fn a_file_settles_by_its_time_or_by_observation() {
        let second = |n: i64| Timestamp::from_micros(n * 1_000_000);
        let file = |modified: i64, version: &str| Candidate {
            last_modified: second(modified),
            path: "x".into(),
            version: version.into(),
        };
        let mut memory = Memory::default();
        let mut settled = |file: &Candidate, now| memory.is_settled(file, Duration::from_secs(2), second(now));
        assert!(!settled(&file(10, "a"), 11));
        assert!(settled(&file(10, "a"), 12));
        assert!(!settled(&file(900, "a"), 12), "first sight of a file from the future");
        assert!(!settled(&file(900, "b"), 14), "it has changed");
        assert!(settled(&file(900, "b"), 16));
    }
}
