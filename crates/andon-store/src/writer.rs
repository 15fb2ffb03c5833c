//! Group commit: one task writes everything that waits in one transaction.
//!
//! While a transaction is being synced to disk, callers queue up; the next transaction takes them all.
//! So the cost of a sync and of each statement is shared by as many callers as there are, and a single
//! caller waits for nobody. If one request makes the joint transaction fail, it is rolled back and each
//! request gets a transaction of its own, so that only the one at fault is refused.

mod append;
mod attachments;
mod commit;
mod episodes;

use std::sync::Arc;

use andon_journal::{Append, Appended, Commit, JournalError, Lease};
use tokio::sync::{mpsc, oneshot};

use crate::database::{Database, Write};
use crate::error::Fault;

/// Most requests that wait; more callers wait for a place.
const QUEUE: usize = 1_024;

/// Most requests in one transaction.
const BATCH: usize = 512;

const WRITING: &str = "writing to the journal";

type Reply<T> = oneshot::Sender<Result<T, JournalError>>;

enum Request {
    Append(Append, Reply<Appended>),
    Commit(Lease, Commit, Reply<()>),
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

    /// A caller that goes away while waiting gives up the answer only: the request may still be written.
    async fn submit<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, JournalError> {
        let stopped = || JournalError::Storage { doing: WRITING, cause: "the writer has stopped".to_owned() };
        let (reply, answer) = oneshot::channel();
        self.queue.send(request(reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
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
}

impl FromIterator<Request> for Group {
    fn from_iter<I: IntoIterator<Item = Request>>(requests: I) -> Self {
        let mut group = Self::default();
        for request in requests {
            match request {
                Request::Append(append, reply) => group.appends.push((append, reply)),
                Request::Commit(lease, commit, reply) => group.commits.push((lease, commit, reply)),
            }
        }
        group
    }
}

impl Group {
    /// Every request as a group of its own, in order.
    fn split(self) -> impl Iterator<Item = Self> {
        let appends = self.appends.into_iter().map(|one| Self { appends: vec![one], commits: Vec::new() });
        let commits = self.commits.into_iter().map(|one| Self { appends: Vec::new(), commits: vec![one] });
        appends.chain(commits)
    }

    fn is_one(&self) -> bool {
        self.appends.len() + self.commits.len() == 1
    }

    fn succeed(self, appended: Vec<Appended>) {
        for ((_, reply), appended) in self.appends.into_iter().zip(appended) {
            answer(reply, Ok(appended));
        }
        self.commits.into_iter().for_each(|(_, _, reply)| answer(reply, Ok(())));
    }

    /// Answers everyone with an error that `error` makes.
    fn fail(self, mut error: impl FnMut() -> JournalError) {
        self.appends.into_iter().for_each(|(_, reply)| answer(reply, Err(error())));
        self.commits.into_iter().for_each(|(_, _, reply)| answer(reply, Err(error())));
    }
}

/// Nobody to answer is no fault: the caller was cancelled.
fn answer<T>(reply: Reply<T>, result: Result<T, JournalError>) {
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
        Ok(appended) => group.succeed(appended),
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
        Ok(appended) => one.succeed(appended),
        Err(failed) => fail(one, failed),
    }
}

fn fail(group: Group, failed: Failed) {
    match failed {
        Failed::Everyone(cause) => {
            tracing::error!(%cause, "the journal cannot be written");
            group.fail(|| JournalError::Storage { doing: WRITING, cause: cause.to_string() });
        }
        Failed::Someone(fault) => {
            let mut fault = Some(fault.during(WRITING));
            let rolled_back = || JournalError::Storage { doing: WRITING, cause: "rolled back".to_owned() };
            group.fail(|| fault.take().unwrap_or_else(rolled_back));
        }
    }
}

async fn transaction(db: &Database, group: &Group) -> Result<Vec<Appended>, Failed> {
    let mut write = db.begin().await.map_err(Failed::Everyone)?;
    match apply(&mut write, group).await {
        Ok(appended) => write.commit().await.map(|()| appended).map_err(Failed::Everyone),
        Err(Fault::Sql(cause)) if !Fault::is_of_a_request(&cause) => Err(Failed::Everyone(cause)),
        Err(fault) => {
            write.rollback().await;
            Err(Failed::Someone(fault))
        }
    }
}

async fn apply(write: &mut Write<'_>, group: &Group) -> Result<Vec<Appended>, Fault> {
    let appends: Vec<&Append> = group.appends.iter().map(|(append, _)| append).collect();
    let appended = append::append_all(write, &appends).await?;
    let commits: Vec<(Lease, &Commit)> = group.commits.iter().map(|(lease, commit, _)| (*lease, commit)).collect();
    commit::commit_all(write, &commits).await?;
    Ok(appended)
}
