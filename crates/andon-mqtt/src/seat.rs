//! Seats: what the door knows of each connection that it let in.
//!
//! **Life of a seat.** The connect hook takes one, with the permissions of the moment. While the connection lasts,
//! every publish, subscription and delivery asks the seat. It is closed by the one who finds that its admission no
//! longer holds, and from that moment allows nothing, whatever RMQTT still has in hand. It is given back when the
//! connection ends; one whose connection came to nothing is swept.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use andon_devices::CertificateId;
use andon_devices::door::{Admitted, Visitor};
use andon_devices::policy::Permissions;
use andon_model::Timestamp;
use parking_lot::Mutex;
use rmqtt::codec::types::QoS;
use rmqtt::types::{From, Id, Publish};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bucket::{Bucket, Buckets};
use crate::voice::Voice;

/// The version of MQTT 5, as CONNECT has it.
const MQTT_5: u8 = 5;

/// Who sits there.
#[derive(Debug, Clone)]
pub(crate) enum Guest {
    /// A device.
    Device {
        /// What it showed, to be admitted anew.
        visitor: Visitor,
        /// Its certificate.
        certificate: CertificateId,
        /// When the certificate no longer opens the door.
        ends: Timestamp,
    },
    /// A program on this machine that came in by a plain listener.
    Local,
}

/// The place of one connection.
#[derive(Debug)]
pub(crate) struct Seat {
    /// What RMQTT calls the connection.
    pub id: Id,
    /// Who sits there.
    pub guest: Guest,
    /// Name of the device; of a local program, its client id.
    pub device: String,
    /// What it may do.
    pub permissions: Permissions,
    /// For whom its readings may speak.
    pub voice: Voice,
    /// Version of the protocol: 3, 4 or 5.
    pub protocol: u8,
    /// The longest packet that the client takes, if it says so.
    pub most_bytes: Option<NonZeroU32>,
    /// When it was taken.
    pub since: Timestamp,
    taken: Instant,
    connected: AtomicBool,
    closed: CancellationToken,
    /// What was last sent to the client at QoS 1 or 2, and is not acknowledged.
    sending: Mutex<Option<(From, Publish)>>,
    /// How many messages were handed over for the client and have not come to be sent.
    handed: AtomicUsize,
    /// Whether a hook was asked about the packet that is being worked on.
    is_explained: AtomicBool,
    /// Whether the publish that is being worked on was taken before.
    is_repeated: AtomicBool,
    bucket: Arc<Mutex<Bucket>>,
}

impl Seat {
    pub(crate) fn of_device(id: Id, visitor: Visitor, admitted: Admitted, terms: &SeatTerms<'_>) -> Self {
        let Admitted { device, certificate, permissions, on_behalf_of, ends, .. } = admitted;
        let guest = Guest::Device { visitor, certificate, ends };
        let may = (permissions, Voice::of_device(on_behalf_of));
        Self::new(id, guest, device.to_string(), may, terms)
    }

    pub(crate) fn of_program(id: Id, permissions: Permissions, terms: &SeatTerms<'_>) -> Self {
        let name = id.client_id.to_string();
        Self::new(id, Guest::Local, name, (permissions, Voice::of_program()), terms)
    }

    fn new(
        id: Id,
        guest: Guest,
        device: String,
        (permissions, voice): (Permissions, Voice),
        terms: &SeatTerms<'_>,
    ) -> Self {
        let taken = Instant::now();
        let bucket = terms.buckets.of(&device, taken);
        Self {
            id,
            guest,
            device,
            permissions,
            voice,
            protocol: terms.protocol,
            most_bytes: terms.most_bytes,
            since: terms.now,
            taken,
            connected: AtomicBool::new(false),
            closed: CancellationToken::new(),
            sending: Mutex::default(),
            handed: AtomicUsize::new(0),
            is_explained: AtomicBool::new(false),
            is_repeated: AtomicBool::new(false),
            bucket,
        }
    }

    /// Whether refusals can be told in an acknowledgement.
    pub(crate) fn is_mqtt_5(&self) -> bool {
        self.protocol == MQTT_5
    }

    /// The client's address.
    pub(crate) fn source(&self) -> Option<IpAddr> {
        self.id.remote_addr.map(|address| address.ip())
    }

    /// Forbids everything from now on.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    /// Whether nothing is allowed any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Answers when nothing is allowed any more.
    pub(crate) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Counts a publish, and tells how long it has to wait.
    pub(crate) fn wait_for_rate(&self) -> Duration {
        self.bucket.lock().take(Instant::now())
    }

    /// Notes that something is about to be sent to the client.
    pub(crate) fn sends(&self, from: &From, publish: &Publish) {
        if publish.qos != QoS::AtMostOnce {
            *self.sending.lock() = Some((from.clone(), publish.clone()));
        }
    }

    /// Notes that the client has something.
    pub(crate) fn has_sent(&self, publish: &Publish) {
        self.sending.lock().take_if(|(_, sent)| sent.packet_id == publish.packet_id);
    }

    /// What was last sent and is not acknowledged.
    pub(crate) fn take_sending(&self) -> Option<(From, Publish)> {
        self.sending.lock().take()
    }

    /// Notes that a message is handed over for the client; `false` if `most` are already.
    pub(crate) fn hand(&self, most: usize) -> bool {
        self.handed.fetch_add(1, Ordering::Relaxed) < most || {
            self.receive();
            false
        }
    }

    /// Notes that a message has come to be sent, or is not to be sent any more. A session brings some along that nobody
    /// handed over here.
    pub(crate) fn receive(&self) {
        let less = |handed: usize| Some(handed.saturating_sub(1));
        // It always succeeds, as there always is an answer.
        let _ = self.handed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Notes what the packet is that is being worked on: none that a hook is not asked about.
    pub(crate) fn explain(&self) {
        self.is_explained.store(true, Ordering::Relaxed);
    }

    /// Whether a hook was asked about the packet that has been worked on.
    pub(crate) fn take_explained(&self) -> bool {
        self.is_explained.swap(false, Ordering::Relaxed)
    }

    /// Notes that the publish that is being worked on was taken before.
    pub(crate) fn repeats(&self) {
        self.is_repeated.store(true, Ordering::Relaxed);
    }

    /// Whether the publish that is being worked on was taken before.
    pub(crate) fn take_repeated(&self) -> bool {
        self.is_repeated.swap(false, Ordering::Relaxed)
    }

    /// Notes that CONNECT was accepted.
    pub(crate) fn connect(&self) {
        self.connected.store(true, Ordering::Relaxed);
    }

    /// Whether CONNECT was accepted.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// How long ago it was taken.
    pub(crate) fn age(&self) -> Duration {
        self.taken.elapsed()
    }
}

/// What all seats of a moment have in common.
pub(crate) struct SeatTerms<'a> {
    /// Version of the protocol.
    pub protocol: u8,
    /// The longest packet that the client takes, if it says so.
    pub most_bytes: Option<NonZeroU32>,
    /// The present.
    pub now: Timestamp,
    /// How fast each may publish.
    pub buckets: &'a Buckets,
}
