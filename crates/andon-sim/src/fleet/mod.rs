//! A fleet of devices: real connections with client certificates, the quickstart's sensors, and faults on demand.
//!
//! **Purpose.** Shows how a broker and what stands behind it carry thousands of devices, well-behaved ones and others, and
//! proves that what was acknowledged was kept: every message has a number, and the ledger tells which were acknowledged.
//!
//! **Constraints.** Speaks MQTT 3.1.1 and 5 over TLS with a certificate for each device (or without TLS, on a test bench);
//! knows nothing of the product but its wire. What goes wrong depends on the seed and on a message's number alone, so that
//! a run can be repeated; which message meets a storm depends on time.
//!
//! **Life of a message.** Due → made by its [`Profile`], late, skewed or spoiled if so drawn → written as PUBLISH, twice
//! if so drawn → held in the window until the broker answers, and sent again after every reconnect → counted and entered in
//! the ledger.
//!
//! ```no_run
//! # async fn example() -> Result<(), andon_sim::fleet::FleetError> {
//! use andon_sim::fleet::{Fleet, FleetPlan, IdentityFolder};
//!
//! let folder = IdentityFolder::open("fleet")?;
//! let identities = folder.devices()?.iter().map(|device| folder.load(device)).collect::<Result<_, _>>()?;
//! let plan = FleetPlan { roots_pem: folder.roots()?, messages: Some(100), ..FleetPlan::default() };
//! let report = Fleet::prepare(plan, identities).await?.run(std::future::pending()).await?;
//! assert_eq!(report.total.acknowledged, report.total.sent);
//! # Ok(()) }
//! ```

mod dice;
mod error;
mod faults;
mod identity;
mod load;
mod mqtt;
mod payload;
mod span;

pub use crate::faults::FaultTextError;
pub use error::FleetError;
pub use faults::{DeviceFault, DeviceFaults};
pub use identity::{Identity, IdentityFolder, Onboarded, Onboarding, OnboardingWay};
pub use load::{
    ConnectReport, Fleet, FleetCounters, FleetPlan, FleetProgress, FleetReport, LedgerEntry, MAX_DEVICES, MessageReport,
};
pub use mqtt::{Protocol, Qos};
pub use payload::{Anomaly, Profile, ProfileMix, sequence_of};
pub use span::parse_span;
