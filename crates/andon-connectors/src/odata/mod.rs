//! What is particular to SAP's `OData` V2 services.
//!
//! Facts: SAP Gateway hands out an anti-forgery token with cookies that belong to it ([`session`]),
//! describes errors in several shapes ([`errors`]), and sends warnings beside a success in the header
//! `sap-message` ([`messages`]). A document is searched by its reference field ([`probe`]).

pub(crate) mod errors;
pub(crate) mod messages;
pub(crate) mod probe;
pub(crate) mod session;
mod xml;
