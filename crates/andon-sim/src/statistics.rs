//! Counters: what was asked, what was answered with a fault.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::faults::FaultKind;

/// What a request turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    TokenFetch,
    ServiceDocument,
    Metadata,
    Create,
    Change,
    Function,
    Read,
    List,
    Echo,
    Equipment,
    Unauthenticated,
    TokenRejected,
    WhileShut,
    Batch,
    Rules,
    Tokens,
    Destinations,
    Llm,
    Mesh,
    Device,
    Other,
}

impl RequestKind {
    const ALL: [Self; 21] = [
        Self::TokenFetch,
        Self::ServiceDocument,
        Self::Metadata,
        Self::Create,
        Self::Change,
        Self::Function,
        Self::Read,
        Self::List,
        Self::Echo,
        Self::Equipment,
        Self::Unauthenticated,
        Self::TokenRejected,
        Self::WhileShut,
        Self::Batch,
        Self::Rules,
        Self::Tokens,
        Self::Destinations,
        Self::Llm,
        Self::Mesh,
        Self::Device,
        Self::Other,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::TokenFetch => "token_fetch",
            Self::ServiceDocument => "service_document",
            Self::Metadata => "metadata",
            Self::Create => "create",
            Self::Change => "change",
            Self::Function => "function",
            Self::Read => "read",
            Self::List => "list",
            Self::Echo => "echo",
            Self::Equipment => "equipment",
            Self::Unauthenticated => "unauthenticated",
            Self::TokenRejected => "token_rejected",
            Self::WhileShut => "while_shut",
            Self::Batch => "batch",
            Self::Rules => "rules",
            Self::Tokens => "tokens",
            Self::Destinations => "destinations",
            Self::Llm => "llm",
            Self::Mesh => "mesh",
            Self::Device => "device",
            Self::Other => "other",
        }
    }
}

/// What `GET /sim/statistics` answers. Kinds that never occurred are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatisticsReport {
    /// Requests taken in, whatever became of them; the `/sim/` pages for people are not counted.
    pub requests: u64,
    /// Requests by kind; a token fetch also counts as the read that carries it.
    pub by_kind: BTreeMap<String, u64>,
    /// Faults injected, by kind.
    pub faults: BTreeMap<String, u64>,
}

/// Running counters.
#[derive(Default)]
pub(crate) struct Statistics {
    requests: AtomicU64,
    kinds: [AtomicU64; RequestKind::ALL.len()],
    faults: [AtomicU64; FaultKind::ALL.len()],
}

impl Statistics {
    /// Counts a request in and gives it its ordinal, counted from 1.
    pub(crate) fn arrived(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn count(&self, kind: RequestKind) {
        self.kinds[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_fault(&self, kind: FaultKind) {
        self.faults[kind.index()].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn report(&self) -> StatisticsReport {
        let kinds = RequestKind::ALL.iter().map(|k| k.as_str()).zip(&self.kinds);
        let faults = FaultKind::ALL.iter().map(|k| k.as_str()).zip(&self.faults);
        StatisticsReport {
            requests: self.requests.load(Ordering::Relaxed),
            by_kind: occurred(kinds),
            faults: occurred(faults),
        }
    }

    pub(crate) fn reset(&self) {
        let counters = self.kinds.iter().chain(&self.faults).chain([&self.requests]);
        counters.for_each(|counter| counter.store(0, Ordering::Relaxed));
    }
}

fn occurred<'a>(counters: impl Iterator<Item = (&'static str, &'a AtomicU64)>) -> BTreeMap<String, u64> {
    let counts = counters.map(|(name, counter)| (name.to_owned(), counter.load(Ordering::Relaxed)));
    counts.filter(|(_, count)| *count > 0).collect()
}
