//! PUBLISH: whether it is allowed, and the wait until it is durable.

use std::time::Duration;

use andon_devices::policy::Verdict;
use andon_journal::{Arrival, KeeperError};
use rmqtt::codec::types::QoS;
use rmqtt::codec::v5::PublishAckReason;
use rmqtt::types::{Id, Publish, PublishAclResult, PublishResult};

use super::{Door, nowhere};
use crate::seat::Seat;
use crate::voice::Voice;

/// Why a publish is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotTaken {
    /// The connection is no longer, or not yet, a guest's.
    #[error("the connection has no seat")]
    NoSeat,
    /// By its policies.
    #[error("the policies do not allow it")]
    NotAllowed,
    /// The topic is none, or too deep.
    #[error("the topic is none that can be published to")]
    Topic,
    /// RMQTT counts aliases; the specification limits their numbers.
    #[error("its topic alias is higher than was told in CONNACK")]
    Alias,
    /// It is to be retained, and there is no room.
    #[error("retained messages are at their limit")]
    Full,
    /// The lane does not take it.
    #[error(transparent)]
    Lane(#[from] KeeperError),
    /// The lane took too long.
    #[error("the lane has not answered in time")]
    TooSlow,
}

impl NotTaken {
    fn code(&self) -> PublishAckReason {
        match self {
            Self::NoSeat | Self::NotAllowed => PublishAckReason::NotAuthorized,
            Self::Topic | Self::Alias => PublishAckReason::TopicNameInvalid,
            Self::Full | Self::Lane(KeeperError::Busy) => PublishAckReason::QuotaExceeded,
            Self::Lane(KeeperError::Failed(_)) | Self::TooSlow => PublishAckReason::ImplementationSpecificError,
        }
    }

    /// Whether the connection goes on. Only MQTT 5 can be told of a refusal, and only in an acknowledgement. What the
    /// lane did not take ends the connection always: a device sends again when it reconnects, and few read reason
    /// codes.
    fn ends_connection(&self, seat: Option<&Seat>, qos: QoS) -> bool {
        let told = seat.is_some_and(Seat::is_mqtt_5) && qos != QoS::AtMostOnce;
        !(told && matches!(self, Self::NotAllowed | Self::Full))
    }
}

impl Door {
    /// Answers PUBLISH, when its lane has it.
    pub(super) async fn take(&self, id: &Id, publish: &Publish) -> PublishAclResult {
        let seat = self.seats.open(id);
        let taken = match &seat {
            Some(seat) if seat.take_repeated() => return PublishAclResult::allow(),
            Some(seat) => self.take_from(seat, publish).await,
            None => Err(NotTaken::NoSeat),
        };
        let Err(why) = taken else {
            self.repeats.take(&id.client_id, publish);
            return PublishAclResult::allow();
        };
        let device = seat.as_ref().map(|seat| seat.device.as_str());
        tracing::info!(device, topic = %publish.topic, %why, "a publish was not taken");
        let ends = why.ends_connection(seat.as_deref(), publish.qos);
        PublishAclResult(PublishResult::reason_code(why.code(), None, ends))
    }

    /// What to forward in place of a publish of QoS 2 that was taken before: nothing, but its acknowledgement is the
    /// same. Nothing is changed of any other.
    pub(super) fn repeated(&self, id: &Id, publish: &Publish) -> Option<Publish> {
        let seat = self.seats.open(id)?;
        self.repeats.has(&id.client_id, publish).then(|| {
            seat.repeats();
            nowhere(publish)
        })
    }

    async fn take_from(&self, seat: &Seat, publish: &Publish) -> Result<(), NotTaken> {
        match seat.permissions.publish(&publish.topic, publish.retain) {
            Verdict::Allowed if self.is_too_deep(&publish.topic) => return Err(NotTaken::Topic),
            Verdict::Allowed if self.has_too_high_an_alias(publish) => return Err(NotTaken::Alias),
            Verdict::Allowed => {}
            Verdict::Denied | Verdict::NotAllowed => return Err(NotTaken::NotAllowed),
            Verdict::Invalid(_) => return Err(NotTaken::Topic),
        }
        if publish.retain && !self.retained.has_room(Some(&seat.id.client_id), publish).await.unwrap_or_default() {
            return Err(NotTaken::Full);
        }
        tokio::select! {
            biased;
            () = seat.closed() => Err(NotTaken::NoSeat),
            kept = self.keep(seat, publish) => kept,
        }
    }

    fn has_too_high_an_alias(&self, publish: &Publish) -> bool {
        let alias = publish.properties.as_ref().and_then(|properties| properties.topic_alias);
        alias.is_some_and(|alias| alias.get() > self.limits.topic_aliases)
    }

    async fn keep(&self, seat: &Seat, publish: &Publish) -> Result<(), NotTaken> {
        let wait = seat.wait_for_rate();
        if wait > Duration::ZERO {
            tokio::time::sleep(wait).await;
        }
        self.append((&seat.device, &seat.voice), publish).await
    }

    /// Appends a payload to its lane, if its topic is on one.
    pub(super) async fn append(&self, (device, voice): (&str, &Voice), publish: &Publish) -> Result<(), NotTaken> {
        let Some(keeper) = self.lanes.keeper(&publish.topic) else { return Ok(()) };
        let reading = Arrival {
            device: device.to_owned(),
            topic: publish.topic.to_string(),
            received: self.clock.now(),
            speaks_for: voice.speaks_for(&publish.payload),
            payload: publish.payload.clone(),
        };
        let appended = tokio::time::timeout(self.limits.durable_time, keeper.append(vec![reading]));
        appended.await.map_err(|_| NotTaken::TooSlow)?.map_err(NotTaken::Lane)
    }
}
