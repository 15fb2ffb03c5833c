//! What is negotiated with a client: RMQTT's own terms, but for one that MQTT 5 forbids.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use rmqtt::codec::types::Publish;
use rmqtt::fitter::{DefaultFitter, Fitter, FitterManager};
use rmqtt::types::{ConnectInfo, Disconnect, FitterType, Id, ListenerConfig};

/// Makes the terms of each session.
pub(crate) struct Terms;

impl FitterManager for Terms {
    fn create(&self, connect: Arc<ConnectInfo>, id: Id, listener: ListenerConfig) -> FitterType {
        let ends = matches!(&*connect, ConnectInfo::V5(_, packet) if packet.session_expiry_interval_secs == 0);
        Arc::new(Term { inner: DefaultFitter::new(connect, id, listener), ends })
    }
}

struct Term {
    inner: DefaultFitter,
    /// Whether CONNECT said that the session ends with its connection. DISCONNECT must not say otherwise: MQTT 5,
    /// section 3.14.2.2.2.
    ends: bool,
}

impl Fitter for Term {
    fn session_expiry_interval(&self, disconnect: Option<&Disconnect>) -> Duration {
        if self.ends { Duration::ZERO } else { self.inner.session_expiry_interval(disconnect) }
    }

    fn keep_alive(&self, keep_alive: &mut u16) -> rmqtt::Result<u16> {
        self.inner.keep_alive(keep_alive)
    }

    fn max_mqueue_len(&self) -> usize {
        self.inner.max_mqueue_len()
    }

    fn mqueue_rate_limit(&self) -> (NonZeroU32, Duration) {
        self.inner.mqueue_rate_limit()
    }

    fn max_inflight(&self) -> NonZeroU16 {
        self.inner.max_inflight()
    }

    fn message_expiry_interval(&self, publish: &Publish) -> Duration {
        self.inner.message_expiry_interval(publish)
    }

    fn max_client_topic_aliases(&self) -> u16 {
        self.inner.max_client_topic_aliases()
    }

    fn max_server_topic_aliases(&self) -> u16 {
        self.inner.max_server_topic_aliases()
    }
}
