//! Wills: published by the broker when a client is gone, perhaps long after it connected.
//!
//! RMQTT asks nobody whether a will may still be sent; it only lets the message be changed before it goes. A will that
//! is not allowed any more is therefore sent to a topic that nobody can subscribe to, with nothing in it.

use andon_devices::policy::Permissions;
use rmqtt::session::Session;
use rmqtt::types::{From, FromType, Publish};

use super::connect::visitor;
use super::{Door, nowhere};
use crate::voice::Voice;

impl Door {
    /// What to forward in place of `publish`; nothing where it may go as it is.
    pub(super) async fn instead_of(&self, session: &Session, from: &From, publish: &Publish) -> Option<Publish> {
        if !matches!(from.typ(), FromType::LastWill) {
            return self.repeated(&session.id, publish);
        }
        let device = session.id.client_id.to_string();
        let Some((device, permissions, voice)) = self.owner(session).await else {
            tracing::info!(%device, topic = %publish.topic, "a will was not sent: its owner is not admitted any more");
            return Some(nowhere(publish));
        };
        let allowed = permissions.publish(&publish.topic, publish.retain).is_allowed();
        if !allowed {
            tracing::info!(%device, topic = %publish.topic, "a will was not sent: it is not allowed any more");
            return Some(nowhere(publish));
        }
        match self.append((&device, &voice), publish).await {
            Ok(()) => None,
            Err(why) => {
                tracing::error!(%device, topic = %publish.topic, %why, "a will was not sent: its lane did not take it");
                Some(nowhere(publish))
            }
        }
    }

    /// Whose will it is, what that one may do now, and for whom it speaks. Its seat may be gone; so the registry is asked anew.
    async fn owner(&self, session: &Session) -> Option<(String, Permissions, Voice)> {
        let connect = session.connect_info().await.ok()?;
        let Some(certificate) = connect.cert() else {
            let seat = self.seats.get(&session.id)?;
            return Some((seat.device.clone(), seat.permissions.clone(), seat.voice.clone()));
        };
        let visitor = visitor(&session.id, certificate)?;
        let admitted = self.admission.admit(&visitor, self.clock.now()).await.ok()?;
        Some((admitted.device.to_string(), admitted.permissions, Voice::of_device(admitted.on_behalf_of)))
    }
}
