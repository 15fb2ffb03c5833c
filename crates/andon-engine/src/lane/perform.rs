//! Performing effects: the only place that lets a request leave, after its state is durable.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use andon_act::{Answer, Effect, Found, Request, StepKind};
use andon_model::{Code, Name, Problem, RunId};
use futures_util::FutureExt as _;

use super::{Lane, Message};
use crate::telemetry;
use crate::turn::Turn;

/// An adapter bounds every exchange itself: a token, the request, and both once more. Beyond that it hangs.
const EXCHANGES: u32 = 4;
/// A request that guards a version also reads the entity, twice at most.
const READINGS: u32 = 2;
/// Added to that before the adapter is given up.
const GRACE: Duration = Duration::from_secs(5);

impl Lane {
    pub(super) fn perform(&mut self, turn: Turn) {
        for reply in turn.replies {
            drop(reply.send(Ok(())));
        }
        let limit = self.shared.settings.max_loaded_runs;
        for (run, effect) in turn.effects {
            self.start_request(run, effect);
        }
        for run in turn.asleep {
            if !self.in_flight.contains_key(&run) {
                self.slots.put_to_sleep(&run, limit);
            }
        }
        self.tell_status();
    }

    fn start_request(&mut self, run: RunId, effect: Effect) {
        let target = self.shared.target();
        let lane = self.shared.lane.clone();
        self.requests.spawn(async move {
            let message = match effect {
                Effect::Send { destination, request } => {
                    let begun = tokio::time::Instant::now();
                    let limit = limit_of(&request);
                    let sent = bounded(limit, &destination, target.send(&destination, &request)).await;
                    telemetry::request_ended(&destination, begun.elapsed().as_secs_f64());
                    Message::Answered { run, answer: sent.unwrap_or_else(Answer::Lost) }
                }
                Effect::Probe { destination, query } => {
                    let limit = Duration::from_millis(query.timeout_ms) + GRACE;
                    let probed = bounded(limit, &destination, target.probe(&destination, &query)).await;
                    Message::Probed { run, found: probed.unwrap_or_else(Found::Unknown) }
                }
                Effect::Join { .. } | Effect::Admit { .. } | Effect::WakeAt(_) | Effect::Record(_) => return,
            };
            drop(lane.send(message).await);
        });
    }

    pub(super) fn tell_status(&self) {
        let now = self.shared.clock.now();
        let (pending, in_flight) = (self.pending_runs(), self.in_flight.len());
        telemetry::pending(pending, in_flight, self.shared.backlog());
        let mut status = self.shared.lane_status.lock();
        status.pending_runs = pending;
        status.in_flight = in_flight;
        status.open_circuits =
            self.gates.iter().filter(|(_, gate)| gate.is_open(now)).map(|(name, _)| name.clone()).collect();
    }
}

/// How long the adapter is given for a request. Nobody waits longer for a summary than its step says.
fn limit_of(request: &Request) -> Duration {
    let exchanges = EXCHANGES + if request.if_match.is_some() { READINGS } else { 0 };
    if request.kind == StepKind::Summary { request.timeout() } else { request.timeout() * exchanges + GRACE }
}

/// Runs an exchange to its end, to the limit, or to the adapter's panic: what came of it is then unknown. A
/// run whose request ended without a word would wait for good, and keep its place at the destination.
async fn bounded<T>(limit: Duration, destination: &Name, exchange: impl Future<Output = T>) -> Result<T, Problem> {
    let lost = |why: &str| Problem::new(Code::Lost, why);
    match AssertUnwindSafe(tokio::time::timeout(limit, exchange)).catch_unwind().await {
        Ok(Ok(ended)) => Ok(ended),
        Ok(Err(_)) => Err(lost("no answer within the time limit")),
        Err(panic) => {
            telemetry::adapter_panicked(destination, panic.as_ref());
            Err(lost("a fault in the program ended the exchange; see its log"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(exchange: impl Future<Output = u8>, expect: Result<u8, &str>) {
        let limit = Duration::from_secs(1);
        let destination = Name::new("s4").expect("a name");
        let found = bounded(limit, &destination, exchange).await;
        assert_eq!(found.as_ref().map_err(|problem| problem.detail.as_str()), expect.as_ref().map_err(|why| *why));
        assert!(found.err().is_none_or(|problem| problem.code == Code::Lost));
    }

    #[tokio::test(start_paused = true)]
    async fn every_end_of_an_exchange_is_an_answer() {
        check(async { 7 }, Ok(7)).await;
        check(std::future::pending(), Err("no answer within the time limit")).await;
        let fault = async {
            tokio::task::yield_now().await;
            panic!("adapter")
        };
        check(fault, Err("a fault in the program ended the exchange; see its log")).await;
    }
}
