//! The types check: parsing metadata, single rules, and a corpus of seeded faults.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests explain themselves by their names")]

mod corpus;
mod parser;
mod rules;
mod scenario;
mod shipped;
