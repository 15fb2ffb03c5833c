//! Delivery: one message after the other, each until it is acknowledged or dead.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;

use super::queue::{Message, Queue, State};

/// Delivers a queue for as long as it exists.
pub(super) async fn run(queue: Arc<Queue>) {
    let wait = Duration::from_millis(queue.binding().wait_millis);
    let client = match Client::builder().no_proxy().timeout(wait).build() {
        Ok(client) => client,
        Err(error) => return tracing::error!(%error, "the mesh cannot deliver"),
    };
    for at in 0.. {
        let message = queue.message(at).await;
        deliver(&queue, &client, at, &message).await;
        if message.again {
            let status = post(&queue, &client, &message).await;
            queue.note(at, status, State::Acknowledged);
        }
    }
}

async fn deliver(queue: &Queue, client: &Client, at: usize, message: &Message) {
    let limit = queue.binding().max_redeliveries;
    for redeliveries in 0_u32.. {
        let status = post(queue, client, message).await;
        if (200..300).contains(&status) {
            return queue.note(at, status, State::Acknowledged);
        }
        if limit > 0 && redeliveries >= limit {
            return queue.note(at, status, State::Dead);
        }
        queue.note(at, status, State::Queued);
        tokio::time::sleep(Duration::from_millis(queue.binding().pause_millis)).await;
    }
}

/// Posts a message; gives the status, 0 without an answer.
async fn post(queue: &Queue, client: &Client, message: &Message) -> u16 {
    let binding = queue.binding();
    let request = client
        .post(&binding.deliver_to)
        .headers(message.headers.clone())
        .headers(binding.extra_headers())
        .header("solace-message-id", &message.id)
        .body(message.body.clone());
    request.send().await.map_or(0, |answer| answer.status().as_u16())
}
