//! The threads that queries run on.
//!
//! **Why.** A query that sorts or compares keeps its thread until it is through a batch, whoever waits beside it. On threads of
//! their own, queries share the processor with those that answer devices and callers, and can take neither of them.

use andon_model::{Code, Problem};
use tokio::runtime::{Builder, Handle, Runtime};

/// Their name.
const NAME: &str = "andon-sql";

/// Threads that end in the background when they are dropped.
pub(crate) struct SqlThreads {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl SqlThreads {
    pub(crate) fn start(count: usize) -> Result<Self, Problem> {
        let built = Builder::new_multi_thread().worker_threads(count.max(1)).thread_name(NAME).enable_all().build();
        let failed = |error| Problem::new(Code::Lake, format!("the threads for queries cannot be started: {error}"));
        let runtime = built.map_err(failed)?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for SqlThreads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
