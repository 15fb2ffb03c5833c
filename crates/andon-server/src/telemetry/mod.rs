//! What the API does for telemetry beyond asking its ports: SQL texts, saved queries, live streams, batches of values.
//!
//! **Constraints.** Nothing here has an effect of its own. Values of callers reach a SQL text only through
//! [`sql_text::Literal`], which quotes them; saved queries are checked when they are applied, by the same code that reads
//! them when they are asked.

pub(crate) mod batch_put;
pub(crate) mod conservation;
pub(crate) mod history;
pub(crate) mod intake;
pub(crate) mod live;
pub(crate) mod saved_query;
pub(crate) mod sql_text;
