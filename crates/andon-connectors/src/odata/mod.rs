//! What is particular to SAP's `OData` services, V2 and V4.
//!
//! Facts: SAP Gateway hands out an anti-forgery token with cookies that belong to it ([`session`]),
//! describes errors in several shapes ([`errors`]), and sends warnings beside a success in the header
//! `sap-message` or `sap-messages` ([`messages`]). A document is searched by its reference field ([`probe`]).
//! Several requests that are done all or not at all make a change set ([`batch`]); an entity that others change
//! too often tells who ([`change`]).

pub(crate) mod batch;
pub(crate) mod change;
pub(crate) mod errors;
pub(crate) mod messages;
pub(crate) mod probe;
pub(crate) mod session;
pub(crate) mod xml;
