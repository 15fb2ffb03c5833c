//! Threads of their own for what keeps a processor busy.
//!
//! **Why.** Flattening, Parquet and queries keep their thread until they are through a batch, whoever waits beside them. On threads
//! of their own they share the processor with those that answer devices and callers, and can take neither of them; and
//! `top -H` shows by the name what each costs.

use andon_model::{Code, Problem};
use tokio::runtime::{Builder, Handle, Runtime};

/// Threads that end in the background when they are dropped.
pub struct Threads {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Threads {
    /// Starts `count` threads of this name, as many as there are processors when it is none.
    ///
    /// # Errors
    /// [`Code::Lake`] when the system gives none.
    pub fn start(name: &'static str, count: Option<usize>) -> Result<Self, Problem> {
        let mut builder = Builder::new_multi_thread();
        if let Some(count) = count {
            builder.worker_threads(count.max(1));
        }
        Self::build(name, builder)
    }

    /// Starts `count` threads of this name for work that recurses, each with a stack of `stack_bytes`. What of it is not
    /// needed takes no memory.
    ///
    /// # Errors
    /// [`Code::Lake`] when the system gives none.
    pub(crate) fn start_deep(name: &'static str, count: usize, stack_bytes: usize) -> Result<Self, Problem> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(count.max(1)).thread_stack_size(stack_bytes);
        Self::build(name, builder)
    }

    fn build(name: &'static str, mut builder: Builder) -> Result<Self, Problem> {
        let failed = |error| Problem::new(Code::Lake, format!("the threads {name} cannot be started: {error}"));
        let runtime = builder.thread_name(name).enable_all().build().map_err(failed)?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Where work begins.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
