//! Performing effects: the only place that lets a request leave, after its state is durable.

use std::time::Duration;

use andon_act::{Answer, Effect, Found, Request, StepKind};
use andon_model::{Code, Problem, RunId};

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
                    let sent = tokio::time::timeout(limit, target.send(&destination, &request));
                    let answer = sent.await.unwrap_or_else(|_| Answer::Lost(no_answer()));
                    telemetry::request_ended(&destination, begun.elapsed().as_secs_f64());
                    Message::Answered { run, answer }
                }
                Effect::Probe { destination, query } => {
                    let limit = Duration::from_millis(query.timeout_ms) + GRACE;
                    let probed = tokio::time::timeout(limit, target.probe(&destination, &query));
                    let found = probed.await.unwrap_or_else(|_| Found::Unknown(no_answer()));
                    Message::Probed { run, found }
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

fn no_answer() -> Problem {
    Problem::new(Code::Lost, "no answer within the time limit")
}
