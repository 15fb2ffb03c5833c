//! Finding objects that are new.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::time::Duration;

use andon_journal::{Journal, Mark};
use andon_model::{Problem, Timestamp};
use futures_util::StreamExt;
use object_store::ObjectMeta;
use object_store::path::Path;
use sha2::{Digest, Sha256};

use super::postponed::Postponed;
use super::{Bucket, folder};
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
    pub(super) last_modified: Timestamp,
    pub(super) path: String,
    pub(super) version: String,
}

impl Candidate {
    /// What the journal keeps when it was read.
    pub(super) fn mark(&self) -> Mark {
        Mark { key: self.path.clone(), version: self.version.clone() }
    }

    /// Whether this is the object of a mark.
    pub(super) fn is(&self, mark: &Mark) -> bool {
        self.path == mark.key && self.version == mark.version
    }
}

impl From<folder::File> for Candidate {
    fn from(file: folder::File) -> Self {
        let version = stamp(file.modified.as_micros(), file.size);
        Self { last_modified: file.modified, path: file.path, version }
    }
}

/// The version of a file: when it was changed, in microseconds, and its size.
pub(super) fn stamp(modified_micros: i64, size: u64) -> String {
    format!("{modified_micros}-{size}")
}

/// What a source remembers between listings.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Short digests of marks that the journal has.
    marked: HashSet<[u8; 16]>,
    /// Files that have not settled yet.
    sightings: HashMap<String, Sighting>,
    /// How many files the last walk could not list.
    passed_over: usize,
    /// Objects that could not be read.
    pub(super) postponed: Postponed,
}

/// A file as it was seen.
#[derive(Debug)]
struct Sighting {
    version: String,
    /// When it was first seen so.
    since: Timestamp,
    /// When it was last listed.
    listed: Timestamp,
}

impl Memory {
    /// Takes note that the journal has these marks.
    pub(super) fn remember<'a>(&mut self, marks: impl IntoIterator<Item = &'a Mark>) {
        if self.marked.len() >= MAX_REMEMBERED {
            self.marked.clear();
        }
        self.marked.extend(marks.into_iter().map(|mark| digest(&mark.key, &mark.version)));
    }

    /// Whether an object need not be looked at now: it was read, or it has to wait.
    fn passes(&self, candidate: &Candidate, now: Timestamp) -> bool {
        self.marked.contains(&digest(&candidate.path, &candidate.version)) || self.postponed.holds(candidate, now)
    }

    /// Whether a file has been as it is for `settle`: by its own time of change, or, when that lies in the
    /// future, by what was seen here.
    fn is_settled(&mut self, candidate: &Candidate, settle: Duration, now: Timestamp) -> bool {
        if settle.is_zero() || now.since(candidate.last_modified) >= settle {
            return true;
        }
        let fresh = || Sighting { version: candidate.version.clone(), since: now, listed: now };
        let sighting = self.sightings.entry(candidate.path.clone()).or_insert_with(fresh);
        if sighting.version != candidate.version {
            *sighting = fresh();
        }
        sighting.listed = now;
        now.since(sighting.since) >= settle
    }

    /// Forgets files that the listing at `now` did not hold back.
    fn forget_before(&mut self, now: Timestamp) {
        self.sightings.retain(|_, sighting| sighting.listed == now);
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
    let Some(below) = below_prefix(spec, path) else { return false };
    let temporary = |name: &str| TEMPORARY.iter().any(|ending| name.ends_with(ending));
    let hidden = |name: &str| name.starts_with('.');
    path.ends_with(&spec.suffix) && !below.is_empty() && !below.split('/').any(hidden) && !temporary(below)
}

/// What of a path lies below the source's prefix; `None` when the path lies elsewhere.
pub(super) fn below_prefix<'a>(spec: &BucketSpec, path: &'a str) -> Option<&'a str> {
    let prefix = spec.location.prefix();
    let rest = path.strip_prefix(prefix)?;
    if prefix.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// The oldest objects that the journal has not marked.
type Found = BTreeSet<Candidate>;

impl Bucket {
    /// Lists once; gives the oldest objects that the journal has not marked, at most [`MAX_QUEUE`].
    pub(super) async fn look(
        &self,
        journal: &dyn Journal,
        memory: &mut Memory,
        now: Timestamp,
    ) -> Result<Found, Problem> {
        match &self.spec.location {
            Location::Folder(_) => self.look_in_folder(journal, memory, now).await,
            Location::S3(s3) => self.look_in_s3(&s3.prefix, journal, memory, now).await,
        }
    }

    async fn look_in_folder(
        &self,
        journal: &dyn Journal,
        memory: &mut Memory,
        now: Timestamp,
    ) -> Result<Found, Problem> {
        let mut found = Found::new();
        let mut candidates = self.walk(memory).await?;
        candidates.retain(|file| !memory.passes(file, now) && memory.is_settled(file, self.spec.settle, now));
        memory.forget_before(now);
        while !candidates.is_empty() {
            let rest = candidates.split_off(candidates.len().min(MARKS_AT_ONCE));
            self.keep_unmarked(journal, memory, std::mem::replace(&mut candidates, rest), &mut found).await?;
        }
        Ok(found)
    }

    /// The wanted files of the folder. What cannot be listed is told when its number changes.
    async fn walk(&self, memory: &mut Memory) -> Result<Vec<Candidate>, Problem> {
        self.store().await?;
        let (root, spec) = (self.folder(), self.spec.clone());
        let walk = tokio::task::spawn_blocking(move || folder::walk(&root, |path| is_wanted(&spec, path))).await;
        let walk = walk.map_err(io::Error::from).flatten().map_err(|e| self.failed("listing", &e.to_string()))?;
        if walk.passed_over.len() != memory.passed_over {
            memory.passed_over = walk.passed_over.len();
            let first = walk.passed_over.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
            tracing::warn!(source = %self.source, count = memory.passed_over, first, "files that cannot be listed");
        }
        let files = walk.files.into_iter().filter(|file| file.size > 0);
        Ok(files.map(Candidate::from).collect())
    }

    /// Where a listing breaks off, what came before it is still read.
    ///
    /// The whole prefix is listed every time, a request per 1,000 objects: keys come in the order of their
    /// names, not of their times, so no key is a place from which a listing could go on without missing one
    /// that was written late.
    async fn look_in_s3(
        &self,
        prefix: &str,
        journal: &dyn Journal,
        memory: &mut Memory,
        now: Timestamp,
    ) -> Result<Found, Problem> {
        let mut found = Found::new();
        let prefix = Path::parse(prefix).map_err(|e| self.failed("listing", &e.to_string()))?;
        let mut chunks = self.store().await?.list(Some(&prefix)).chunks(MARKS_AT_ONCE);
        while let Some(chunk) = chunks.next().await {
            let mut fresh = self.wanted_odd_keys();
            let mut broken = None;
            for entry in chunk {
                match entry {
                    Ok(meta) => fresh.extend(self.candidate(&meta)),
                    Err(error) => broken = Some(self.failed("listing", &error.to_string())),
                }
            }
            fresh.retain(|object| !memory.passes(object, now));
            self.keep_unmarked(journal, memory, fresh, &mut found).await?;
            match broken {
                Some(problem) if found.is_empty() => return Err(problem),
                Some(problem) => tracing::warn!(source = %self.source, %problem, "the listing is not complete"),
                None => {}
            }
        }
        // A page of odd keys alone makes no chunk.
        let mut odd = self.wanted_odd_keys();
        odd.retain(|object| !memory.passes(object, now));
        self.keep_unmarked(journal, memory, odd, &mut found).await?;
        Ok(found)
    }

    /// The wanted objects that the client could not name, of the pages read so far.
    fn wanted_odd_keys(&self) -> Vec<Candidate> {
        self.odd.take().into_iter().filter(|object| is_wanted(&self.spec, &object.path)).collect()
    }

    /// A listed object as a candidate; `None` when it is not wanted or empty, as the marks of folders are.
    fn candidate(&self, meta: &ObjectMeta) -> Option<Candidate> {
        let path = meta.location.as_ref();
        (meta.size > 0 && is_wanted(&self.spec, path)).then(|| Candidate {
            last_modified: Timestamp::from_micros(meta.last_modified.timestamp_micros()),
            path: path.to_owned(),
            version: self.version(meta),
        })
    }

    /// Asks the journal which candidates it does not have, and keeps the oldest.
    async fn keep_unmarked(
        &self,
        journal: &dyn Journal,
        memory: &mut Memory,
        fresh: Vec<Candidate>,
        found: &mut Found,
    ) -> Result<(), Problem> {
        if fresh.is_empty() {
            return Ok(());
        }
        let marks: Vec<Mark> = fresh.iter().map(Candidate::mark).collect();
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
            images: None,
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
