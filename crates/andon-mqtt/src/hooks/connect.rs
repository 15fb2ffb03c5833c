//! CONNECT: whether a visitor comes in, and the seat that it gets.

use andon_devices::Serial;
use andon_devices::door::{AdmissionError, Admitted, Visitor};
use andon_devices::pki::CertificateFacts;
use andon_devices::policy::{Connection, Permissions};
use andon_model::Timestamp;
use rmqtt::codec::cert::CertInfo;
use rmqtt::context::ServerContext;
use rmqtt::types::{AuthResult, ConnectInfo, Id, LastWill};

use super::Door;
use crate::seat::{Seat, SeatTerms};
use crate::watch::{forget_others, is_of_a_device};

/// How often an admission is asked for again because the registry changed meanwhile, before the client is told to come
/// back later.
const MOST_ADMISSIONS: usize = 5;

/// Why a client may not connect.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    #[error("its certificate has no serial number that can be read")]
    NoSerial,
    #[error("it came without a certificate, and programs on this machine may not")]
    NoCertificate,
    #[error("it came without a certificate under the client id of a device")]
    DeviceName,
    #[error("its client id is the name of another device")]
    OtherDevice,
    #[error("its policies do not let it connect under this client id")]
    ClientId,
    #[error("its policies do not let it leave a will there")]
    Will,
    #[error("the devices change faster than it can be let in")]
    Restless,
}

impl Door {
    /// Answers CONNECT. The client learns only that it is not authorised; why stands in the log.
    pub(super) async fn authenticate(&self, broker: &ServerContext, connect: &ConnectInfo) -> AuthResult {
        match self.seat(broker, connect).await {
            Ok(()) => AuthResult::Allow(false, None),
            Err(refusal) => {
                let id = connect.id();
                tracing::info!(client = %id.client_id, from = ?id.remote_addr, %refusal, "a client was turned away");
                self.seats.give_back(id);
                AuthResult::NotAuthorized
            }
        }
    }

    /// Takes a seat for a client that may connect. A change of the registry between the question and the seat would be
    /// told to nobody; so the question is asked again until there was none.
    async fn seat(&self, broker: &ServerContext, connect: &ConnectInfo) -> Result<(), Refusal> {
        for _ in 0..MOST_ADMISSIONS {
            let changes = self.seats.changes();
            let seat = match connect.cert() {
                Some(certificate) => self.device(broker, connect, certificate).await?,
                None => self.program(broker, connect).await?,
            };
            check(&seat.permissions, connect)?;
            self.seats.take(seat);
            if self.seats.changes() == changes {
                return Ok(());
            }
            self.seats.give_back(connect.id());
        }
        Err(Refusal::Restless)
    }

    async fn device(
        &self,
        broker: &ServerContext,
        connect: &ConnectInfo,
        certificate: &CertInfo,
    ) -> Result<Seat, Refusal> {
        let visitor = visitor(connect.id(), certificate).ok_or(Refusal::NoSerial)?;
        let now = self.clock.now();
        let admitted: Admitted = self.admission.admit(&visitor, now).await?;
        // Its policies may allow any client id; the name of another device stays that device's.
        if visitor.client_id != admitted.device.as_str() && self.admission.is_device(&visitor.client_id).await? {
            return Err(Refusal::OtherDevice);
        }
        if admitted.permissions.connect().is_allowed() {
            forget_others(broker, self, &visitor, &admitted.id).await?;
        }
        Ok(Seat::of_device(connect.id().clone(), visitor, admitted, &self.terms(connect, now)))
    }

    /// A program goes by no device's name, and takes over no device's session, whatever its policy says.
    async fn program(&self, broker: &ServerContext, connect: &ConnectInfo) -> Result<Seat, Refusal> {
        let policy = self.local.as_ref().ok_or(Refusal::NoCertificate)?;
        let id = connect.id();
        if !self.plain.contains(&id.lid) {
            return Err(Refusal::NoCertificate);
        }
        if self.admission.is_device(&id.client_id).await? || is_of_a_device(broker, &id.client_id).await {
            return Err(Refusal::DeviceName);
        }
        let facts = no_certificate().ok_or(Refusal::NoCertificate)?;
        let source = id.remote_addr.map(|address| address.ip());
        let connection = Connection { client_id: &id.client_id, source, device: None, certificate: &facts };
        let permissions = Permissions::bind([policy], &connection);
        Ok(Seat::of_program(id.clone(), permissions, &self.terms(connect, self.clock.now())))
    }

    fn terms(&self, connect: &ConnectInfo, now: Timestamp) -> SeatTerms<'_> {
        let most_bytes = match connect {
            ConnectInfo::V5(_, connect) => connect.max_packet_size,
            ConnectInfo::V3(..) => None,
        };
        SeatTerms { protocol: connect.proto_ver(), most_bytes, now, buckets: &self.buckets }
    }

    /// Notes that RMQTT has accepted the connection.
    pub(super) fn connected(&self, id: &Id) {
        if let Some(seat) = self.seats.get(id) {
            self.seats.connect(&seat);
            tracing::debug!(client = %id.client_id, device = %seat.device, "a client has come in");
        }
    }
}

/// The visitor that a certificate shows.
pub(crate) fn visitor(id: &Id, certificate: &CertInfo) -> Option<Visitor> {
    let digits = certificate.serial.as_deref()?;
    let padded = if digits.len() % 2 == 0 { digits.to_owned() } else { format!("0{digits}") };
    Some(Visitor {
        serial: padded.parse::<Serial>().ok()?,
        fingerprint: None,
        common_name: certificate.common_name.clone(),
        client_id: id.client_id.to_string(),
        source: id.remote_addr.map(|address| address.ip()),
    })
}

fn check(permissions: &Permissions, connect: &ConnectInfo) -> Result<(), Refusal> {
    if !permissions.connect().is_allowed() {
        return Err(Refusal::ClientId);
    }
    let allowed = connect.last_will().is_none_or(|will| {
        let (topic, retain) = match &will {
            LastWill::V3(will) => (&will.topic, will.retain),
            LastWill::V5(will) => (&will.topic, will.retain),
        };
        permissions.publish(topic, retain).is_allowed()
    });
    if allowed { Ok(()) } else { Err(Refusal::Will) }
}

/// The facts of a certificate that is not there: policies that ask about it find nothing.
fn no_certificate() -> Option<CertificateFacts> {
    Some(CertificateFacts {
        id: "00".repeat(32).parse().ok()?,
        serial: "00".parse().ok()?,
        not_before: Timestamp::from_micros(0),
        not_after: Timestamp::from_micros(0),
        subject: Vec::new(),
        issuer: Vec::new(),
        subject_alternative: Vec::new(),
        issuer_alternative: Vec::new(),
        public_key_der: Vec::new(),
    })
}
