//! What RMQTT asks, and where the answer comes from.
//!
//! **Constraints.** Where a seat is missing or closed the answer is no. RMQTT allows what no hook refuses, so every
//! answer is spelled out. The hook of a publish holds back its acknowledgement for as long as it runs; it never runs
//! longer than [`crate::Limits::durable_time`] beyond the wait for its rate, and ends at once when the seat is closed.

mod connect;
mod deliver;
mod publish;
mod subscribe;
mod will;

pub(crate) use connect::visitor;

use std::sync::Arc;

use andon_devices::door::Admission;
use andon_devices::policy::Policy;
use andon_journal::MemoryError;
use andon_model::Clock;
use async_trait::async_trait;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::session::Session;

use crate::memory::Memory;
use crate::seat::Seats;
use crate::{Lanes, Limits};

/// What every hook needs.
pub(crate) struct Door {
    pub admission: Arc<dyn Admission>,
    pub lanes: Lanes,
    pub local: Option<Policy>,
    pub memory: Memory,
    pub clock: Arc<dyn Clock>,
    pub limits: Limits,
    pub seats: Seats,
}

/// The questions that are answered here.
const QUESTIONS: &[Type] = &[
    Type::ClientAuthenticate,
    Type::ClientConnected,
    Type::ClientDisconnected,
    Type::ClientSubscribeCheckAcl,
    Type::SessionUnsubscribed,
    Type::SessionTerminated,
    Type::MessagePublish,
    Type::MessagePublishCheckAcl,
    Type::MessageExpiryCheck,
    Type::MessageDelivered,
    Type::MessageAcked,
    Type::MessageDropped,
];

/// Has `door` asked by `broker`.
pub(crate) async fn register(broker: &ServerContext, door: &Arc<Door>) {
    let register = broker.extends.hook_mgr().register();
    for question in QUESTIONS {
        register.add(*question, Box::new(Answers(door.clone()))).await;
    }
    register.start().await;
}

struct Answers(Arc<Door>);

#[async_trait]
impl Handler for Answers {
    #[expect(elided_lifetimes_in_paths, reason = "async_trait binds a lifetime that is spelled out unlike the trait's")]
    async fn hook(&self, question: &Parameter, before: Option<HookResult>) -> ReturnType {
        let door = &self.0;
        let answer = match question {
            Parameter::ClientAuthenticate(connect) => HookResult::AuthResult(door.authenticate(connect).await),
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                HookResult::SubscribeAclResult(door.subscribe(session, subscribe).await)
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                HookResult::PublishAclResult(door.take(&session.id, publish).await)
            }
            Parameter::MessagePublish(Some(session), from, publish) => match door.will(session, from, publish).await {
                Some(changed) => HookResult::Publish(changed),
                None => return (true, before),
            },
            Parameter::MessageExpiryCheck(session, _, publish) if !door.may_receive(&session.id, publish) => {
                HookResult::MessageExpiry
            }
            Parameter::MessageDelivered(session, from, publish) => {
                door.seats.get(&session.id).inspect(|seat| seat.sends(from, publish));
                return (true, before);
            }
            Parameter::MessageAcked(session, _, publish) => {
                door.seats.get(&session.id).inspect(|seat| seat.has_sent(publish));
                return (true, before);
            }
            Parameter::ClientConnected(session) => {
                door.connected(&session.id);
                told(session, door.memory.connected(session).await);
                return (true, before);
            }
            Parameter::SessionUnsubscribed(session, unsubscribe) => {
                told(session, door.memory.unsubscribed(&session.id, &unsubscribe.topic_filter).await);
                return (true, before);
            }
            Parameter::SessionTerminated(session, _) => {
                told(session, door.memory.ended(session).await);
                return (true, before);
            }
            Parameter::ClientDisconnected(session, reason) => {
                tracing::debug!(client = %session.id.client_id, %reason, "a client has gone");
                if let Some(seat) = door.seats.give_back(&session.id) {
                    deliver::put_back(session, &seat).await;
                }
                return (true, before);
            }
            Parameter::MessageDropped(to, _, publish, reason) => {
                deliver::dropped(to.as_ref(), publish, reason);
                return (true, before);
            }
            _ => return (true, before),
        };
        (false, Some(answer))
    }
}

/// Says what could not be noted where RMQTT asks for no answer. The session is good as long as the process lives.
fn told(session: &Session, noted: Result<(), MemoryError>) {
    if let Err(error) = noted {
        tracing::error!(client = %session.id.client_id, %error, "a session may not be the same after a restart");
    }
}
