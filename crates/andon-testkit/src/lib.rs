//! What tests share: ports in memory, databases of their own, and the contract suites that every
//! adapter and every fake must pass.

pub mod journal_contract;
pub mod memory_journal;
pub mod postgres;
