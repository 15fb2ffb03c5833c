//! Decision tables: parse, check, evaluate – with the rows that hit and what they saw.
//!
//! **Constraints.** No I/O, no async, no clock. A compiled [`DecisionModel`] is immutable and may be shared by threads.
//! Nothing that it evaluates can run code, read the network, the time or a random number: tables that try are refused,
//! so that an event decided again is decided the same (invariant C1). The expression language is ZEN's, the table
//! format its JSON decision model (JDM, <https://docs.gorules.io/developers/jdm/standard>), importable in its editor.
//!
//! **Life of a decision.** [`DecisionModel::compile`] reads `decisions/<name>.toml`, the table and the lookups that it
//! names, and reports every fault with its place. [`DecisionModel::check`] adds what is legal but probably not meant:
//! rows that can never hit, inputs without a row, rows whose order matters. [`DecisionModel::run_cases`] runs the
//! decision's own test cases. Then, per event: [`DecisionModel::matches`] filters, the lookups are read, the context
//! `{ "event": …, "<lookup>": … | null }` is shown to the table, and [`Evaluation`] tells the rows, their outputs and
//! the actions they ask for.
//!
//! # A decision
//!
//! A decision file names the events, the table, the lookups and its own test cases. Keys that are not known are refused.
//!
#![doc = concat!("```toml\n", include_str!("../tests/example/maintenance.toml"), "```")]
//!
//! Its table, as the editor shows it – an empty cell accepts anything, the first row that fits decides, and texts need
//! quotes because every cell is an expression:
//!
//! | `event.data.anomaly_score` | `asset` | → `action` | `notification_type` | `priority` | `text` |
//! |---|---|---|---|---|---|
//! | | `null` | `"ask-planner"` | | | `"Unknown equipment " + (event.data.equipment ?? "")` |
//! | `>= 0.9` | `!= null` | `"create-notification"` | `"M2"` | `"1"` | `"Malfunction, score " + string(event.data.anomaly_score)` |
//! | `[0.5..0.9)` | `!= null` | `"create-notification"` | `"M1"` | `"3"` | `"Anomaly, please inspect"` |
//! | | | `"none"` | | | |
//!
//! In the JDM document a row is an object of cell texts by column identifier:
//!
#![doc = concat!("```json\n", include_str!("../tests/example/maintenance.json"), "```")]

mod cases;
mod check;
mod compile;
mod context;
mod decision_file;
mod expression;
mod findings;
mod graph;
mod index;
mod jdm;
mod literal;
mod machine;
mod model;
mod outputs;
mod pattern;
mod schema;
mod sight;
mod stated;
mod table;

pub use findings::Findings;
pub use model::{DecisionModel, Evaluation, Library};
pub use stated::{Stated, StatedRow};
