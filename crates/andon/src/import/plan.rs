//! Names and order: which actions there are, of which steps, and what each identifier is called.

use std::collections::BTreeMap;

use super::framework::{Category, Flow, Framework, Relation, SourceAction};
use super::names::Names;
use super::records::Records;
use super::report::{Entry, Note, Outcome, Report};
use super::template::{Answering, Rewritten, Scope};

/// The part of a decision's result that names the action, when the default action does not say.
const ACTION_ATTRIBUTE: &str = "ActionId";

/// A step, named.
#[derive(Debug)]
pub(super) struct PlannedStep<'a> {
    pub(super) name: String,
    /// `pre`, `main` or `post`.
    pub(super) stage: &'static str,
    pub(super) source: &'a SourceAction,
    pub(super) relation: Option<&'a Relation>,
    /// With names for identifiers.
    pub(super) path: Rewritten,
    /// The same.
    pub(super) body: Option<Rewritten>,
}

/// A main action with its pre and post actions, in order.
#[derive(Debug)]
pub(super) struct PlannedAction<'a> {
    pub(super) name: String,
    pub(super) source: &'a SourceAction,
    pub(super) steps: Vec<PlannedStep<'a>>,
}

/// What everything is called.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) actions: Vec<PlannedAction<'a>>,
    /// Names of destinations by what the framework calls them.
    pub(super) destinations: BTreeMap<&'a str, String>,
    /// Name of the decision and of its table.
    pub(super) decision: String,
    /// The part of the decision's result that names the action.
    pub(super) action_attribute: String,
}

impl<'a> Plan<'a> {
    /// Names and orders everything; actions that nothing uses are reported.
    pub(super) fn of(framework: &'a Framework, records: &Records, report: &mut Report) -> Self {
        let id_path = framework.default_action().and_then(|action| action.id_path.as_deref());
        let attribute = id_path.and_then(|path| path.rsplit('.').next()).filter(|a| !a.is_empty());
        let action_attribute = attribute.unwrap_or(ACTION_ATTRIBUTE).to_owned();
        let sheet = records.sheets.iter().find(|sheet| super::table::names_actions(sheet, &action_attribute));
        let stem = sheet.map(|sheet| super::table::stem(&sheet.file));
        let decision = Names::default().give(stem.unwrap_or("decide"), "decide");
        let (mut names, mut actions) = (Names::default(), Vec::new());
        for source in framework.actions.iter().filter(|action| action.category == Category::Main) {
            let name = names.give(&source.name, "action");
            let steps = steps(source, framework, &decision, &action_attribute);
            actions.push(PlannedAction { name, source, steps });
        }
        report_unused(framework, report);
        let destinations = destinations(&actions);
        Self { actions, destinations, decision, action_attribute }
    }

    /// The name of an action by its identifier.
    pub(super) fn action_name(&self, id: &str) -> Option<&str> {
        let found = self.actions.iter().find(|action| action.source.id.eq_ignore_ascii_case(id));
        found.map(|action| action.name.as_str())
    }
}

fn report_unused(framework: &Framework, report: &mut Report) {
    let is_used = |action: &SourceAction| framework.relations.iter().any(|relation| relation.action == action.id);
    for action in framework.actions.iter().filter(|action| action.category == Category::Child && !is_used(action)) {
        let entry = Entry::new("action", &action.name, &action.record.place);
        report.add(entry.but(Outcome::NotNeeded, "no main action has it as a pre or post action"));
    }
}

fn destinations<'a>(actions: &[PlannedAction<'a>]) -> BTreeMap<&'a str, String> {
    let (mut names, mut found) = (Names::default(), BTreeMap::new());
    for step in actions.iter().flat_map(|action| &action.steps) {
        found
            .entry(step.source.destination.as_str())
            .or_insert_with(|| names.give(&step.source.destination, "destination"));
    }
    found
}

/// The steps of a main action: named in the order of the relations, then ordered by what they read.
fn steps<'a>(
    main: &'a SourceAction,
    framework: &'a Framework,
    decision: &str,
    attribute: &str,
) -> Vec<PlannedStep<'a>> {
    let mut names = Names::default();
    let related = framework.relations.iter().filter(|relation| relation.root == main.id);
    let related = related.filter_map(|relation| Some((Some(relation), framework.action(&relation.action)?)));
    let stage = |relation: Option<&Relation>| relation.map_or("main", |relation| relation.flow.as_str());
    let chosen: Vec<_> = std::iter::once((None, main))
        .chain(related)
        .map(|(relation, source)| (names.give(&source.name, "step"), stage(relation), relation, source))
        .collect();
    let answering = chosen.iter().map(|(name, stage, relation, source)| {
        let relation = relation.map_or("", |relation| relation.id.as_str());
        Answering { stage, ids: [relation, &source.id], name }
    });
    let scope = Scope { steps: answering.collect(), decision, action_attribute: attribute };
    let mut steps: Vec<PlannedStep<'a>> = Vec::with_capacity(chosen.len());
    for (name, stage, relation, source) in &chosen {
        steps.push(PlannedStep {
            name: name.clone(),
            stage,
            source,
            relation: *relation,
            path: scope.rewrite(&source.path),
            body: source.payload.as_deref().map(|payload| scope.rewrite(payload.trim())),
        });
    }
    order(steps)
}

/// Pre, main, post; within a stage what is read stands before what reads it, and else the order of the relations.
fn order(mut steps: Vec<PlannedStep<'_>>) -> Vec<PlannedStep<'_>> {
    let rank = |stage: &str| ["pre", "main", "post"].iter().position(|known| *known == stage);
    steps.sort_by_key(|step| rank(step.stage));
    let mut ordered: Vec<PlannedStep<'_>> = Vec::with_capacity(steps.len());
    while !steps.is_empty() {
        let stage = steps[0].stage;
        let waits = |step: &PlannedStep<'_>| {
            let mut others = steps.iter().filter(|other| other.stage == stage && other.name != step.name);
            others.any(|other| step.reads().any(|read| *read == other.name))
        };
        // Steps that read each other have no order: the first one goes on, and the check names the rest.
        let next = steps.iter().position(|step| step.stage == stage && !waits(step)).unwrap_or(0);
        ordered.push(steps.remove(next));
    }
    ordered
}

impl PlannedStep<'_> {
    fn reads(&self) -> impl Iterator<Item = &String> {
        self.path.reads.iter().chain(self.body.iter().flat_map(|body| &body.reads))
    }

    /// Where it stands in the input: its relation, or the action itself.
    pub(super) fn place(&self) -> &str {
        self.relation.map_or(&self.source.record.place, |relation| &relation.record.place)
    }

    /// What its templates have to say, by column.
    pub(super) fn template_notes(&self) -> impl Iterator<Item = (Outcome, Note)> {
        let path = self.path.notes.iter().map(|(outcome, what)| (*outcome, "path", what));
        let body = self.body.iter().flat_map(|body| &body.notes).map(|(outcome, what)| (*outcome, "payload", what));
        path.chain(body).map(|(outcome, column, what)| (outcome, Note::at(self.source.record.at(column), what)))
    }

    /// Whether it runs before the main action.
    pub(super) fn is(&self, flow: Flow) -> bool {
        self.relation.is_some_and(|relation| relation.flow == flow)
    }
}
