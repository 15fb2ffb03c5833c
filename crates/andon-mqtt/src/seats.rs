//! The seats of all connections, and how many changes of the registry they have seen.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use rmqtt::types::{ClientId, Id};

use crate::seat::Seat;

/// All seats. There are at most as many as RMQTT has connections and handshakes.
#[derive(Debug, Default)]
pub(crate) struct Seats {
    by_id: RwLock<HashMap<Id, Arc<Seat>>>,
    /// Those whose CONNECT was accepted.
    by_client: RwLock<HashMap<ClientId, Arc<Seat>>>,
    /// Grows with every change that the registry told, so that an admission from before it can be recognised.
    changes: AtomicU64,
}

impl Seats {
    /// The seat of a connection, unless it is closed.
    pub(crate) fn open(&self, id: &Id) -> Option<Arc<Seat>> {
        self.by_id.read().get(id).filter(|seat| !seat.is_closed()).cloned()
    }

    /// The seat of a connection.
    pub(crate) fn get(&self, id: &Id) -> Option<Arc<Seat>> {
        self.by_id.read().get(id).cloned()
    }

    /// Takes a seat.
    pub(crate) fn take(&self, seat: Seat) -> Arc<Seat> {
        let seat = Arc::new(seat);
        self.by_id.write().insert(seat.id.clone(), seat.clone());
        seat
    }

    /// Notes that the CONNECT of a seat was accepted.
    pub(crate) fn connect(&self, seat: &Arc<Seat>) {
        seat.connect();
        self.by_client.write().insert(seat.id.client_id.clone(), seat.clone());
    }

    /// The seat of a client that is connected.
    pub(crate) fn connected(&self, client: &ClientId) -> Option<Arc<Seat>> {
        self.by_client.read().get(client).cloned()
    }

    /// Gives a seat back.
    pub(crate) fn give_back(&self, id: &Id) -> Option<Arc<Seat>> {
        let seat = self.by_id.write().remove(id)?;
        seat.close();
        let mut by_client = self.by_client.write();
        if by_client.get(&id.client_id).is_some_and(|other| Arc::ptr_eq(other, &seat)) {
            by_client.remove(&id.client_id);
        }
        Some(seat)
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<Seat>> {
        self.by_id.read().values().cloned().collect()
    }

    /// How many changes there were.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Notes that there were changes; to be called before the seats are looked through.
    pub(crate) fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}
