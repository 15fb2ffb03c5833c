//! For whom a connection speaks: itself alone, the devices behind a gateway, or anyone.
//!
//! **Constraints.** What a payload says of itself is not to be believed, and the door reads no JSON. Of the devices that a
//! gateway may speak for, those are noted whose names stand in the payload between quotation marks: that is one look at
//! each byte, and only for gateways. A name that is written with escapes is not found, and the gateway is the reading's
//! device then.

use std::collections::BTreeSet;
use std::sync::Arc;

use andon_devices::DeviceName;
use andon_journal::MAX_SPEAKS_FOR_BYTES;
use andon_model::SpeaksFor;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Voice(Option<Arc<BTreeSet<DeviceName>>>);

impl Voice {
    /// Of a program on this machine, which speaks for any device.
    pub(crate) const fn of_program() -> Self {
        Self(None)
    }

    /// Of a device: for itself, and for those behind it.
    pub(crate) fn of_device(behind: BTreeSet<DeviceName>) -> Self {
        Self(Some(Arc::new(behind)))
    }

    /// Which other devices a reading with this payload may be about.
    pub(crate) fn speaks_for(&self, payload: &[u8]) -> SpeaksFor {
        match self.0.as_deref() {
            None => SpeaksFor::Anyone,
            Some(behind) if behind.is_empty() => SpeaksFor::Only(Vec::new()),
            Some(behind) => SpeaksFor::Only(named(behind, payload)),
        }
    }
}

/// Those whose names stand in the payload, in its order, as many as may be kept.
fn named(behind: &BTreeSet<DeviceName>, payload: &[u8]) -> Vec<Arc<str>> {
    let (mut found, mut known) = (Vec::new(), BTreeSet::new());
    let mut bytes = 0;
    // What stands before the first mark is in none.
    let texts = payload.split(|byte| *byte == b'"').skip(1).filter_map(|text| std::str::from_utf8(text).ok());
    for name in texts.filter_map(|text| behind.get(text)) {
        let is_new = known.insert(name);
        if is_new && bytes + name.as_str().len() <= MAX_SPEAKS_FOR_BYTES {
            bytes += name.as_str().len();
            found.push(name.as_str().into());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(count: usize) -> BTreeSet<DeviceName> {
        (0..count).map(|n| DeviceName::new(&format!("tag-{n}")).expect("a name")).collect()
    }

    #[test]
    fn of_those_behind_a_gateway_the_payload_names_some() {
        let check = |voice: &Voice, payload: &str, expect: Option<&[&str]>| {
            let expect = expect.map_or(SpeaksFor::Anyone, |names| {
                SpeaksFor::Only(names.iter().map(|name| Arc::from(*name)).collect())
            });
            assert_eq!(voice.speaks_for(payload.as_bytes()), expect, "{payload}");
        };
        let one = r#"{"device":{"deviceId":"tag-1"},"x":"tag-7","y":"tag-0","z":"tag-1"}"#;
        check(&Voice::of_program(), one, None);
        check(&Voice::of_device(BTreeSet::new()), one, Some(&[]));
        let gateway = Voice::of_device(behind(3));
        check(&gateway, one, Some(&["tag-1", "tag-0"]));
        check(&gateway, r#"{"n":"a \"tag-2\" b"}"#, Some(&[]));
        check(&gateway, "tag-1", Some(&[]));
        check(&gateway, "", Some(&[]));
    }

    #[test]
    fn names_are_kept_up_to_a_limit() {
        let all = behind(1_000);
        let payload = (0..1_000).map(|n| format!("\"tag-{n}\",{}", "\u{e4}".repeat(9))).collect::<Vec<_>>().concat();
        let SpeaksFor::Only(names) = Voice::of_device(all).speaks_for(payload.as_bytes()) else { panic!("a device") };
        let bytes: usize = names.iter().map(|name| name.len()).sum();
        assert_eq!(names.len(), 1_000, "each has 7 bytes at most");
        assert!(bytes <= MAX_SPEAKS_FOR_BYTES, "{bytes}");
        let long = |n: usize| DeviceName::new(&format!("{n:0>128}")).expect("a name");
        let payload = (0..100).map(|n| format!("\"{n:0>128}\"")).collect::<Vec<_>>().concat();
        let found = Voice::of_device((0..100).map(long).collect()).speaks_for(payload.as_bytes());
        assert_eq!(found, SpeaksFor::Only((0..64).map(|n| format!("{n:0>128}").into()).collect()));
    }
}
