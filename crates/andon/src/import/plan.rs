//! Names and order: which actions there are, of which steps, and what each identifier is called.

use std::collections::BTreeMap;

use super::brought::{self, Brought};
use super::framework::{Category, Flow, Framework, Relation, SourceAction};
use super::names::{self, Names};
use super::records::Records;
use super::report::{Entry, Note, Outcome, Report};
use super::role::{Readers, Role};
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
    pub(super) becomes: Becomes,
}

/// What a step becomes, with the lines that only its kind has.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    /// A request by HTTP or `OData`.
    Request,
    /// `decision` at a destination.
    Rules,
    /// `lookup`.
    Lookup(String),
    /// `decision` by a table.
    Table(String),
    /// `summary`; with what it has no counterpart for.
    Summary(String, Vec<String>),
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
    /// Tables beside the one of the decision.
    pub(super) brought: Vec<Brought<'a>>,
}

impl<'a> Plan<'a> {
    /// Names and orders everything; actions that nothing uses are reported.
    pub(super) fn of(framework: &'a Framework, records: &'a Records, report: &mut Report) -> Self {
        let id_path = framework.default_action().and_then(|action| action.id_path.as_deref());
        let attribute = id_path.and_then(|path| path.rsplit('.').next()).filter(|a| !a.is_empty());
        let action_attribute = attribute.unwrap_or(ACTION_ATTRIBUTE).to_owned();
        let sheet = records.sheets.iter().find(|sheet| super::table::names_actions(sheet, &action_attribute));
        let stem = sheet.map(|sheet| super::table::stem(&sheet.file));
        let decision = Names::default().give(stem.unwrap_or("decide"), "decide");
        let brought = brought::all(framework, records, &action_attribute, &decision);
        let (mut names, mut actions) = (Names::default(), Vec::new());
        for source in framework.actions.iter().filter(|action| action.category == Category::Main) {
            let name = names.give(&source.name, "action");
            report_second_name(source, &name, report);
            let steps = steps(source, framework, &brought, [&decision, &action_attribute]);
            actions.push(PlannedAction { name, source, steps });
        }
        report_unused(framework, report);
        let destinations = destinations(&actions);
        Self { actions, destinations, decision, action_attribute, brought }
    }

    /// The name of an action by its identifier.
    pub(super) fn action_name(&self, id: &str) -> Option<&str> {
        let found = self.actions.iter().find(|action| action.source.id.eq_ignore_ascii_case(id));
        found.map(|action| action.name.as_str())
    }
}

/// Templates and people know an action by its name: that a second one has it as well must not be overlooked.
fn report_second_name(source: &SourceAction, name: &str, report: &mut Report) {
    if !name.is_empty() && names::slug(&source.name) != name {
        let entry = Entry::new("name", &source.name, &source.record.place).became(format!("actions/{name}.toml"));
        report.add(
            entry.but(Outcome::Adapted, format!("the name is taken or cannot stand as it is: it is called {name}")),
        );
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
    for step in actions.iter().flat_map(|action| &action.steps).filter(|step| step.sends()) {
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
    brought: &[Brought<'a>],
    [decision, attribute]: [&str; 2],
) -> Vec<PlannedStep<'a>> {
    let mut names = Names::default();
    let related = framework.relations.iter().filter(|relation| relation.root == main.id);
    let related = related.filter_map(|relation| Some((Some(relation), framework.action(&relation.action)?)));
    let family: Vec<_> = std::iter::once((None, main)).chain(related).collect();
    let readers = Readers {
        bodies: family.iter().filter_map(|(_, source)| source.payload.as_deref()).collect(),
        paths: family.iter().map(|(_, source)| source.path.as_str()).collect(),
    };
    let chosen: Vec<Chosen<'_, 'a>> = family
        .iter()
        .map(|(relation, source)| {
            let ids = [relation.map_or("", |relation: &Relation| relation.id.as_str()), &source.id];
            let role = Role::of(source, brought, ids, &readers);
            Chosen { name: names.give(&source.name, "step"), relation: *relation, source, ids, role }
        })
        .collect();
    let scope = Scope { steps: chosen.iter().map(Chosen::answering).collect(), decision, action_attribute: attribute };
    let steps = chosen.iter().map(|chosen| chosen.planned(&scope)).collect();
    order(steps)
}

/// A step before its templates are rewritten.
struct Chosen<'b, 'a> {
    name: String,
    relation: Option<&'a Relation>,
    source: &'a SourceAction,
    ids: [&'a str; 2],
    role: Role<'b, 'a>,
}

impl<'a> Chosen<'_, 'a> {
    fn stage(&self) -> &'static str {
        self.relation.map_or("main", |relation| relation.flow.as_str())
    }

    fn answering(&self) -> Answering<'_> {
        Answering { stage: self.stage(), ids: self.ids, name: &self.name, reading: self.role.reading() }
    }

    fn planned(&self, scope: &Scope<'_>) -> PlannedStep<'a> {
        let source = self.source;
        let path = scope.rewrite(&source.path);
        let rewrite = |text: &str| scope.rewrite(text).text;
        let becomes = match &self.role {
            Role::Request => Becomes::Request,
            Role::Rules => Becomes::Rules,
            Role::Row(table) => Becomes::Lookup(table.question(source, rewrite)),
            Role::Table(table) => Becomes::Table(table.question(source, rewrite)),
            Role::Summary(call) => {
                Becomes::Summary(call.lines(&normal_path(&path.text), rewrite), call.dropped.clone())
            }
        };
        let body = source.payload.as_deref().map(|payload| scope.rewrite(payload.trim()));
        PlannedStep {
            name: self.name.clone(),
            stage: self.stage(),
            source,
            relation: self.relation,
            path,
            body,
            becomes,
        }
    }
}

/// The framework joins a path to the destination's address; here it begins with a slash.
pub(super) fn normal_path(path: &str) -> String {
    let path = path.trim();
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
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
        // Steps that read each other have no order: the first one goes on, and says so.
        let next = steps.iter().position(|step| step.stage == stage && !waits(step));
        let mut step = steps.remove(next.unwrap_or(0));
        if next.is_none() {
            let what = "this action and others of its stage read each other's answers: none can be first; take one reading out";
            step.path.notes.push((Outcome::Open, what.to_owned()));
        }
        ordered.push(step);
    }
    ordered
}

impl PlannedStep<'_> {
    fn reads(&self) -> impl Iterator<Item = &String> {
        self.path.reads.iter().chain(self.body.iter().flat_map(|body| &body.reads))
    }

    /// Whether it needs a destination.
    pub(super) const fn sends(&self) -> bool {
        !matches!(self.becomes, Becomes::Lookup(_) | Becomes::Table(_))
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
