//! The journal's ports in memory: for simulations that run thousands of schedules.
//!
//! **Constraints.** Keeps the same promises as the SQL store (it passes the same contract suite), is
//! deterministic and never waits. Durability is played: what was answered `Ok` outlives
//! [`MemoryJournal::crash`], which kills a process, and nothing outlives the test.
//!
//! **Life of a simulated process.** A [`MemoryJournal`] is one process's view of the shared state; clones
//! belong to the same process. `crash` makes every later call through them fail, gives their lease's
//! lock back and returns the view of the process that is started next.

mod attachments;
mod configurations;
mod credentials;
mod journal;
mod state;
mod views;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use andon_journal::JournalError;

use state::State;

/// When an injected fault strikes; the caller sees the same error either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFault {
    /// Nothing was written.
    Before,
    /// Everything was written, only the answer is lost.
    After,
}

/// One process's view of a journal in memory. Cheap to clone.
#[derive(Clone, Default)]
pub struct MemoryJournal {
    state: Arc<Mutex<State>>,
    process: u64,
}

impl MemoryJournal {
    /// An empty journal, seen by its first process.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same journal, seen by one more process that runs beside this one.
    #[must_use]
    pub fn another_process(&self) -> Self {
        let mut state = self.guard();
        state.processes += 1;
        Self { state: Arc::clone(&self.state), process: state.processes }
    }

    /// Kills this process; returns the view of the next one.
    #[must_use]
    pub fn crash(&self) -> Self {
        self.guard().kill(self.process);
        self.another_process()
    }

    /// Lets a coming write fail: 0 is the next one, 1 the one after it.
    pub fn fail_write(&self, in_writes: u64, fault: WriteFault) {
        let mut state = self.guard();
        let number = state.writes + in_writes;
        state.faults.insert(number, fault);
    }

    /// How many writes were tried so far, by all processes.
    pub fn writes(&self) -> u64 {
        self.guard().writes
    }

    fn guard(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, for a process that lives.
    fn read(&self, doing: &'static str) -> Result<MutexGuard<'_, State>, JournalError> {
        let state = self.guard();
        if state.is_killed(self.process) { Err(failed(doing, "the process was killed")) } else { Ok(state) }
    }

    /// Runs a write, unless a fault is due before it; forgets its answer, if one is due after it.
    fn write<T>(
        &self,
        doing: &'static str,
        write: impl FnOnce(&mut State) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let mut state = self.read(doing)?;
        let fault = state.next_write();
        if fault == Some(WriteFault::Before) {
            return Err(failed(doing, "injected before the write"));
        }
        let written = write(&mut state)?;
        if fault == Some(WriteFault::After) { Err(failed(doing, "injected after the write")) } else { Ok(written) }
    }
}

fn failed(doing: &'static str, cause: &str) -> JournalError {
    JournalError::Storage { doing, cause: cause.to_owned() }
}

#[cfg(test)]
mod tests {
    use andon_journal::{Append, Journal};
    use andon_model::{Event, Offset};

    use super::*;

    struct MemoryFixture(MemoryJournal);

    #[async_trait::async_trait]
    impl crate::journal_contract::Fixture for MemoryFixture {
        type Store = MemoryJournal;

        async fn new() -> Self {
            Self(MemoryJournal::new())
        }

        async fn open(&self) -> MemoryJournal {
            self.0.another_process()
        }

        async fn kill(&self, store: MemoryJournal) {
            drop(store.crash());
        }
    }

    crate::journal_contract!(MemoryFixture);

    fn append_of(id: &str) -> Append {
        Append { events: vec![Event::new("s", id, "t", serde_json::Value::Null)], ..Append::default() }
    }

    async fn check_fault(fault: WriteFault, stored: Offset) {
        let journal = MemoryJournal::new();
        journal.fail_write(1, fault);
        journal.append(append_of("a")).await.expect("the write before the fault");
        journal.append(append_of("b")).await.expect_err("the fault");
        assert_eq!(journal.writes(), 2);
        let next = journal.append(append_of("c")).await.expect("the write after the fault");
        assert_eq!(next.events, [(stored, true)]);
    }

    #[tokio::test]
    async fn faults_strike_before_or_after_the_write() {
        check_fault(WriteFault::Before, Offset(2)).await;
        check_fault(WriteFault::After, Offset(3)).await;
    }

    #[tokio::test]
    async fn a_killed_process_reads_and_writes_nothing() {
        let journal = MemoryJournal::new();
        let next = journal.crash();
        journal.append(append_of("a")).await.expect_err("killed");
        journal.decided_up_to().await.expect_err("killed");
        assert_eq!(next.append(append_of("a")).await.expect("alive").events, [(Offset(1), true)]);
    }
}
