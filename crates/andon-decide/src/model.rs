//! A compiled decision, and what it says about an event.

use std::collections::BTreeSet;
use std::sync::Arc;

use andon_model::{Code as ProblemCode, Event, Lookup, Name, Problem, RowHit};
use serde_json::{Map, Value};
use zen_engine::model::{DecisionNodeKind, GraphContent};
use zen_expression::Variable;

use crate::cases::{self, CompiledCase};
use crate::check;
use crate::context::{self, LookupPlan};
use crate::decision_file::{self, DecisionFile, LookupUse};
use crate::expression::{Compiler, Kind, Names};
use crate::findings::{File, Findings, has_errors};
use crate::outputs::{self, NamedActions};
use crate::pattern::Filter;
use crate::table::Table;
use crate::{graph, jdm};

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

/// How the document is evaluated.
#[derive(Debug)]
enum Plan {
    /// One table and nothing else: by this crate.
    Table(Table),
    /// Anything more: by ZEN's engine.
    Graph,
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
        let lookups = compile_lookups(&file, &decision, library, &mut findings);
        let cases = cases::compile(&file, &decision.cases, &mut findings);
        let table_path = format!("tables/{}.json", decision.table.get_ref());
        let Some(table_text) = library.table(decision.table.get_ref()) else {
            let what = format!("there is no {table_path}");
            findings.push(file.error_at(ProblemCode::ConfigurationReference, &decision.table.span(), what));
            return Err(findings);
        };
        let table_file = File { path: &table_path, text: table_text };
        match compile_table(&table_file, &lookups) {
            Ok((content, plan, named)) if !has_errors(&findings) => Ok(Self {
                name: name.clone(),
                description: decision.description,
                table: decision.table.into_inner(),
                filter: decision.on,
                context_names: context_names(&lookups).into_keys().collect(),
                table_path,
                lookups,
                content,
                plan,
                named,
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
    /// Fails with [`ProblemCode::DecisionFailed`] when a lookup's key or an output of a row that hits cannot be
    /// computed, or an output does not have the form of an action's name.
    pub fn evaluate(&self, event: &Event) -> Result<Evaluation, Problem> {
        let at = |place: String| move |what: String| Problem::new(ProblemCode::DecisionFailed, what).at(place);
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

/// What expressions of the table may read.
fn context_names(lookups: &[LookupPlan]) -> Names {
    let columns = |plan: &LookupPlan| plan.lookup.value_columns().iter().cloned().collect();
    let mut names: Names = lookups.iter().map(|plan| (plan.alias.clone(), Some(columns(plan)))).collect();
    names.insert("event".to_owned(), None);
    names
}

fn compile_lookups(
    file: &File<'_>,
    decision: &DecisionFile,
    library: &dyn Library,
    findings: &mut Findings,
) -> Vec<LookupPlan> {
    let mut compiler = Compiler::new(Some([("event".to_owned(), None)].into()));
    let mut plans = Vec::new();
    for (alias, used) in &decision.lookups {
        let Some(lookup) = library.lookup(used.table.get_ref()) else {
            let what = format!("there is no lookups/{}.csv that can be used", used.table.get_ref());
            findings.push(file.error_at(ProblemCode::ConfigurationReference, &used.table.span(), what));
            continue;
        };
        let columns = lookup.key_columns();
        if columns.len() != used.key.len() {
            let what = format!(
                "the key has {} parts, but lookup {} is keyed by {}",
                used.key.len(),
                used.table.get_ref(),
                columns.join(", ")
            );
            findings.push(file.error_at(ProblemCode::ConfigurationValue, &used.table.span(), what));
        }
        let key = compile_key(file, used, &mut compiler, findings);
        plans.push(LookupPlan { alias: alias.clone(), lookup, key });
    }
    plans
}

fn compile_key(
    file: &File<'_>,
    used: &LookupUse,
    compiler: &mut Compiler,
    findings: &mut Findings,
) -> Vec<(String, crate::expression::Code)> {
    let mut key = Vec::with_capacity(used.key.len());
    for part in &used.key {
        match compiler.compile(part.get_ref(), Kind::Standard) {
            Ok(code) => key.push((part.get_ref().clone(), code)),
            Err(fault) => {
                findings.push(file.error_at(ProblemCode::ConfigurationValue, &part.span(), fault.to_string()));
            }
        }
    }
    key
}

type CompiledTable = (Arc<GraphContent>, Plan, NamedActions);

fn compile_table(file: &File<'_>, lookups: &[LookupPlan]) -> Result<CompiledTable, Findings> {
    let mut content = jdm::read(file)?;
    let names = context_names(lookups);
    let reserved: BTreeSet<String> = names.keys().cloned().collect();
    let plain = jdm::plain_table(&content).is_some();
    // In a larger document, nodes may add names and change lookups' results on the way.
    let mut compiler = Compiler::new(plain.then_some(names));
    let mut findings = Findings::new();
    let mut compiled = None;
    for (_, table, place) in jdm::tables(&content) {
        match Table::compile(table, file, &place, &mut compiler) {
            Ok(table) => compiled = Some(table),
            Err(faults) => findings.extend(faults),
        }
    }
    findings.extend(node_faults(&content, file, &mut compiler));
    if has_errors(&findings) {
        return Err(findings);
    }
    let named = outputs::inspect(&content, file, &reserved, compiler.intellisense())?;
    let plan = match (jdm::plain_table(&content), compiled) {
        (Some(source), Some(table)) => Plan::Table(table.with_index(source, compiler.intellisense())),
        _ => Plan::Graph,
    };
    if matches!(plan, Plan::Graph) {
        content.compile();
    }
    Ok((Arc::new(content), plan, named))
}

/// Faults in the expressions outside tables' cells.
fn node_faults(content: &GraphContent, file: &File<'_>, compiler: &mut Compiler) -> Findings {
    let mut findings = Findings::new();
    let mut check = |node: &str, what: &str, source: &str| {
        if !source.trim().is_empty() {
            let at = format!("node \"{node}\", {what}");
            let fault = compiler.compile(source, Kind::Standard).err();
            findings.extend(fault.map(|fault| file.error_in(&at, fault.to_string())));
        }
    };
    for node in &content.nodes {
        let attributes = match &node.kind {
            DecisionNodeKind::ExpressionNode { content } => {
                content.expressions.iter().for_each(|e| check(&node.name, &format!("key \"{}\"", e.key), &e.value));
                Some(&content.transform_attributes)
            }
            DecisionNodeKind::SwitchNode { content } => {
                content.statements.iter().for_each(|s| check(&node.name, "condition", &s.condition));
                None
            }
            DecisionNodeKind::DecisionTableNode { content } => Some(&content.transform_attributes),
            _ => None,
        };
        if let Some(field) = attributes.and_then(|attributes| attributes.input_field.as_deref()) {
            check(&node.name, "input field", field);
        }
    }
    findings
}
