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
        (Disabled, Input::Enable) => Normal,
        (Disabled, _) => return None,
        (_, Input::Disable) => Disabled,
        (_, Input::Snooze) => SnoozeDisabled,
        (Normal | Latched, Input::Holds) => Active,
        (Active, Input::Over) if latch => Latched,
        (Active | Acknowledged, Input::Over) | (Latched, Input::Acknowledge) => Normal,
        (Active, Input::Acknowledge) => Acknowledged,
        (SnoozeDisabled, Input::SnoozeOver | Input::Enable) if holds => Active,
        (SnoozeDisabled, Input::SnoozeOver | Input::Enable) => Normal,
        (Active | Acknowledged | Latched | SnoozeDisabled, Input::Reset) => Normal,
        _ => return None,
    })
}
