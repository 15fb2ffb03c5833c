//! Limits and times of the API, with their defaults.

use serde::{Deserialize, Serialize};

/// Where the API listens unless told otherwise: this machine only, because the API does not encrypt.
/// To be reached from elsewhere, put a proxy that terminates TLS in front of it.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8480";

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Limits and times; unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Largest body of `POST /api/v1/events` and `POST /api/events`. Default 1 MiB.
    pub events_body_bytes: usize,
    /// Largest body of `POST /api/v1/sources/{name}`, and of a form with attachments at any intake. Default 64 MiB.
    pub sources_body_bytes: usize,
    /// Largest body of `POST /api/v1/readings`. Default 16 MiB.
    pub readings_body_bytes: usize,
    /// Largest body of a configuration change, which may carry lookups. Default 32 MiB.
    pub configuration_body_bytes: usize,
    /// Largest body of every other request. Default 1 MiB.
    pub other_body_bytes: usize,
    /// Bodies held in memory at once, all requests together. Default 256 MiB.
    pub all_bodies_bytes: usize,
    /// Requests worked on at once; more are answered 503. Default 512.
    pub max_requests: usize,
    /// Streams of values open at once; more are answered 503. Default 256.
    pub max_streams: usize,
    /// Connections open at once; more wait in the operating system's queue. Default 1,024.
    pub max_connections: usize,
    /// Longest time from a request's head to its answer. Default 60 s.
    pub request_seconds: u64,
    /// Longest time for a request's head to arrive, and for a connection to be idle. Default 30 s.
    pub head_seconds: u64,
    /// Largest head of a request, at least 8 KiB. Default 32 KiB.
    pub head_bytes: usize,
    /// How long a stop waits for requests under way. Default 15 s.
    pub drain_seconds: u64,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            events_body_bytes: MIB,
            sources_body_bytes: 64 * MIB,
            readings_body_bytes: 16 * MIB,
            configuration_body_bytes: 32 * MIB,
            other_body_bytes: MIB,
            all_bodies_bytes: 256 * MIB,
            max_requests: 512,
            max_streams: 256,
            max_connections: 1_024,
            request_seconds: 60,
            head_seconds: 30,
            head_bytes: 32 * KIB,
            drain_seconds: 15,
        }
    }
}
