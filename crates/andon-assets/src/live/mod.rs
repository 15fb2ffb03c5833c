//! What is known of a property at present: its latest value, the values before it, and the windows of a metric.

mod aggregate;
mod property;
mod windows;

pub(crate) use property::{Kept, PropertyState};
pub(crate) use windows::{Closed, Cut, Windows};
