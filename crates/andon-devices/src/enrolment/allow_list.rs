//! The allow-list: which devices a shared claim identity may onboard.

use serde::{Deserialize, Serialize};

use crate::DeviceName;
use crate::policy::matches_pattern;

/// Most entries of one list.
pub const MAX_ALLOWED: usize = 100_000;

/// Names of devices, or patterns in which `*` is any run of characters and `?` is one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct AllowList {
    /// Sorted.
    names: Vec<String>,
    patterns: Vec<String>,
}

/// Why a list is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAllowList {
    /// Too many entries.
    #[error("{0} entries, at most {MAX_ALLOWED} are allowed")]
    TooMany(usize),
    /// An entry that no name can match.
    #[error("entry {0:?} is neither a device's name nor a pattern of names")]
    Entry(String),
}

impl AllowList {
    /// Whether the list names `device`.
    pub fn allows(&self, device: &DeviceName) -> bool {
        let name = device.as_str();
        self.names.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
            || self.patterns.iter().any(|pattern| matches_pattern(pattern, name))
    }
}

impl TryFrom<Vec<String>> for AllowList {
    type Error = InvalidAllowList;
    fn try_from(entries: Vec<String>) -> Result<Self, InvalidAllowList> {
        if entries.len() > MAX_ALLOWED {
            return Err(InvalidAllowList::TooMany(entries.len()));
        }
        let is_wild = |entry: &String| entry.contains(['*', '?']);
        let plain = |entry: &String| entry.replace(['*', '?'], "x");
        if let Some(bad) = entries.iter().find(|entry| DeviceName::new(&plain(entry)).is_err()) {
            return Err(InvalidAllowList::Entry(bad.chars().take(80).collect()));
        }
        let (patterns, mut names): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_wild);
        names.sort_unstable();
        Ok(Self { names, patterns })
    }
}

impl From<AllowList> for Vec<String> {
    fn from(list: AllowList) -> Self {
        list.names.into_iter().chain(list.patterns).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_patterns_are_allowed() {
        let entries = ["pump-01", "cam-??", "s1:*"].map(str::to_owned).to_vec();
        let list = AllowList::try_from(entries).expect("legal");
        let check = |name: &str, expect: bool| {
            assert_eq!(list.allows(&DeviceName::new(name).expect("a name")), expect, "{name}");
        };
        check("pump-01", true);
        check("pump-011", false);
        check("cam-07", true);
        check("cam-7", false);
        check("s1:0042", true);
        assert!(!AllowList::default().allows(&DeviceName::new("pump-01").expect("a name")));
        assert!(matches!(AllowList::try_from(vec!["a/b".to_owned()]), Err(InvalidAllowList::Entry(_))));
    }
}
