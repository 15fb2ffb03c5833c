//! The watch: closes the connections whose admission no longer holds (invariant V1).
//!
//! **Life of a change.** The registry tells it; the watch admits every seat anew that it may be about. A seat that
//! would be refused is closed and its session forgotten; one that would get other permissions is closed and its session
//! kept, so that the device comes back to what waits for it. Seats of certificates whose time is over are closed by the
//! clock.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use andon_devices::door::{AdmissionError, ChangeMark, DoorChange};
use rmqtt::context::ServerContext;
use rmqtt::types::{ClientId, Id, Message, Reason};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use crate::hooks::Door;
use crate::seat::{Guest, Seat};

/// How often the clock is looked at for certificates whose time is over.
const EXPIRY_CHECK: Duration = Duration::from_millis(250);

/// How often seats are looked through for connections that came to nothing.
const SWEEP: Duration = Duration::from_mins(1);

/// How long to wait after the registry could not be asked.
const RETRY: Duration = Duration::from_millis(200);

/// How many seats are admitted anew at the same time.
const CHECKS_AT_ONCE: usize = 32;

/// Runs until it is dropped.
pub(crate) async fn run(broker: ServerContext, door: Arc<Door>, mut mark: ChangeMark) {
    let mut expiry = interval(EXPIRY_CHECK);
    let mut swept = Instant::now();
    loop {
        tokio::select! {
            told = door.admission.changes(mark) => match told {
                Ok((newest, changes)) => {
                    mark = newest;
                    after_changes(&broker, &door, &changes).await;
                }
                Err(error) => {
                    tracing::error!(%error, "changes of devices cannot be read");
                    sleep(RETRY).await;
                }
            },
            _ = expiry.tick() => {
                close_expired(&broker, &door).await;
                if swept.elapsed() >= SWEEP {
                    swept = Instant::now();
                    sweep(&broker, &door).await;
                }
            }
        }
    }
}

async fn after_changes(broker: &ServerContext, door: &Arc<Door>, changes: &[DoorChange]) {
    door.seats.note_change();
    let everything = changes.contains(&DoorChange::Everything);
    let names: HashSet<&str> = changes.iter().filter_map(named).collect();
    let seats = door.seats.all().into_iter();
    let meant = seats.filter(|seat| everything || names.contains(seat.device.as_str()));
    let mut checks = JoinSet::new();
    for seat in meant {
        if checks.len() >= CHECKS_AT_ONCE {
            checks.join_next().await;
        }
        let (broker, door) = (broker.clone(), door.clone());
        checks.spawn(async move { admit_anew(&broker, &door, &seat).await });
    }
    while checks.join_next().await.is_some() {}
    for name in names {
        forget_if_unknown(broker, door, name).await;
    }
}

fn named(change: &DoorChange) -> Option<&str> {
    match change {
        DoorChange::Device(name) => Some(name.as_str()),
        DoorChange::Everything => None,
    }
}

async fn admit_anew(broker: &ServerContext, door: &Door, seat: &Arc<Seat>) {
    let Guest::Device { visitor, certificate, .. } = &seat.guest else { return };
    match admission(door, visitor).await {
        Ok(admitted) if admitted.permissions == seat.permissions && admitted.certificate == *certificate => {}
        Ok(_) => close(broker, seat, "its permissions have changed").await,
        Err(refused) => evict(broker, seat, &refused.to_string()).await,
    }
}

/// Asks until there is an answer: a change that was told may not be lost because the registry was busy.
async fn admission(
    door: &Door,
    visitor: &andon_devices::door::Visitor,
) -> Result<andon_devices::door::Admitted, andon_devices::NotAdmitted> {
    loop {
        match door.admission.admit(visitor, door.clock.now()).await {
            Ok(admitted) => return Ok(admitted),
            Err(AdmissionError::Refused(refused)) => return Err(refused),
            Err(error @ AdmissionError::Unavailable(_)) => {
                tracing::error!(%error, "a session cannot be checked again");
                sleep(RETRY).await;
            }
        }
    }
}

/// Ends the connection and keeps the session.
pub(crate) async fn close(broker: &ServerContext, seat: &Arc<Seat>, why: &'static str) {
    tracing::info!(device = %seat.device, client = %seat.id.client_id, why, "a connection is closed");
    seat.close();
    let entry = broker.extends.shared().await.entry(seat.id.clone());
    if let (Some(true), Some(session)) = (entry.id_same(), entry.tx()) {
        // A session that has ended meanwhile needs no closing.
        let _ = session.unbounded_send(Message::Closed(Reason::from_static(why)));
    }
}

/// Ends the connection and forgets the session, with all that waits in it.
pub(crate) async fn evict(broker: &ServerContext, seat: &Arc<Seat>, why: &str) {
    tracing::info!(device = %seat.device, client = %seat.id.client_id, why, "a connection is closed for good");
    seat.close();
    forget(broker, seat.id.clone()).await;
}

/// Forgets the session of a client, connected or not. RMQTT waits for the session to agree; nobody else waits for that.
async fn forget(broker: &ServerContext, id: Id) {
    let mut entry = broker.extends.shared().await.entry(id);
    tokio::spawn(async move {
        if let Err(error) = entry.kick(true, true, true).await {
            tracing::warn!(%error, "a session could not be forgotten");
        }
    });
}

/// Forgets the session of a device that is not connected and whose change may have been its end. It would wait for the
/// device until it expires, and take messages as long.
async fn forget_if_unknown(broker: &ServerContext, door: &Door, device: &str) {
    let id = Id::from(broker.node.id(), ClientId::from(device));
    let Some(session) = broker.extends.shared().await.entry(id).session() else { return };
    if door.seats.get(&session.id).is_some() {
        return;
    }
    let Ok(connect) = session.connect_info().await else { return };
    let visitor = connect.cert().and_then(|certificate| crate::hooks::visitor(&session.id, certificate));
    let Some(visitor) = visitor else { return };
    if admission(door, &visitor).await.is_err() {
        forget(broker, session.id.clone()).await;
    }
}

async fn close_expired(broker: &ServerContext, door: &Door) {
    let now = door.clock.now();
    for seat in door.seats.all() {
        let over = matches!(&seat.guest, Guest::Device { ends, .. } if now >= *ends);
        if over && !seat.is_closed() {
            close(broker, &seat, "the time of its certificate is over").await;
        }
    }
}

/// Gives back the seats of connections that RMQTT does not have, or no longer has.
async fn sweep(broker: &ServerContext, door: &Door) {
    for seat in door.seats.all() {
        let settled = seat.age() > 2 * door.limits.handshake_time;
        let entry = broker.extends.shared().await.entry(seat.id.clone());
        if settled && !(seat.is_connected() && entry.id_same() == Some(true)) {
            door.seats.give_back(&seat.id);
        }
    }
}
