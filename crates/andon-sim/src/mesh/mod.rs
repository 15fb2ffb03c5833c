//! An event mesh as Solace's: publish by REST, delivery by POST to a consumer, again until it answers 2xx.
//!
//! **Life of a message.** `POST /TOPIC/<topic>` puts a copy into every queue whose subscription fits,
//! `POST /QUEUE/<queue>` into one. A queue delivers in order: the first message is posted to the consumer; any
//! 2xx acknowledges it, anything else, and no answer within the wait, means again after a pause, until the
//! queue's limit of redeliveries makes it dead. A topic that no queue subscribes to takes the message and
//! loses it, as a broker does.

mod delivery;
mod queue;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use tokio::task::JoinHandle;

pub use queue::QueueBinding;
use queue::{Message, Queue};

use crate::faults::FaultKind;
use crate::lock::hold;
use crate::sap::call::Call;
use crate::sap::plain::problem;
use crate::sap::simulator::System;
use crate::sap::{MeshMessage, decode, reply};
use crate::statistics::RequestKind;

/// Most queues.
const MAX_QUEUES: usize = 100;
/// Headers that travel with a message.
const TRAVELLING: [&str; 3] = ["solace-", "content-type", "content-encoding"];

/// The broker.
#[derive(Default)]
pub(crate) struct Mesh {
    queues: Mutex<BTreeMap<String, Bound>>,
}

struct Bound {
    queue: Arc<Queue>,
    delivery: JoinHandle<()>,
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.delivery.abort();
    }
}

/// Where a message is published to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Topic(String),
    Queue(String),
}

/// The target of a path.
pub(crate) fn target(path: &str) -> Option<Target> {
    let topic = path.strip_prefix("/TOPIC/").map(|topic| Target::Topic(decode(topic)));
    topic.or_else(|| path.strip_prefix("/QUEUE/").map(|queue| Target::Queue(decode(queue))))
}

impl Mesh {
    /// Adds a queue and starts to deliver, or binds an existing name anew and empties it.
    ///
    /// # Errors
    /// What is wrong with the binding.
    pub(crate) fn bind(&self, binding: QueueBinding) -> Result<(), String> {
        binding.check()?;
        let mut queues = hold(&self.queues);
        if queues.len() >= MAX_QUEUES && !queues.contains_key(&binding.name) {
            return Err(format!("there are {MAX_QUEUES} queues, more are not simulated"));
        }
        let name = binding.name.clone();
        let queue = Arc::new(Queue::new(binding));
        let delivery = tokio::spawn(delivery::run(Arc::clone(&queue)));
        queues.insert(name, Bound { queue, delivery });
        Ok(())
    }

    /// Removes all queues with what they hold.
    pub(crate) fn clear(&self) {
        hold(&self.queues).clear();
    }

    /// How the queues are bound.
    pub(crate) fn bindings(&self) -> Vec<QueueBinding> {
        hold(&self.queues).values().map(|bound| bound.queue.binding().clone()).collect()
    }

    /// What was published, and how often it was delivered.
    pub(crate) fn report(&self) -> Vec<MeshMessage> {
        let queues = hold(&self.queues);
        queues.values().flat_map(|bound| bound.queue.report()).collect()
    }

    fn reached(&self, target: &Target) -> Vec<Arc<Queue>> {
        let queues = hold(&self.queues);
        let wanted = |bound: &&Bound| match target {
            Target::Topic(topic) => bound.queue.binding().subscribes(topic),
            Target::Queue(name) => bound.queue.binding().name == *name,
        };
        queues.values().filter(wanted).map(|bound| Arc::clone(&bound.queue)).collect()
    }
}

/// Answers a publish.
pub(crate) fn answer(system: &System, call: &Call<'_>, target: &Target) -> Response {
    system.statistics.count(RequestKind::Mesh);
    if call.method != Method::POST {
        return problem(StatusCode::METHOD_NOT_ALLOWED, "a message is published by POST");
    }
    let queues = system.mesh.reached(target);
    if queues.is_empty() && matches!(target, Target::Queue(_)) {
        return problem(StatusCode::NOT_FOUND, "Queue Not Found");
    }
    let again = call.fault == Some(FaultKind::Redeliver);
    if again {
        system.statistics.count_fault(FaultKind::Redeliver);
    }
    let id = call.header("solace-message-id").map(str::to_owned);
    let id = id.unwrap_or_else(|| format!("sim-{:032x}", system.config.ids.next_id()));
    let topic = if let Target::Topic(topic) = target { Some(topic.clone()) } else { None };
    let message = Message { topic, id, headers: travelling(call.headers), body: call.bytes.clone(), again };
    if queues.iter().all(|queue| queue.put(message.clone())) {
        reply::empty(StatusCode::OK)
    } else {
        problem(StatusCode::SERVICE_UNAVAILABLE, "Spool Over Quota")
    }
}

fn travelling(headers: &HeaderMap) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| TRAVELLING.iter().any(|prefix| name.as_str().starts_with(prefix)));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}
