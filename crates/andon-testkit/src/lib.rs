//! What tests share: simulated time, seeded chance, misbehaving ports, and the contract suites that
//! every adapter and every fake must pass.
//!
//! **Constraints.** Never among the `[dependencies]` of a product crate. Nothing here reads the machine's
//! clock or its randomness: the same seed gives the same world.
//!
//! **Life of a simulated world.** A test makes [`Dice`] from a seed, wraps a journal in
//! [`FaultyJournal`], puts a [`SimulatedDestination`] behind the engine, lets paused time run, kills the
//! engine where the dice say so, starts it again on the same journal, and compares the books with the
//! events that were acknowledged.

mod clock;
mod dice;
mod documents;
pub mod door_memory_contract;
mod faulty_journal;
pub mod journal_contract;
pub mod memory_journal;
mod memory_plant;
mod memory_readings;
mod memory_registry;
pub mod mosquitto;
pub mod postgres;
pub mod reading_feed_contract;
pub mod registry_contract;
mod simulated_destination;

pub use clock::RuntimeClock;
pub use dice::Dice;
pub use documents::first_hit_table;
pub use faulty_journal::{FaultyJournal, JournalFaults};
pub use memory_plant::{MemorySnapshot, MemoryValues};
pub use memory_readings::MemoryReadings;
pub use memory_registry::MemoryRegistry;
pub use simulated_destination::{BookChange, BookEntry, DestinationFaults, SimulatedDestination};
