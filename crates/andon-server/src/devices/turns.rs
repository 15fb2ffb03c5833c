//! Turns of those who onboard the same device at the same time.
//!
//! A certificate whose answer was lost is replaced when it is asked for again. Whoever asked while another answer was on
//! its way would have that replaced too, and several callers would go home with a key of which one is good. So they wait
//! for each other until what is handed over is noted, or lost; not for ever, as a connection may hang.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use andon_devices::DeviceName;
use tokio::sync::OwnedMutexGuard;

/// How long the answer of somebody else is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Devices beyond which those that nobody onboards any more are forgotten.
const MANY: usize = 1_024;

/// A turn; it ends with its last copy.
pub(super) type Turn = Arc<OwnedMutexGuard<()>>;

/// The devices that are being onboarded.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<DeviceName, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits until nobody else onboards `device`. None when that takes too long.
    pub(super) async fn take(&self, device: &DeviceName) -> Option<Turn> {
        let free = self.place(device).lock_owned();
        tokio::time::timeout(PATIENCE, free).await.ok().map(Arc::new)
    }

    fn place(&self, device: &DeviceName) -> Arc<tokio::sync::Mutex<()>> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= MANY {
            places.retain(|_, place| place.strong_count() > 0);
        }
        if let Some(place) = places.get(device).and_then(Weak::upgrade) {
            return place;
        }
        let fresh = Arc::default();
        places.insert(device.clone(), Arc::downgrade(&fresh));
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_turn_lasts_until_its_last_copy_goes() {
        let (turns, pump, fan) = (Turns::default(), "pump-01".parse().unwrap(), "fan-01".parse().unwrap());
        let turn = turns.take(&pump).await;
        assert!(turn.is_some() && turns.take(&fan).await.is_some(), "each device has its own");
        let copy = turn.clone();
        drop(turn);
        assert!(turns.take(&pump).await.is_none(), "waited long enough");
        drop(copy);
        assert!(turns.take(&pump).await.is_some());
    }

    #[tokio::test]
    async fn what_nobody_onboards_is_forgotten() {
        let turns = Turns::default();
        for number in 0..3 * MANY {
            turns.take(&format!("pump-{number}").parse().unwrap()).await;
        }
        assert!(turns.0.lock().unwrap().len() <= MANY);
    }
}
