//! Locks that outlive a panic of their holder: the simulator's tables stay usable after it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes the lock, whatever became of the last holder.
pub(crate) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
