//! Episodes: while the document of an earlier run is open, further events join it instead of making another.
//!
//! **Constraints.** Which episode is open is the journal's word: the run asks for it ([`Effect::Join`]) and is told
//! when no other run of the same episode is under way ([`crate::Input::Episode`]). From then until it settles the run
//! *holds* the episode, also while it is parked: then it may have made a document that nobody knows of.
//!
//! **Life of an event that joins.** `Joining` → the open-check steps → the update steps → done, with the document
//! that was there before. Where a check says that the document is closed, or there is none, the run takes the full
//! route and its document opens a new episode. What is to be written of the episode leaves with the transition that
//! settles the run, as a whole, so that writing it twice changes nothing.

use std::ops::Range;

use andon_model::{Code, DocumentRef, Problem, RunId, RunStatus, TimelineKind, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kept::text_at;
use super::render::scope_before_steps;
use super::transition::Moving;
use super::{Effect, Phase, RunState};
use crate::{Action, EpisodeTerms, Stage, Step};

/// Longest key of an episode, in characters.
const MAX_KEY_CHARS: usize = 200;

/// Name under which a joined document is listed, in place of a step's.
const JOINED: &str = "episode";

/// Which steps of its action a run executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The open-check steps.
    Check,
    /// The update steps: the document is open.
    Update,
    /// The business action: `pre`, `main`, `post`.
    Full,
}

/// An episode as a run knows it, and as it is written when the run settles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenEpisode {
    /// Number of its document.
    pub document: String,
    /// The run that made it.
    pub run: RunId,
    /// When that run settled.
    pub opened_at: Timestamp,
    /// When the last event joined.
    pub touched_at: Timestamp,
    /// Events in it, the first one included.
    pub count: i64,
}

/// What a run knows of the episode that it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEpisode {
    /// What `once_per` gave; empty while it could not be rendered.
    pub key: String,
    /// What it executes; `None` while it waits to be told which episode is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// The episode that it joined, or has opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenEpisode>,
    /// The run that it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<RunId>,
    /// Where the full route goes on when it was refused before and is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_at: Option<usize>,
}

impl Action {
    /// The indices of the steps of a route.
    pub(crate) fn range(&self, route: Route) -> Range<usize> {
        let up_to = |stage: Stage| self.steps.partition_point(|step| step.definition.stage <= stage);
        match route {
            Route::Check => 0..up_to(Stage::OpenCheck),
            Route::Update => up_to(Stage::OpenCheck)..up_to(Stage::Update),
            Route::Full => up_to(Stage::Update)..self.steps.len(),
        }
    }
}

impl RunState {
    /// What its episode is known by, together with the action; `None` without an episode.
    pub fn episode_key(&self) -> Option<&str> {
        self.episode.as_ref().map(|episode| episode.key.as_str()).filter(|key| !key.is_empty())
    }

    /// Whether no other run of its episode may be under way: it has begun, and has not come to a defined end.
    pub fn holds_episode(&self) -> bool {
        let has_begun = self.episode.as_ref().is_some_and(|episode| episode.route.is_some());
        has_begun && !matches!(self.status(), RunStatus::Done | RunStatus::Refused | RunStatus::Cancelled)
    }

    /// The steps that it executes; none while it waits for its turn in its episode.
    pub(super) fn range(&self, action: &Action) -> Range<usize> {
        match &self.episode {
            None => action.range(Route::Full),
            Some(episode) => episode.route.map_or(0..0, |route| action.range(route)),
        }
    }

    /// Whether what the full route has done before it was refused stands in `action` as well.
    pub(super) fn resumes_in(&self, action: &Action) -> bool {
        let Some(resume_at) = self.episode.as_ref().and_then(|episode| episode.resume_at) else { return true };
        let steps = action.steps.get(action.range(Route::Full).start..resume_at);
        let done = self.results.iter().filter(|result| result.stage > Stage::Update).map(|result| &result.step);
        steps.is_some_and(|steps| done.eq(steps.iter().map(Step::name)))
    }

    pub(super) fn route(&self) -> Option<Route> {
        self.episode.as_ref().and_then(|episode| episode.route)
    }

    /// What templates see as `episode`.
    pub(super) fn shown_episode(&self) -> Value {
        let Some(episode) = &self.episode else { return Value::Null };
        match (&episode.open, episode.route) {
            (Some(open), Some(Route::Check | Route::Update)) => json!({
                "key": episode.key, "document": open.document, "count": open.count + 1, "opened_at": open.opened_at,
            }),
            _ => json!({ "key": episode.key }),
        }
    }
}

impl Moving<'_> {
    /// Begins the run: at its first step, or by asking for its episode.
    pub(super) fn begin_run(&mut self) {
        let Some(rule) = &self.ctx.action.episode else { return self.enter_step() };
        let resume_at = self.state.episode.take().and_then(|episode| episode.resume_at);
        let key = episode_key(rule, &self.ctx, &self.state);
        let (key, problem) = key.map_or_else(|problem| (String::new(), Some(problem)), |key| (key, None));
        self.state.episode = Some(RunEpisode { key, resume_at, ..RunEpisode::default() });
        match problem {
            Some(problem) => self.settle(RunStatus::Refused, Some(problem)),
            None => self.enter(Phase::Joining),
        }
    }

    /// Another run of the same episode is still under way, or parked.
    pub(super) fn behind(&mut self, run: RunId) {
        let Some(episode) = self.state.episode.as_mut().filter(|episode| episode.behind.as_ref() != Some(&run)) else {
            self.rejected = Some("the run waits for that one already");
            return;
        };
        let detail = json!({ "episode": episode.key, "behind": run });
        episode.behind = Some(run);
        self.note(TimelineKind::Waiting, detail);
    }

    /// The run's turn has come: `found` is the episode as the journal knows it.
    pub(super) fn join(&mut self, found: Option<OpenEpisode>) {
        let lasts = self.ctx.action.episode.as_ref().and_then(|rule| rule.open_for);
        let now = self.now;
        let is_over = |open: &OpenEpisode| lasts.is_some_and(|lasts| now.since(open.touched_at) >= lasts);
        let Some(open) = found.filter(|open| !is_over(open)) else { return self.enter_route(Route::Full) };
        if let Some(episode) = self.state.episode.as_mut() {
            episode.open = Some(open);
        }
        self.enter_route(Route::Check);
    }

    fn enter_route(&mut self, route: Route) {
        let start = self.ctx.action.range(route).start;
        let Some(episode) = self.state.episode.as_mut() else { return };
        episode.route = Some(route);
        episode.behind = None;
        self.state.step = start;
        if route == Route::Full {
            self.state.step = episode.resume_at.take().unwrap_or(start);
            episode.open = None;
            self.state.results.retain(|result| result.stage > Stage::Update);
        }
        if route == Route::Update {
            self.note_joined();
        }
        self.enter_step();
    }

    fn note_joined(&mut self) {
        let Some(episode) = &self.state.episode else { return };
        let Some(open) = &episode.open else { return };
        let detail = json!({
            "episode": episode.key, "document": open.document, "opened_by": open.run, "count": open.count + 1,
        });
        self.note(TimelineKind::Joined, detail);
    }

    /// Every step of the route is done.
    pub(super) fn route_ended(&mut self) {
        match self.state.route() {
            Some(Route::Check) => self.enter_route(Route::Update),
            _ => self.settle(RunStatus::Done, None),
        }
    }

    /// The document of the episode is closed, or gone: the event makes another.
    pub(super) fn closed(&mut self, why: &Value) {
        let episode = self.state.episode.as_ref();
        let document = episode.and_then(|episode| episode.open.as_ref()).map(|open| open.document.clone());
        self.note(TimelineKind::Joined, json!({ "closed": document, "why": why }));
        self.enter_route(Route::Full);
    }

    /// What the answer to an open-check step says: whether the document is open, and why.
    pub(super) fn says_open(step: &Step, body: &Value) -> Result<(bool, Value), Problem> {
        let Some(open_while) = step.definition.open_while.as_ref() else { return Ok((true, Value::Null)) };
        let Some(value) = text_at(body, &open_while.path) else {
            let detail = format!("the answer has no text at {}, so nobody knows whether it is open", open_while.path);
            return Err(Problem::new(Code::MissingPath, detail).at(format!("step {} open_while", step.name())));
        };
        let is_open = open_while.values.contains(&value);
        Ok((is_open, json!({ "path": open_while.path, "value": value })))
    }

    /// What is to be written of the episode now that the run settles.
    pub(super) fn settle_episode(&mut self, status: RunStatus) {
        let opened = self.opened();
        let now = self.now;
        let Some(episode) = self.state.episode.as_mut() else { return };
        match (episode.route, status) {
            (Some(Route::Check | Route::Update), RunStatus::Done) => {
                let Some(open) = episode.open.as_mut() else { return };
                open.count = open.count.saturating_add(1);
                open.touched_at = now;
                let step = JOINED.to_owned();
                self.state.documents = vec![DocumentRef { step, number: open.document.clone(), found_by_probe: false }];
                self.episode = Some(open.clone());
            }
            (Some(Route::Full), RunStatus::Done | RunStatus::Refused | RunStatus::Cancelled)
                if episode.open.is_none() =>
            {
                episode.open.clone_from(&opened);
                self.episode = opened;
            }
            _ => {}
        }
    }

    /// The episode that the run's own document opens. It does so even if a later step is refused: it is there.
    fn opened(&self) -> Option<OpenEpisode> {
        let document = self.own_document()?.number.clone();
        let (run, now) = (self.state.id.clone(), self.now);
        Some(OpenEpisode { document, run, opened_at: now, touched_at: now, count: 1 })
    }

    /// The document of the first main step that names one.
    fn own_document(&self) -> Option<&DocumentRef> {
        let of_main = |document: &&DocumentRef| {
            let made_by = |step: &&Step| step.name().as_str() == document.step;
            self.ctx.action.steps.iter().find(made_by).is_some_and(|step| step.definition.stage == Stage::Main)
        };
        self.state.documents.iter().find(of_main)
    }

    /// Whether a refused run that is tried again must ask for its episode again: others were not held up by it, so
    /// there may be another document by now.
    pub(super) fn rejoins(&self, phase: &Phase) -> bool {
        let is_refused = matches!(phase, Phase::Settled { status: RunStatus::Refused });
        if self.ctx.action.episode.is_none() || !is_refused || self.state.in_doubt {
            return false;
        }
        match self.state.route() {
            Some(Route::Full) => self.own_document().is_none(),
            Some(Route::Update) => !self.has_changed(Route::Update),
            Some(Route::Check) | None => true,
        }
    }

    fn has_changed(&self, route: Route) -> bool {
        let done = self.ctx.action.range(route).start..self.state.step;
        self.ctx.action.steps.get(done).is_some_and(|steps| steps.iter().any(Step::is_changing))
    }

    /// Asks for the episode again; what the full route has done stays done.
    pub(super) fn rejoin(&mut self) {
        let is_full = self.state.route() == Some(Route::Full);
        let step = self.state.step;
        if let Some(episode) = self.state.episode.as_mut() {
            episode.resume_at = is_full.then_some(step).or(episode.resume_at);
        }
        self.state.attempt = 0;
        self.state.request = None;
        self.state.problem = None;
        self.state.results.retain(|result| result.stage > Stage::Update);
        self.begin_run();
    }

    pub(super) fn ask_for_episode(&mut self) {
        if let Some(key) = self.state.episode_key() {
            self.effects.push(Effect::Join { key: key.to_owned() });
        }
    }
}

fn episode_key(rule: &EpisodeTerms, ctx: &super::RunContext<'_>, state: &RunState) -> Result<String, Problem> {
    let key = rule.once_per.render(&scope_before_steps(*ctx, state))?.trim().to_owned();
    let chars = key.chars().count();
    if chars == 0 || chars > MAX_KEY_CHARS {
        let detail = format!("once_per gives a text of {chars} characters, it may have 1 to {MAX_KEY_CHARS}");
        return Err(Problem::new(Code::BadBody, detail).at(format!("actions/{}.toml episode", ctx.action.name)));
    }
    Ok(key)
}
