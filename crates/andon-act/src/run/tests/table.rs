//! A small world for runs of any action: one pump, one lookup, one decision.

use super::*;
use crate::ProbeQuery;

/// One lookup `plants` (key `plant`) and one decision `severity` (row by `event.data.severity`).
#[derive(Debug)]
pub(super) struct Tables;

impl Library for Tables {
    fn decide(&self, decision: &Name, event: &Event) -> Result<Determined, Problem> {
        let rows = match (decision.as_str(), event.data["severity"].as_i64()) {
            ("severity", Some(severity @ 1..=3)) => vec![hit(severity)],
            ("severity", _) => Vec::new(),
            _ => return Err(Problem::new(Code::ConfigurationReference, decision.to_string())),
        };
        let outputs = rows.iter().map(|row| row.output.clone()).collect();
        Ok(Determined { table: TableVersion { name: decision.clone(), version: 4 }, rows, outputs })
    }

    fn lookup(&self, lookup: &Name, key: &BTreeMap<String, String>) -> Result<Option<Value>, Problem> {
        if lookup.as_str() != "plants" {
            return Err(Problem::new(Code::ConfigurationReference, lookup.to_string()));
        }
        Ok((key["plant"] == "1010").then(|| json!({ "name": "Walldorf", "group": "A" })))
    }
}

fn hit(severity: i64) -> RowHit {
    RowHit {
        row: usize::try_from(severity).expect("a row"),
        id: format!("r{severity}"),
        note: String::new(),
        saw: json!({ "event.data.severity": severity }),
        output: json!({ "priority": severity.to_string() }),
    }
}

/// A run of one action, moved input by input; between two inputs it is stored, read back and, where
/// `crashing`, resumed by a new process.
pub(super) struct Walk {
    action: Action,
    event: Event,
    pub(super) state: RunState,
    pub(super) shown: Vec<String>,
    pub(super) timeline: Vec<TimelineEntry>,
    pub(super) requests: Vec<crate::Request>,
    pub(super) probes: Vec<ProbeQuery>,
    pub(super) episodes: Vec<OpenEpisode>,
    now: Timestamp,
}

impl Walk {
    pub(super) fn new(steps: &str, data: Value) -> Self {
        let action = Action::compile(&Name::new("notify").expect("a name"), steps);
        let action = action.unwrap_or_else(|problems| panic!("{problems:?}"));
        let event = Event::new("/pump", "1", "anomaly", data);
        let ctx = RunContext { action: &action, event: &event, offset: Offset(1), library: &Tables };
        let planned = plan(ctx, 7, json!({ "action": "notify" }), json!({}), Timestamp::default());
        let mut walk = Self {
            state: planned.state.clone(),
            action,
            event,
            shown: Vec::new(),
            timeline: Vec::new(),
            requests: Vec::new(),
            probes: Vec::new(),
            episodes: Vec::new(),
            now: Timestamp::default(),
        };
        walk.take(planned);
        walk
    }

    fn take(&mut self, transition: Transition) {
        self.shown.push(show(&transition));
        assert!(transition.effects.len() <= 1);
        for effect in transition.effects {
            match effect {
                Effect::Send { request, .. } => self.requests.push(request),
                Effect::Probe { query, .. } => self.probes.push(query),
                _ => {}
            }
        }
        self.timeline.extend(transition.timeline);
        self.episodes.extend(transition.episode);
        let stored = serde_json::to_string(&transition.state).expect("serialises");
        self.state = RunState::parse(&stored).expect("parses");
        assert_eq!(self.state, transition.state, "what is stored is what is");
    }

    pub(super) fn feed(mut self, input: Input) -> Self {
        self.now = self.now.after(Duration::from_mins(1));
        let transition = step(self.context(), self.state.clone(), input, self.now);
        self.take(transition);
        self
    }

    pub(super) fn all(self, inputs: impl IntoIterator<Item = Input>) -> Self {
        inputs.into_iter().fold(self, Self::feed)
    }

    pub(super) fn resumed(mut self) -> Self {
        self.now = self.now.after(Duration::from_mins(1));
        let transition = resume(self.context(), self.state.clone(), self.now);
        self.take(transition);
        self
    }

    fn context(&self) -> RunContext<'_> {
        RunContext { action: &self.action, event: &self.event, offset: Offset(1), library: &Tables }
    }

    pub(super) fn last(&self) -> &str {
        self.shown.last().map_or("", String::as_str)
    }

    pub(super) fn last_request(&self) -> &crate::Request {
        self.requests.last().expect("a request")
    }

    /// The answer of a completed step.
    pub(super) fn result(&self, step: &str) -> &Value {
        let found = self.state.results.iter().find(|result| result.step.as_str() == step);
        &found.unwrap_or_else(|| panic!("no answer of {step}")).body
    }

    pub(super) fn problem(&self) -> (Code, &str) {
        let problem = self.state.problem.as_ref().expect("a problem");
        (problem.code, &problem.detail)
    }
}
