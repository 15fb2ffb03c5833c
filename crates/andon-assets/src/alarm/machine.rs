//! The states of an alarm, and what leads from one to another.
//!
//! | from | by | to |
//! |---|---|---|
//! | normal | the condition holds | active: an episode begins |
//! | active | it is over | normal, or latched when somebody must acknowledge |
//! | acknowledged | it is over | normal |
//! | latched | it holds again | active: the same episode |
//! | active | acknowledge | acknowledged |
//! | latched | acknowledge | normal |
//! | normal, active, acknowledged, latched, snoozed | snooze | snoozed |
//! | snoozed | its time is over, or enable | active when the condition holds, else normal |
//! | active, acknowledged, latched, snoozed | reset | normal; the condition is judged anew |
//! | any other | disable | disabled |
//! | disabled | enable | normal; the condition is judged anew |
//!
//! The states are those of AWS IoT SiteWise, and of AWS IoT Events before it. Being normal or disabled ends an episode.

use crate::definition::AlarmState;

/// What may lead to another state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    /// The condition counts as holding.
    Holds,
    /// It counts as over.
    Over,
    /// A person says that they know.
    Acknowledge,
    /// A person puts it aside.
    Snooze,
    /// The time of that is over.
    SnoozeOver,
    /// A person says that all is well.
    Reset,
    /// A person has it watched.
    Enable,
    /// A person does not have it watched.
    Disable,
}

/// The state that `input` leads to, or `None` when it means nothing there. `holds`: whether the condition counts as
/// holding; `latch`: whether somebody must acknowledge.
pub(crate) fn next(from: AlarmState, input: Input, holds: bool, latch: bool) -> Option<AlarmState> {
    use AlarmState::{Acknowledged, Active, Disabled, Latched, Normal, SnoozeDisabled};
    Some(match (from, input) {
        (Disabled, input) => return (input == Input::Enable).then_some(Normal),
        (_, Input::Disable) => Disabled,
        (_, Input::Snooze) => SnoozeDisabled,
        (Normal | Latched, Input::Holds) => Active,
        (Active, Input::Over) if latch => Latched,
        (Active, Input::Acknowledge) => Acknowledged,
        (SnoozeDisabled, Input::SnoozeOver | Input::Enable) if holds => Active,
        (Active | Acknowledged, Input::Over)
        | (Latched, Input::Acknowledge)
        | (SnoozeDisabled, Input::SnoozeOver | Input::Enable)
        | (Active | Acknowledged | Latched | SnoozeDisabled, Input::Reset) => Normal,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use AlarmState::{Acknowledged, Active, Disabled, Latched, Normal, SnoozeDisabled};

    const STATES: [AlarmState; 6] = [Normal, Active, Acknowledged, Latched, SnoozeDisabled, Disabled];

    /// What `input` leads to from each of [`STATES`], in that order.
    fn check(input: Input, holds: bool, latch: bool, expect: [Option<AlarmState>; 6]) {
        let found = STATES.map(|from| next(from, input, holds, latch));
        assert_eq!(found, expect, "{input:?}, holds {holds}, latch {latch}");
    }

    #[test]
    fn every_input_in_every_state() {
        let normal = Some(Normal);
        let snoozed = Some(SnoozeDisabled);
        let off = Some(Disabled);
        check(Input::Holds, true, false, [Some(Active), None, None, Some(Active), None, None]);
        check(Input::Over, false, false, [None, normal, normal, None, None, None]);
        check(Input::Over, false, true, [None, Some(Latched), normal, None, None, None]);
        check(Input::Acknowledge, true, true, [None, Some(Acknowledged), None, normal, None, None]);
        check(Input::Snooze, true, true, [snoozed, snoozed, snoozed, snoozed, snoozed, None]);
        check(Input::SnoozeOver, true, true, [None, None, None, None, Some(Active), None]);
        check(Input::SnoozeOver, false, true, [None, None, None, None, normal, None]);
        check(Input::Reset, true, true, [None, normal, normal, normal, normal, None]);
        check(Input::Enable, true, false, [None, None, None, None, Some(Active), normal]);
        check(Input::Enable, false, false, [None, None, None, None, normal, normal]);
        check(Input::Disable, true, false, [off, off, off, off, off, None]);
    }
}
