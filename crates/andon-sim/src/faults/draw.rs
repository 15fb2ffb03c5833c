//! The draw: a pure function of profile, seed, subject and attempt.

use std::time::Duration;

use super::{FaultKind, FaultProfile, Scope};

/// When a slow request waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    BeforeCommit,
    AfterCommit,
}

/// What one request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Draw {
    /// A delay and when it takes place.
    pub(crate) wait: Option<(Moment, Duration)>,
    /// One fault besides the delay.
    pub(crate) fault: Option<FaultKind>,
    /// The `Retry-After` of `busy`.
    pub(crate) retry_after: Duration,
    /// The outage of `refuse_to_connect`.
    pub(crate) outage: Duration,
    /// How long the answer of a `slow_drip` trickles.
    pub(crate) drip: Duration,
    /// How long an `llm_silent` request is held.
    pub(crate) silence: Duration,
    /// Further choices, such as which status a `server_error` has.
    pub(crate) salt: u64,
}

/// Kinds that a read can meet.
const READ_KINDS: [FaultKind; 3] = [FaultKind::ServerError, FaultKind::DropBefore, FaultKind::Busy];

/// Draws for a modifying request.
pub(super) fn for_change(profile: &FaultProfile, seed: u64, scope: Scope, subject: u64, attempt: u32) -> Draw {
    let base = mix(seed ^ mix(subject) ^ mix(u64::from(attempt).wrapping_mul(GOLDEN)));
    let roll = |kind: FaultKind| mix(base.wrapping_add(kind.index() as u64 + 1));
    let hits = |kind: &FaultKind| unit(roll(*kind)) < profile.rate(*kind);
    let slow = hits(&FaultKind::Slow).then(|| (moment(roll(FaultKind::Slow)), profile.slow_for));
    let can = |kind: &FaultKind| *kind != FaultKind::Slow && kind.fits(scope);
    let met = || FaultKind::ALL.into_iter().filter(can).filter(hits);
    Draw { wait: slow, fault: pick(met(), met().count(), base), ..calm(profile, base) }
}

/// Draws for a read.
pub(super) fn for_read(profile: &FaultProfile, seed: u64, subject: u64, attempt: u32) -> Draw {
    let base = mix(!seed ^ mix(subject) ^ mix(u64::from(attempt).wrapping_mul(GOLDEN)));
    let hit = unit(mix(base)) < profile.reads();
    let fault = if hit { pick(READ_KINDS.into_iter(), READ_KINDS.len(), base) } else { None };
    Draw { fault, ..calm(profile, base) }
}

/// A stable 64-bit fingerprint (FNV-1a) of what a request is about.
pub(crate) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.into_iter().flat_map(|part| part.iter().chain(&[0xff])) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

fn calm(profile: &FaultProfile, salt: u64) -> Draw {
    Draw {
        wait: None,
        fault: None,
        retry_after: profile.busy_for,
        outage: profile.refuse_for,
        drip: profile.drip_for,
        silence: profile.silent_for,
        salt,
    }
}

fn pick(mut kinds: impl Iterator<Item = FaultKind>, count: usize, base: u64) -> Option<FaultKind> {
    let index = mix(base ^ GOLDEN).checked_rem(count as u64)?;
    kinds.nth(usize::try_from(index).unwrap_or(0))
}

fn moment(roll: u64) -> Moment {
    if roll & 1 == 0 { Moment::BeforeCommit } else { Moment::AfterCommit }
}

/// 2^64 divided by the golden ratio: spreads small numbers over all bits.
pub(crate) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finalizer of splitmix64.
pub(crate) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(GOLDEN);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Maps 64 bits to 0 (inclusive) to 1 (exclusive).
#[expect(clippy::cast_precision_loss, reason = "the upper 53 bits fit a double exactly")]
pub(crate) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(profile: &str, pass: impl Fn(&Draw) -> bool) -> usize {
        let profile = profile.parse().unwrap();
        (0..10_000).filter(|n| pass(&for_change(&profile, 7, Scope::Create, *n, 1))).count()
    }

    #[test]
    fn rates_are_met() {
        let near = |found: usize, expect: usize| assert!(found.abs_diff(expect) < 250, "{found} is not near {expect}");
        near(share("busy=0.2", |d| d.fault == Some(FaultKind::Busy)), 2_000);
        near(share("slow=0.1", |d| d.wait.is_some()), 1_000);
        near(share("slow=1", |d| matches!(d.wait, Some((Moment::AfterCommit, _)))), 5_000);
        near(share("busy=1,drop_before=1", |d| d.fault == Some(FaultKind::DropBefore)), 5_000);
        assert_eq!(share("none", |d| d.fault.is_some() || d.wait.is_some()), 0);
        assert_eq!(share("reads=1", |d| d.fault.is_some()), 0);
    }

    #[test]
    fn a_draw_depends_on_seed_subject_and_attempt_only() {
        let profile = "busy=0.3,drop_before=0.3,slow=0.5".parse().unwrap();
        let draws =
            |seed, attempt| (0..64).map(|s| for_change(&profile, seed, Scope::Create, s, attempt)).collect::<Vec<_>>();
        assert_eq!(draws(1, 1), draws(1, 1));
        assert_ne!(draws(1, 1), draws(2, 1));
        assert_ne!(draws(1, 1), draws(1, 2));
    }

    #[test]
    fn reads_meet_only_what_a_read_can_meet() {
        let profile = "reads=1".parse().unwrap();
        for subject in 0..100 {
            let fault = for_read(&profile, 1, subject, 1).fault.unwrap();
            assert!(READ_KINDS.contains(&fault));
        }
    }

    #[test]
    fn a_scope_meets_only_its_kinds() {
        let profile = "etag_moved=1,llm_huge=1,empty_result=1".parse().unwrap();
        for (scope, expect) in [
            (Scope::Change, Some(FaultKind::EtagMoved)),
            (Scope::Llm, Some(FaultKind::LlmHuge)),
            (Scope::Rules, Some(FaultKind::EmptyResult)),
            (Scope::Create, None),
            (Scope::Plain, None),
        ] {
            assert_eq!(for_change(&profile, 1, scope, 1, 1).fault, expect, "{scope:?}");
        }
    }

    #[test]
    fn fingerprints_keep_parts_apart() {
        let of = |parts: &[&str]| fingerprint(parts.iter().map(|p| p.as_bytes()));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["a"]), of(&["a"]));
    }
}
