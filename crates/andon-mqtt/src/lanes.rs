//! Which lane a topic belongs to, and what the lanes are.
//!
//! Topics below the root are readings, unless a filter names them as events. What is on neither lane is between
//! devices: it is forwarded and acknowledged, and kept by nobody.

use std::sync::Arc;

use andon_devices::policy::{check_filter, filter_matches};
use andon_journal::Keeper;

use crate::MqttError;

/// Where a publish is kept before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The raw log.
    Readings,
    /// The journal.
    Events,
    /// Nowhere.
    Neither,
}

/// Filters that say which topics are readings and which are events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routes {
    root: String,
    events: Vec<String>,
}

impl Routes {
    /// `root` is usually `data/#`; `events` are filters of topics that are events, below the root or not.
    pub fn new(root: &str, events: Vec<String>) -> Result<Self, MqttError> {
        for filter in events.iter().map(String::as_str).chain([root]) {
            let failed = |why: String| MqttError::Topic { topic: filter.to_owned(), why };
            match check_filter(filter) {
                Err(why) => return Err(failed(why.to_string())),
                Ok(inner) if inner.len() != filter.len() => {
                    return Err(failed("a lane has no shared subscriptions".to_owned()));
                }
                Ok(_) => {}
            }
        }
        Ok(Self { root: root.to_owned(), events })
    }

    /// The lane of `topic`.
    pub fn lane(&self, topic: &str) -> Lane {
        if self.events.iter().any(|filter| filter_matches(filter, topic)) {
            Lane::Events
        } else if filter_matches(&self.root, topic) {
            Lane::Readings
        } else {
            Lane::Neither
        }
    }
}

/// What keeps the payloads of each lane.
#[derive(Clone)]
pub struct Lanes {
    /// Which topic belongs where.
    pub routes: Routes,
    /// Keeps readings.
    pub readings: Arc<dyn Keeper>,
    /// Makes events of payloads and appends them to the journal.
    pub events: Arc<dyn Keeper>,
}

impl Lanes {
    /// Who keeps what is published to `topic`, if anybody does.
    pub(crate) fn keeper(&self, topic: &str) -> Option<&dyn Keeper> {
        match self.routes.lane(topic) {
            Lane::Readings => Some(self.readings.as_ref()),
            Lane::Events => Some(self.events.as_ref()),
            Lane::Neither => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_find_their_lane() {
        let routes = Routes::new("data/#", vec!["data/+/alarm".to_owned(), "andon/events/#".to_owned()]);
        let routes = routes.expect("filters");
        let check = |topic: &str, expect: Lane| assert_eq!(routes.lane(topic), expect, "{topic}");
        check("data/pump-01/temperature", Lane::Readings);
        check("data", Lane::Readings);
        check("data/pump-01/alarm", Lane::Events);
        check("data/pump-01/alarm/x", Lane::Readings);
        check("andon/events/defect", Lane::Events);
        check("cmd/pump-01/reboot", Lane::Neither);
        check("database/x", Lane::Neither);
        check("$SYS/data/x", Lane::Neither);
    }

    #[test]
    fn filters_that_are_none_are_refused() {
        for bad in ["", "data/#/x", "$share/g/data/#"] {
            assert!(Routes::new(bad, Vec::new()).is_err(), "{bad}");
            assert!(Routes::new("data/#", vec![bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
