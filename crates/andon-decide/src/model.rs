//! A compiled decision, and what it says about an event.

use std::collections::BTreeSet;
use std::sync::Arc;

use andon_model::{Code, Event, Lookup, Name, Problem, RowHit};
use serde_json::{Map, Value};
use zen_engine::model::GraphContent;
use zen_expression::Variable;

use crate::cases::{self, CompiledCase};
use crate::compile::{self, Plan};
use crate::context::{self, LookupPlan};
use crate::findings::{File, Findings, has_errors};
use crate::outputs::{self, NamedActions};
use crate::pattern::Filter;
use crate::{check, decision_file, graph};

/// What an output's object is called unless the decision says otherwise: the name in SAP's samples.
const RESULT_OBJECT: &str = "ActionInfo";

/// The configuration around a decision: what its file names.
pub trait Library {
    /// The text of `tables/<name>.json`.
    fn table(&self, name: &Name) -> Option<&str>;

    /// The lookup of `lookups/<name>.csv`.
    fn lookup(&self, name: &Name) -> Option<Arc<Lookup>>;
}

/// What a decision said about an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The rows that hit, in order, with what their columns saw.
    pub rows: Vec<RowHit>,
    /// The outputs: one per hit; of a document with several nodes, its result.
    pub outputs: Vec<Value>,
    /// The actions asked for, in order and without repetition, each with the position of its output in `outputs`.
    pub actions: Vec<(Name, usize)>,
    /// Results of the lookups by name; `null` where the key is not listed.
    pub lookups: Map<String, Value>,
}

/// A decision that has been compiled with its table and lookups. Immutable; threads may share it.
#[derive(Debug)]
pub struct DecisionModel {
    name: Name,
    description: String,
    rule_service_id: Option<String>,
    result_object: Option<String>,
    table: Name,
    table_path: String,
    filter: Filter,
    lookups: Vec<LookupPlan>,
    context_names: BTreeSet<String>,
    content: Arc<GraphContent>,
    plan: Plan,
    named: NamedActions,
    cases: Vec<CompiledCase>,
}

impl DecisionModel {
    /// Compiles `decisions/<name>.toml` with what it names in the library.
    ///
    /// Returns every fault found, each with its place, when the decision cannot be used.
    pub fn compile(name: &Name, text: &str, library: &dyn Library) -> Result<Self, Findings> {
        let path = format!("decisions/{name}.toml");
        let file = File { path: &path, text };
        let decision = decision_file::read(&file)?;
        let mut findings = Findings::new();
        let lookups = compile::lookups(&file, &decision, library, &mut findings);
        let cases = cases::compile(&file, &decision.cases, &mut findings);
        let table_path = format!("tables/{}.json", decision.table.get_ref());
        let Some(table_text) = library.table(decision.table.get_ref()) else {
            let what = format!("there is no {table_path}");
            findings.push(file.error_at(Code::ConfigurationReference, &decision.table.span(), what));
            return Err(findings);
        };
        let table_file = File { path: &table_path, text: table_text };
        match compile::table(&table_file, &lookups) {
            Ok(table) if !has_errors(&findings) => Ok(Self {
                name: name.clone(),
                description: decision.description,
                rule_service_id: decision.rule_service_id.map(|id| id.into_inner().to_ascii_lowercase()),
                result_object: decision.result_object.map(toml::Spanned::into_inner),
                table: decision.table.into_inner(),
                filter: decision.on,
                context_names: compile::context_names(&lookups).into_keys().collect(),
                content: table.content,
                plan: table.plan,
                named: table.named,
                table_path,
                lookups,
                cases,
            }),
            Ok(_) => Err(findings),
            Err(faults) => Err(findings.into_iter().chain(faults).collect()),
        }
    }

    /// Name of the decision.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What the decision is for, in its author's words.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The identifier, 32 lower-case hexadecimal digits, under which rule services ask it beside its name.
    pub fn rule_service_id(&self) -> Option<&str> {
        self.rule_service_id.as_deref()
    }

    /// What rule services call the object that holds an output.
    pub fn result_object(&self) -> &str {
        self.result_object.as_deref().unwrap_or(RESULT_OBJECT)
    }

    /// Name of its table.
    pub fn table(&self) -> &Name {
        &self.table
    }

    /// Whether the decision is for this event.
    pub fn matches(&self, event: &Event) -> bool {
        self.filter.accepts(event)
    }

    /// The actions that the table's cells name; a name that is computed from the event is not among them.
    pub fn actions_named(&self) -> &BTreeSet<Name> {
        &self.named.names
    }

    /// Decides an event, whether [`Self::matches`] it or not. The same event gives the same result (invariant C1).
    ///
    /// Fails with [`Code::DecisionFailed`] when a lookup's key or an output of a row that hits cannot be
    /// computed, or an output does not have the form of an action's name.
    pub fn evaluate(&self, event: &Event) -> Result<Evaluation, Problem> {
        let at = |place: String| move |what: String| Problem::new(Code::DecisionFailed, what).at(place);
        let (context, lookups) =
            context::build(event, &self.lookups).map_err(at(format!("decisions/{}.toml", self.name)))?;
        let (rows, outputs) = self.hits(context).map_err(at(self.table_path.clone()))?;
        let actions = outputs::actions(&outputs).map_err(at(self.table_path.clone()))?;
        Ok(Evaluation { rows, outputs, actions, lookups })
    }

    fn hits(&self, context: Variable) -> Result<(Vec<RowHit>, Vec<Value>), String> {
        match &self.plan {
            Plan::Table(table) => {
                let rows = table.evaluate(&context).map_err(|fault| fault.to_string())?;
                let outputs = rows.iter().map(|row| row.output.clone()).collect();
                Ok((rows, outputs))
            }
            Plan::Graph => {
                let found = graph::evaluate(&self.content, context)?;
                Ok((found.rows, outputs::of_result(found.result, &self.context_names)?))
            }
        }
    }

    pub(crate) fn content(&self) -> &GraphContent {
        &self.content
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn lookup_plans(&self) -> &[LookupPlan] {
        &self.lookups
    }

    /// Looks for what is legal but probably not meant: rows that can never hit, inputs that no row covers, rows whose
    /// order matters, rows that put out nothing, actions whose names are computed.
    pub fn check(&self) -> Findings {
        let file = File { path: &self.table_path, text: "" };
        let mut findings = check::table(&self.content, &file, &self.lookups, matches!(self.plan, Plan::Graph));
        for place in &self.named.computed {
            let what = "the action's name is computed, so whether it exists shows only when an event comes";
            findings.push(file.warning_in(place, what));
        }
        findings
    }

    /// Runs the decision's own test cases; a finding for each that fails.
    pub fn run_cases(&self) -> Findings {
        self.cases.iter().filter_map(|case| case.run(self)).collect()
    }
}
