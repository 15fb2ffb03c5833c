//! SUBSCRIBE: whether a filter may be subscribed to.

use andon_devices::policy::Verdict;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::session::Session;
use rmqtt::types::{Id, Subscribe, SubscribeAclResult};

use super::Door;

impl Door {
    /// Answers SUBSCRIBE for one filter, when it is noted.
    pub(super) async fn subscribe(&self, session: &Session, subscribe: &Subscribe) -> SubscribeAclResult {
        let answer = self.may_subscribe(&session.id, subscribe);
        if answer.failure() {
            return answer;
        }
        match self.memory.subscribed(session, subscribe).await {
            Ok(()) => answer,
            Err(error) => {
                tracing::error!(client = %session.id.client_id, %error, "a subscription was refused");
                SubscribeAclResult::new_failure(SubscribeAckReason::ImplementationSpecificError)
            }
        }
    }

    /// Whether a filter may be subscribed to. RMQTT has taken the group of a shared subscription off the filter;
    /// policies are about the filter as the client wrote it.
    fn may_subscribe(&self, id: &Id, subscribe: &Subscribe) -> SubscribeAclResult {
        let Some(seat) = self.seats.open(id) else {
            return SubscribeAclResult::new_failure(SubscribeAckReason::NotAuthorized);
        };
        let filter = &subscribe.topic_filter;
        let verdict = match subscribe.opts.shared_group() {
            Some(group) => seat.permissions.subscribe(&format!("$share/{group}/{filter}")),
            None => seat.permissions.subscribe(filter),
        };
        if verdict.is_allowed() && self.is_too_deep(filter) {
            return SubscribeAclResult::new_failure(SubscribeAckReason::QuotaExceeded);
        }
        match verdict {
            Verdict::Allowed => SubscribeAclResult::new_success(subscribe.opts.qos(), None),
            Verdict::Denied | Verdict::NotAllowed => {
                tracing::info!(device = %seat.device, %filter, "a subscription was refused");
                SubscribeAclResult::new_failure(SubscribeAckReason::NotAuthorized)
            }
            Verdict::Invalid(_) => SubscribeAclResult::new_failure(SubscribeAckReason::TopicFilterInvalid),
        }
    }

    /// Whether a topic or filter has more levels than the limit.
    pub(super) fn is_too_deep(&self, topic: &str) -> bool {
        topic.split('/').count() > self.limits.topic_levels
    }
}
