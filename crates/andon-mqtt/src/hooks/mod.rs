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
use bytes::Bytes;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::session::Session;
use rmqtt::types::{Id, Publish, TopicName};

use crate::bucket::Buckets;
use crate::memory::Memory;
use crate::repeats::Repeats;
use crate::retained::Retained;
use crate::seats::Seats;
use crate::waiting::Waiting;
use crate::{Lanes, Limits};

/// What every hook needs.
pub(crate) struct Door {
    pub admission: Arc<dyn Admission>,
    pub lanes: Lanes,
    pub local: Option<Policy>,
    pub memory: Memory,
    pub clock: Arc<dyn Clock>,
    pub limits: Limits,
    pub seats: Arc<Seats>,
    /// How fast devices publish.
    pub buckets: Buckets,
    pub waiting: Arc<Waiting>,
    pub repeats: Repeats,
    pub retained: Arc<Retained>,
    /// Numbers of the listeners by which programs on this machine come in.
    pub plain: Vec<u16>,
}

/// Where messages go that may not be sent: no filter covers it, as a topic that begins with `$` is covered by its name
/// alone, and [`andon_devices::policy::check_filter`] refuses this name for the character in it.
const NOWHERE: &str = "$andon\0nowhere";

/// Nothing, in place of a message that RMQTT forwards to wherever its topic leads.
fn nowhere(publish: &Publish) -> Publish {
    let mut nothing = publish.clone();
    nothing.topic = TopicName::from_static(NOWHERE);
    nothing.payload = Bytes::new();
    nothing.retain = false;
    nothing
}

/// The questions that are answered here.
const QUESTIONS: &[Type] = &[
    Type::ClientAuthenticate,
    Type::ClientConnected,
    Type::ClientDisconnected,
    Type::ClientKeepalive,
    Type::ClientUnsubscribe,
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
        register.add(*question, Box::new(Answers { door: door.clone(), broker: broker.clone() })).await;
    }
    register.start().await;
}

struct Answers {
    door: Arc<Door>,
    broker: ServerContext,
}

#[async_trait]
impl Handler for Answers {
    #[expect(elided_lifetimes_in_paths, reason = "async_trait binds a lifetime that is spelled out unlike the trait's")]
    async fn hook(&self, question: &Parameter, before: Option<HookResult>) -> ReturnType {
        let door = &self.door;
        door.explain(question);
        let answer = match question {
            Parameter::ClientAuthenticate(connect) => {
                HookResult::AuthResult(door.authenticate(&self.broker, connect).await)
            }
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                HookResult::SubscribeAclResult(door.subscribe(session, subscribe).await)
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                HookResult::PublishAclResult(door.take(&session.id, publish).await)
            }
            Parameter::MessagePublish(Some(session), from, publish) => {
                match door.instead_of(session, from, publish).await {
                    Some(changed) => HookResult::Publish(changed),
                    None => return (true, before),
                }
            }
            Parameter::MessageExpiryCheck(session, _, publish) if !door.may_receive(&session.id, publish) => {
                HookResult::MessageExpiry
            }
            Parameter::MessageDelivered(session, from, publish) => {
                door.seats.get(&session.id).inspect(|seat| seat.sends(from, publish));
                return (true, before);
            }
            Parameter::MessageAcked(session, from, publish) => {
                door.seats.get(&session.id).inspect(|seat| seat.has_sent(publish));
                door.waiting.forget(&session.id.client_id, from);
                return (true, before);
            }
            Parameter::ClientConnected(session) => {
                door.connected(&session.id);
                told(session, door.begins(session).await);
                return (true, before);
            }
            Parameter::ClientKeepalive(session, false) => {
                door.worked_on(&session.id);
                return (true, before);
            }
            Parameter::SessionUnsubscribed(session, unsubscribe) => {
                told(session, door.memory.unsubscribed(&session.id, &unsubscribe.topic_filter).await);
                return (true, before);
            }
            Parameter::SessionTerminated(session, _) => {
                told(session, door.ends(session).await);
                return (true, before);
            }
            Parameter::ClientDisconnected(session, reason) => {
                tracing::debug!(client = %session.id.client_id, %reason, "a client has gone");
                if let Some(seat) = door.seats.give_back(&session.id) {
                    told(session, door.memory.parted(session).await);
                    deliver::put_back(session, &seat).await;
                }
                return (true, before);
            }
            Parameter::MessageDropped(to, from, publish, reason) => {
                door.dropped(to.as_ref(), from, publish, reason);
                return (true, before);
            }
            _ => return (true, before),
        };
        (false, Some(answer))
    }
}

impl Door {
    /// Notes about which packets RMQTT asks.
    fn explain(&self, question: &Parameter<'_>) {
        let (Parameter::MessagePublishCheckAcl(session, _)
        | Parameter::MessageAcked(session, ..)
        | Parameter::ClientSubscribeCheckAcl(session, _)
        | Parameter::ClientUnsubscribe(session, _)) = question
        else {
            return;
        };
        self.seats.get(&session.id).inspect(|seat| seat.explain());
    }

    /// Notes that a packet has been worked on that is no ping. One that nothing explains is taken for PUBREL.
    fn worked_on(&self, id: &Id) {
        if self.seats.get(id).is_some_and(|seat| !seat.take_explained()) {
            self.repeats.release(&id.client_id);
        }
    }

    /// Notes a session that begins or goes on.
    async fn begins(&self, session: &Session) -> Result<(), MemoryError> {
        if !session.session_present().await.unwrap_or_default() {
            self.forgets(session);
        }
        self.memory.connected(session).await
    }

    /// Notes that a session has ended.
    pub(crate) async fn ends(&self, session: &Session) -> Result<(), MemoryError> {
        self.forgets(session);
        self.memory.ended(session).await
    }

    fn forgets(&self, session: &Session) {
        self.repeats.forget(&session.id.client_id);
        self.waiting.forget_all(&session.id.client_id);
    }
}

/// Says what could not be noted where RMQTT asks for no answer. The session is good as long as the process lives.
fn told(session: &Session, noted: Result<(), MemoryError>) {
    if let Err(error) = noted {
        tracing::error!(client = %session.id.client_id, %error, "a session may not be the same after a restart");
    }
}
