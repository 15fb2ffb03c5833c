//! Group commit: one task writes everything that waits in one transaction.
//!
//! Three things come here: appends to the journal, commits of runs, and commits to the registry of devices.
//!
//! While a transaction is being synced to disk, callers queue up; the next transaction takes them all.
//! So the cost of a sync and of each statement is shared by as many callers as there are, and a single
//! caller waits for nobody. If one request makes the joint transaction fail, it is rolled back and each
//! request gets a transaction of its own, so that only the one at fault is refused.

mod append;
mod attachments;
mod commit;
mod episodes;
mod registry;

use std::sync::Arc;

use andon_devices::registry::RegistryError;
use andon_journal::{Append, Appended, Commit, JournalError, Lease};
use tokio::sync::{mpsc, oneshot};

use crate::database::{Database, Write};
use crate::error::Fault;

use registry::Outcomes;
pub(crate) use registry::Prepared;

/// Most requests that wait; more callers wait for a place.
const QUEUE: usize = 1_024;

/// Most requests in one transaction.
const BATCH: usize = 512;

const WRITING: &str = "writing to the journal";

type Reply<T, E = JournalError> = oneshot::Sender<Result<T, E>>;

enum Request {
    Append(Append, Reply<Appended>),
    Commit(Lease, Commit, Reply<()>),
    Register(Prepared, Reply<i64, RegistryError>),
}

/// The way into the queue. The task ends when the last one is dropped and the queue is worked off.
pub(crate) struct Writer {
    queue: mpsc::Sender<Request>,
}

impl Writer {
    /// Starts the task.
    pub(crate) fn start(db: Arc<Database>) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE);
        tokio::spawn(work(db, requests));
        Self { queue }
    }

    pub(crate) async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        self.submit(|reply| Request::Append(append, reply)).await
    }

    pub(crate) async fn commit(&self, lease: Lease, commit: Commit) -> Result<(), JournalError> {
        self.submit(|reply| Request::Commit(lease, commit, reply)).await
    }

    /// Stores a caller's changes to the registry, and returns the revision of the last of them.
    pub(crate) async fn register(&self, changes: Prepared) -> Result<i64, RegistryError> {
        self.submit(|reply| Request::Register(changes, reply)).await
    }

    /// A caller that goes away while waiting gives up the answer only: the request may still be written.
    async fn submit<T, E: FromJournal>(&self, request: impl FnOnce(Reply<T, E>) -> Request) -> Result<T, E> {
        let stopped = || E::from_journal(storage("the writer has stopped"));
        let (reply, answer) = oneshot::channel();
        self.queue.send(request(reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

fn storage(cause: &(impl ToString + ?Sized)) -> JournalError {
    JournalError::Storage { doing: WRITING, cause: cause.to_string() }
}

/// The error of a port, where the whole transaction is at fault.
trait FromJournal {
    fn from_journal(error: JournalError) -> Self;
}

impl FromJournal for JournalError {
    fn from_journal(error: JournalError) -> Self {
        error
    }
}

impl FromJournal for RegistryError {
    fn from_journal(error: JournalError) -> Self {
        let cause = match error {
            JournalError::Storage { cause, .. } => cause,
            other => other.to_string(),
        };
        Self::Storage { doing: registry::WRITING, cause }
    }
}

async fn work(db: Arc<Database>, mut requests: mpsc::Receiver<Request>) {
    let mut waiting = Vec::with_capacity(BATCH);
    while requests.recv_many(&mut waiting, BATCH).await > 0 {
        let group: Group = waiting.drain(..).collect();
        write_group(&db, group).await;
    }
}

/// Requests that share a transaction, by kind: appends are written first.
#[derive(Default)]
struct Group {
    appends: Vec<(Append, Reply<Appended>)>,
    commits: Vec<(Lease, Commit, Reply<()>)>,
    registry: Vec<(Prepared, Reply<i64, RegistryError>)>,
}

/// What a transaction came to, for each caller in order.
struct Done {
    appended: Vec<Appended>,
    registered: Outcomes,
}

impl FromIterator<Request> for Group {
    fn from_iter<I: IntoIterator<Item = Request>>(requests: I) -> Self {
        let mut group = Self::default();
        for request in requests {
            match request {
                Request::Append(append, reply) => group.appends.push((append, reply)),
                Request::Commit(lease, commit, reply) => group.commits.push((lease, commit, reply)),
                Request::Register(changes, reply) => group.registry.push((changes, reply)),
            }
        }
        group
    }
}

impl Group {
    /// Every request as a group of its own, in order.
    fn split(self) -> impl Iterator<Item = Self> {
        let appends = self.appends.into_iter().map(|one| Self { appends: vec![one], ..Self::default() });
        let commits = self.commits.into_iter().map(|one| Self { commits: vec![one], ..Self::default() });
        let registry = self.registry.into_iter().map(|one| Self { registry: vec![one], ..Self::default() });
        appends.chain(commits).chain(registry)
    }

    fn is_one(&self) -> bool {
        self.appends.len() + self.commits.len() + self.registry.len() == 1
    }

    /// Whether there is nothing to make durable: commits to the registry alone, all of them refused.
    fn came_to_nothing(&self, done: &Done) -> bool {
        self.appends.is_empty() && self.commits.is_empty() && done.registered.iter().all(Result::is_err)
    }

    fn succeed(self, done: Done) {
        for ((_, reply), appended) in self.appends.into_iter().zip(done.appended) {
            answer(reply, Ok(appended));
        }
        self.commits.into_iter().for_each(|(_, _, reply)| answer(reply, Ok(())));
        for ((_, reply), outcome) in self.registry.into_iter().zip(done.registered) {
            answer(reply, outcome);
        }
    }

    /// Answers everyone with an error that `error` makes.
    fn fail(self, mut error: impl FnMut() -> JournalError) {
        self.appends.into_iter().for_each(|(_, reply)| answer(reply, Err(error())));
        self.commits.into_iter().for_each(|(_, _, reply)| answer(reply, Err(error())));
        self.registry.into_iter().for_each(|(_, reply)| answer(reply, Err(RegistryError::from_journal(error()))));
    }
}

/// Nobody to answer is no fault: the caller was cancelled.
fn answer<T, E>(reply: Reply<T, E>, result: Result<T, E>) {
    drop(reply.send(result));
}

/// Why a joint transaction did not happen.
enum Failed {
    /// The database is at fault, or the outcome of its commit is unknown.
    Everyone(sqlx::Error),
    /// One request is at fault; everything was rolled back.
    Someone(Fault),
}

async fn write_group(db: &Database, group: Group) {
    match transaction(db, &group).await {
        Ok(done) => group.succeed(done),
        Err(Failed::Someone(_)) if !group.is_one() => {
            for one in group.split() {
                write_one(db, one).await;
            }
        }
        Err(failed) => fail(group, failed),
    }
}

async fn write_one(db: &Database, one: Group) {
    match transaction(db, &one).await {
        Ok(done) => one.succeed(done),
        Err(failed) => fail(one, failed),
    }
}

fn fail(group: Group, failed: Failed) {
    match failed {
        Failed::Everyone(cause) => {
            tracing::error!(%cause, "the database cannot be written");
            group.fail(|| storage(&cause));
        }
        Failed::Someone(fault) => {
            let mut fault = Some(fault.during(WRITING));
            group.fail(|| fault.take().unwrap_or_else(|| storage("rolled back")));
        }
    }
}

async fn transaction(db: &Database, group: &Group) -> Result<Done, Failed> {
    let mut write = db.begin().await.map_err(Failed::Everyone)?;
    match apply(&mut write, group).await {
        Ok(done) if group.came_to_nothing(&done) => {
            write.rollback().await;
            Ok(done)
        }
        Ok(done) => write.commit().await.map(|()| done).map_err(Failed::Everyone),
        Err(Fault::Sql(cause)) if !Fault::is_of_a_request(&cause) => Err(Failed::Everyone(cause)),
        Err(fault) => {
            write.rollback().await;
            Err(Failed::Someone(fault))
        }
    }
}

async fn apply(write: &mut Write<'_>, group: &Group) -> Result<Done, Fault> {
    let appends: Vec<&Append> = group.appends.iter().map(|(append, _)| append).collect();
    let appended = append::append_all(write, &appends).await?;
    let commits: Vec<(Lease, &Commit)> = group.commits.iter().map(|(lease, commit, _)| (*lease, commit)).collect();
    commit::commit_all(write, &commits).await?;
    let changes: Vec<&Prepared> = group.registry.iter().map(|(changes, _)| changes).collect();
    let registered = registry::register_all(write, &changes).await?;
    Ok(Done { appended, registered })
}
