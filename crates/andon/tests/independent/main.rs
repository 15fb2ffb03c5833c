//! Programs that other people wrote, at both ends of the wire: what our own stand-ins say about OData is our own
//! reading of it, and Andon and its simulator could be wrong alike. The same goes for mail.
//!
//! * [`server`]: Andon at the OData server of SAP's Fiori tools.
//! * [`client`]: the OData client pyodata at the simulator.
//! * [`mail`]: letters to the mail server aiosmtpd.
//!
//! `make setup` installs them, pinned by the lock files beside this file; `docs/guide/independent-parts.md` tells what
//! they taught.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod client;
#[path = "../common/mod.rs"]
mod common;
mod mail;
mod plant;
mod server;
mod stand_in;
mod tools;
