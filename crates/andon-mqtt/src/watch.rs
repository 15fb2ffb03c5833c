//! The watch: closes the connections whose admission no longer holds (invariant V1).
//!
//! **Constraints.** Nothing that it does holds up the rest: the feed is read by one who does nothing else and whom
//! nobody interrupts, devices that are named do not wait for a look at all seats, and the clock waits for neither. A
//! seat that cannot be checked in time is closed.
//!
//! **Life of a change.** The registry tells it; the watch admits every seat anew that it may be about. A seat that
//! would be refused is closed, and its session forgotten unless its device may still come in by another certificate;
//! one that would get other permissions is closed and its session kept, so that the device comes back to what waits for
//! it. Seats of certificates whose time is over are closed by the clock.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use andon_devices::door::{AdmissionError, Admitted, ChangeMark, DoorChange, Visitor};
use andon_devices::{DeviceId, DeviceName};
use rmqtt::context::ServerContext;
use rmqtt::session::Session;
use rmqtt::types::{ClientId, Id, Message, Reason};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::hooks::Door;
use crate::seat::{Guest, Seat};
use crate::voice::Voice;

/// How often the clock is looked at for certificates whose time is over.
const EXPIRY_CHECK: Duration = Duration::from_millis(250);

/// How often seats are looked through for connections that came to nothing.
const SWEEP: Duration = Duration::from_mins(1);

/// How long to wait after the registry could not be asked.
const RETRY: Duration = Duration::from_millis(200);

/// How long the registry may take to say whether a seat or a session still holds, failures included.
const ANSWER: Duration = Duration::from_millis(500);

/// How many seats are admitted anew at the same time.
const CHECKS_AT_ONCE: usize = 32;

/// How many sets of changed devices may wait for those before them.
const SETS: usize = 16;

/// Runs until it is dropped.
pub(crate) async fn run(broker: ServerContext, door: Arc<Door>, mark: ChangeMark) {
    let (tell, told) = mpsc::channel(SETS);
    let everything = Notify::new();
    tokio::join!(
        feed(&door, mark, tell, &everything),
        after_devices(&broker, &door, told),
        after_everything(&broker, &door, &everything),
        keep_time(&broker, &door),
    );
}

/// Reads the changes. What it has read is never read again, so nobody may drop it while it reads.
async fn feed(door: &Door, mut mark: ChangeMark, tell: mpsc::Sender<HashSet<DeviceName>>, everything: &Notify) {
    loop {
        let (newest, changes) = match door.admission.changes(mark).await {
            Ok(told) => told,
            Err(error) => {
                tracing::error!(%error, "changes of devices cannot be read");
                sleep(RETRY).await;
                continue;
            }
        };
        mark = newest;
        if changes.is_empty() {
            continue;
        }
        door.seats.note_change();
        if changes.contains(&DoorChange::Everything) {
            everything.notify_one();
        }
        let names: HashSet<_> = changes.into_iter().filter_map(named).collect();
        if !names.is_empty() && tell.send(names).await.is_err() {
            return;
        }
    }
}

fn named(change: DoorChange) -> Option<DeviceName> {
    match change {
        DoorChange::Device(name) => Some(name),
        DoorChange::Everything => None,
    }
}

async fn after_devices(broker: &ServerContext, door: &Arc<Door>, mut told: mpsc::Receiver<HashSet<DeviceName>>) {
    while let Some(names) = told.recv().await {
        let meant = door.seats.all().into_iter().filter(|seat| names.contains(seat.device.as_str()));
        admit_all_anew(broker, door, meant).await;
        let away = names.into_iter().map(|name| {
            let (broker, door) = (broker.clone(), door.clone());
            async move { forget_if_unknown(&broker, &door, &name).await }
        });
        at_once(away).await;
    }
}

/// Several of these changes at once are one.
async fn after_everything(broker: &ServerContext, door: &Arc<Door>, everything: &Notify) {
    loop {
        everything.notified().await;
        admit_all_anew(broker, door, door.seats.all().into_iter()).await;
    }
}

async fn keep_time(broker: &ServerContext, door: &Door) {
    let mut expiry = interval(EXPIRY_CHECK);
    let mut swept = Instant::now();
    loop {
        expiry.tick().await;
        close_expired(broker, door).await;
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            sweep(broker, door).await;
        }
    }
}

async fn admit_all_anew(broker: &ServerContext, door: &Arc<Door>, seats: impl Iterator<Item = Arc<Seat>>) {
    let checks = seats.map(|seat| {
        let (broker, door) = (broker.clone(), door.clone());
        async move { admit_anew(&broker, &door, &seat).await }
    });
    at_once(checks).await;
}

/// Does all of it, a part at a time.
async fn at_once(jobs: impl Iterator<Item = impl Future<Output = ()> + Send + 'static>) {
    let mut running = JoinSet::new();
    for job in jobs {
        if running.len() >= CHECKS_AT_ONCE {
            running.join_next().await;
        }
        running.spawn(job);
    }
    while running.join_next().await.is_some() {}
}

async fn admit_anew(broker: &ServerContext, door: &Door, seat: &Arc<Seat>) {
    let Guest::Device { visitor, certificate, .. } = &seat.guest else { return };
    match admission(door, visitor).await {
        Ok(admitted) if admitted.certificate == *certificate && may_as_before(&admitted, seat) => {}
        Ok(_) => close(broker, seat, "its permissions have changed").await,
        Err(AdmissionError::Refused(refused)) => {
            seat.close();
            match is_known(door, visitor).await {
                Ok(false) => evict(broker, seat, &refused.to_string()).await,
                Ok(true) | Err(_) => close(broker, seat, "its certificate is not admitted any more").await,
            }
        }
        Err(AdmissionError::Unavailable(_)) => close(broker, seat, "it cannot be checked").await,
    }
}

/// Whether a device may do what it could when it took its seat, and for the same devices.
fn may_as_before(admitted: &Admitted, seat: &Seat) -> bool {
    admitted.permissions == seat.permissions && Voice::of_device(admitted.on_behalf_of.clone()) == seat.voice
}

/// Whether a visitor would be let in now.
async fn admission(door: &Door, visitor: &Visitor) -> Result<Admitted, AdmissionError> {
    answered(|| door.admission.admit(visitor, door.clock.now())).await
}

/// Whether the device that has the certificate of `visitor` may come in, by that one or another.
pub(crate) async fn is_known(door: &Door, visitor: &Visitor) -> Result<bool, AdmissionError> {
    let owner = answered(|| door.admission.owner(visitor, door.clock.now())).await?;
    Ok(owner.is_some_and(|owner| owner.is_known))
}

/// Asks until there is an answer, or it has taken too long: a single failure of the registry cuts nobody off.
async fn answered<T, F>(ask: impl Fn() -> F) -> Result<T, AdmissionError>
where
    F: Future<Output = Result<T, AdmissionError>>,
{
    let until_answered = async {
        loop {
            match ask().await {
                Err(error @ AdmissionError::Unavailable(_)) => {
                    tracing::error!(%error, "a session cannot be checked");
                    sleep(RETRY).await;
                }
                answer => return answer,
            }
        }
    };
    let late = |_| Err(AdmissionError::Unavailable("there was no answer in time".to_owned()));
    timeout(ANSWER, until_answered).await.unwrap_or_else(late)
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

/// Forgets the session of a client that is away. Whether it had one.
pub(crate) async fn forget_away(broker: &ServerContext, door: &Door, client: &str) -> bool {
    let id = Id::from(broker.node.id(), ClientId::from(client));
    let Some(session) = broker.extends.shared().await.entry(id).session() else { return false };
    forget_session(broker, door, &session).await;
    true
}

/// Forgets a session with all that is noted of it, unless another one of its client has taken its place. RMQTT tells
/// nobody of the end of one whose client is away, so that it is noted here.
pub(crate) async fn forget_session(broker: &ServerContext, door: &Door, session: &Session) {
    let client = &session.id.client_id;
    let mut entry = broker.extends.shared().await.entry(session.id.clone());
    if entry.id_same() != Some(true) {
        return;
    }
    tracing::info!(%client, "the session of a client is forgotten");
    if let Err(error) = entry.kick(true, true, true).await {
        tracing::warn!(%client, %error, "a session could not be forgotten");
    }
    if door.seats.connected(client).is_none()
        && let Err(error) = door.ends(session).await
    {
        tracing::error!(%client, %error, "what is noted of a session could not be forgotten");
    }
}

/// Forgets the session of a device that is not connected and whose change may have been its end. It would wait for the
/// device until it expires, and take messages as long.
async fn forget_if_unknown(broker: &ServerContext, door: &Door, device: &DeviceName) {
    let id = Id::from(broker.node.id(), ClientId::from(device.as_str()));
    let Some(session) = broker.extends.shared().await.entry(id).session() else { return };
    if door.seats.get(&session.id).is_some() {
        return;
    }
    let Some(visitor) = owner_of(&session).await else { return };
    if let Ok(false) = is_known(door, &visitor).await {
        forget_session(broker, door, &session).await;
    }
}

/// Who began a session; nothing where that was a program on this machine.
async fn owner_of(session: &Session) -> Option<Visitor> {
    let connect = session.connect_info().await.ok()?;
    connect.cert().and_then(|certificate| crate::hooks::visitor(&session.id, certificate))
}

/// Whether a device has begun the session under a client id.
pub(crate) async fn is_of_a_device(broker: &ServerContext, client_id: &ClientId) -> bool {
    match session_of(broker, client_id).await {
        Some(session) => owner_of(&session).await.is_some(),
        None => false,
    }
}

async fn session_of(broker: &ServerContext, client_id: &ClientId) -> Option<Session> {
    let id = Id::from(broker.node.id(), client_id.clone());
    broker.extends.shared().await.entry(id).session()
}

/// Forgets the session under a client id that `visitor` is about to take over, if it is that of a program on this machine,
/// or of another device: one that was deleted, and the registry's word of it has not come yet.
pub(crate) async fn forget_others(
    broker: &ServerContext,
    door: &Door,
    visitor: &Visitor,
    device: &DeviceId,
) -> Result<(), AdmissionError> {
    let client_id = ClientId::from(visitor.client_id.as_str());
    let Some(session) = session_of(broker, &client_id).await else { return Ok(()) };
    let owner = match owner_of(&session).await {
        Some(before) if before.serial == visitor.serial => return Ok(()),
        Some(before) => door.admission.owner(&before, door.clock.now()).await?,
        None => None,
    };
    if owner.is_none_or(|owner| owner.id != *device) {
        door.seats.get(&session.id).inspect(|seat| seat.close());
        forget_session(broker, door, &session).await;
    }
    Ok(())
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
