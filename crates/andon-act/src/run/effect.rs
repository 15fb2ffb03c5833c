//! What a run is told, and what it asks for.

use std::time::Duration;

use andon_model::{Name, Outcome, Release, RunId, TimelineEntry, Timestamp};

use super::{OpenEpisode, RunState};
use crate::{Answer, Found, ProbeQuery, Request};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// No other run of the same episode is under way any more: the episode as the journal knows it.
    Episode(Option<OpenEpisode>),
    /// This run of the same episode comes first.
    Behind(RunId),
    /// The destination has a free place: go on.
    Admitted,
    /// The destination had no free place within the time that [`Effect::Admit`] named.
    NotAdmitted,
    /// What came of the request.
    Answered(Answer),
    /// What the search found.
    Probed(Found),
    /// The time the run waited for has come.
    Tick,
    /// A person stepped in.
    Released {
        /// What they want.
        release: Release,
        /// Who.
        by: String,
    },
}

/// What is to be done, after the new state is stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Wait until every earlier run of the same action and key has settled, and read the episode; the answer is
    /// [`Input::Episode`]. Until then [`Input::Behind`] may say who is waited for.
    Join {
        /// The key of the episode.
        key: String,
    },
    /// Ask this destination for a free place; the answer is [`Input::Admitted`].
    Admit {
        /// Its name.
        destination: Name,
        /// How long the run waits for it at most, from when its turn has come within its subject; then
        /// comes [`Input::NotAdmitted`]. `None`: as long as it takes.
        within: Option<Duration>,
    },
    /// Send the request; the answer is [`Input::Answered`].
    Send {
        /// Where to.
        destination: Name,
        /// What.
        request: Request,
    },
    /// Search; the answer is [`Input::Probed`].
    Probe {
        /// Where.
        destination: Name,
        /// What for.
        query: ProbeQuery,
    },
    /// Feed [`Input::Tick`] at this time.
    WakeAt(Timestamp),
    /// The run is settled.
    Record(Outcome),
}

/// The result of one input.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The new state.
    pub state: RunState,
    /// What is to be done, in order; at most one of them.
    pub effects: Vec<Effect>,
    /// Lines for the timeline.
    pub timeline: Vec<TimelineEntry>,
    /// The episode as it is now, to be stored with the new state.
    pub episode: Option<OpenEpisode>,
    /// Why the input does not apply in this state; the state is then unchanged.
    pub rejected: Option<&'static str>,
}
