//! The lake's own threads.
//!
//! **Why.** Flattening and writing Parquet is work for the processor, devices wait for answers: on threads of its own the lake
//! cannot hold them up, and `top -H` shows what it costs.

use std::future::Future;

use andon_model::{Code, Problem};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Their name.
const NAME: &str = "andon-lake";

/// Threads that end in the background when they are dropped.
pub(super) struct Threads(Option<Runtime>);

impl Threads {
    pub(super) fn start() -> Result<Self, Problem> {
        let runtime = Builder::new_multi_thread().thread_name(NAME).enable_all().build();
        let failed = |error| Problem::new(Code::Lake, format!("the lake's threads cannot be started: {error}"));
        runtime.map(|runtime| Self(Some(runtime))).map_err(failed)
    }

    /// Begins to work; where the threads are gone, on those of the caller.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        match &self.0 {
            Some(runtime) => runtime.spawn(work),
            None => tokio::spawn(work),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
