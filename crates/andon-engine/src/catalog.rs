//! A configuration revision, compiled: what the lane decides and acts by.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use andon_act::Action;
use andon_act::template::Facts;
use andon_decide::{DecisionModel, Findings, Library};
use andon_journal::{DocumentKind, DocumentVersion, Finding};
use andon_model::{Code, Decision, Event, Lookup, Name, Problem, TableVersion, Timestamp};
use serde_json::Value;

use crate::tables::{Pinned, Tables, VersionedDecision, check_key};

/// Everything of one revision that decides and acts.
#[derive(Default)]
pub(crate) struct Catalog {
    pub(crate) revision: i64,
    tables: Arc<Tables>,
    actions: BTreeMap<Name, Arc<Pinned>>,
}

/// What all tables together say about an event.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) decisions: Vec<Decision>,
    pub(crate) wishes: Vec<Wish>,
    pub(crate) failure: Option<Problem>,
}

/// An action that a row asks for.
pub(crate) struct Wish {
    pub(crate) action: Name,
    pub(crate) output: Value,
    pub(crate) lookups: Value,
}

impl Verdict {
    /// The actions to run: each once, by the first wish for it, and those only that exist in the configuration.
    pub(crate) fn runs<'a>(&'a self, catalog: &'a Catalog) -> impl Iterator<Item = (&'a Wish, Arc<Pinned>)> {
        let is_first = |at: usize, wish: &Wish| !self.wishes[..at].iter().any(|earlier| earlier.action == wish.action);
        let first = self.wishes.iter().enumerate().filter(move |(at, wish)| is_first(*at, wish));
        first.filter_map(|(_, wish)| Some((wish, catalog.action(&wish.action)?)))
    }
}

impl Catalog {
    /// Compiles what compiles; the findings say what does not, and what a reference leads to nowhere.
    pub(crate) fn compile(revision: i64, documents: &[DocumentVersion]) -> (Self, Vec<Finding>) {
        let mut compiler =
            Compiler { documents, findings: Vec::new(), lookups: BTreeMap::new(), missed_faulty: Cell::new(false) };
        compiler.compile_lookups();
        let actions = compiler.compile_actions();
        let decisions = compiler.compile_decisions(&actions);
        let tables = Arc::new(Tables { decisions, lookups: compiler.lookups });
        let pin = |(name, action)| (name, Arc::new(Pinned { action, tables: tables.clone() }));
        let actions = actions.into_iter().map(pin).collect();
        (Self { revision, tables, actions }, compiler.findings)
    }

    pub(crate) fn action(&self, name: &Name) -> Option<Arc<Pinned>> {
        self.actions.get(name).cloned()
    }

    /// Decisions and lookups.
    pub(crate) fn tables(&self) -> &Tables {
        &self.tables
    }

    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.tables.decisions.len(), self.actions.len())
    }

    /// What is known, before any event, about the values that each action's templates see.
    pub(crate) fn facts(&self) -> BTreeMap<Name, Facts> {
        self.actions.keys().map(|action| (action.clone(), self.tables.facts(action))).collect()
    }

    /// Runs every decision's test cases.
    pub(crate) fn run_cases(&self) -> Vec<Finding> {
        let cases = self.tables.decisions.iter().flat_map(|decision| decision.model.run_cases());
        cases.map(|(severity, problem)| Finding { severity, problem }).collect()
    }

    /// Asks every table that is meant for this event. The first failure ends it: an event is never
    /// acted on by half of its tables.
    pub(crate) fn decide(&self, event: &Event, now: Timestamp) -> Verdict {
        let mut verdict = Verdict::default();
        let asked = |decision: &&VersionedDecision| decision.for_events && decision.model.matches(event);
        for decision in self.tables.decisions.iter().filter(asked) {
            match decision.model.evaluate(event) {
                Ok(evaluation) => {
                    let lookups = Value::Object(evaluation.lookups);
                    verdict.decisions.push(Decision {
                        table: decision.table.clone(),
                        revision: self.revision,
                        at: now,
                        rows: evaluation.rows,
                        actions: names(&evaluation.actions),
                    });
                    verdict.wishes.extend(evaluation.actions.into_iter().map(|(action, output)| Wish {
                        action,
                        output: evaluation.outputs.get(output).cloned().unwrap_or_default(),
                        lookups: lookups.clone(),
                    }));
                }
                Err(problem) => {
                    return Verdict { failure: Some(problem), wishes: Vec::new(), ..verdict };
                }
            }
        }
        verdict
    }
}

/// The actions in order, each once.
fn names(actions: &[(Name, usize)]) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for (name, _) in actions {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

struct Compiler<'a> {
    documents: &'a [DocumentVersion],
    findings: Vec<Finding>,
    lookups: BTreeMap<Name, Arc<Lookup>>,
    /// Whether a decision has asked for a lookup that is there but has a fault.
    missed_faulty: Cell<bool>,
}

impl<'a> Compiler<'a> {
    fn of_kind(&self, kind: DocumentKind) -> impl Iterator<Item = &'a DocumentVersion> + use<'a> {
        self.documents.iter().filter(move |version| version.document.kind == kind)
    }

    fn find(&self, kind: DocumentKind, name: &Name) -> Option<&'a DocumentVersion> {
        self.of_kind(kind).find(|version| version.document.name == *name)
    }

    fn error(&mut self, code: Code, detail: String, place: String) {
        self.findings.push(Finding::error(Problem::new(code, detail).at(place)));
    }

    fn compile_lookups(&mut self) {
        for version in self.of_kind(DocumentKind::Lookup) {
            let document = &version.document;
            match Lookup::parse_csv(&document.text) {
                Ok(lookup) => drop(self.lookups.insert(document.name.clone(), Arc::new(lookup))),
                Err(error) => {
                    let place = format!("{} line {}", document.path(), error.line);
                    self.error(Code::LookupTable, error.what, place);
                }
            }
        }
    }

    fn compile_actions(&mut self) -> BTreeMap<Name, Action> {
        let mut actions = BTreeMap::new();
        for version in self.of_kind(DocumentKind::Action) {
            let document = &version.document;
            match Action::compile(&document.name, &document.text) {
                Ok(action) => {
                    self.findings.extend(action.advice().into_iter().map(Finding::warning));
                    self.check_destinations(&action, &document.path());
                    self.check_tables(&action, &document.path());
                    actions.insert(document.name.clone(), action);
                }
                Err(problems) => self.findings.extend(problems.into_iter().map(Finding::error)),
            }
        }
        actions
    }

    fn check_destinations(&mut self, action: &Action, path: &str) {
        for name in action.destinations() {
            if self.find(DocumentKind::Destination, name).is_none() {
                let detail = format!("there is no destination {name}; add destinations/{name}.toml");
                self.error(Code::ConfigurationReference, detail, path.to_owned());
            }
        }
    }

    /// What the steps look up and ask must be there.
    fn check_tables(&mut self, action: &Action, path: &str) {
        for (name, key) in action.lookups() {
            let fault = match self.lookups.get(name) {
                Some(lookup) => check_key(name, lookup, key).err(),
                // One with a fault has been told of where the fault is.
                None if self.find(DocumentKind::Lookup, name).is_some() => None,
                None => Some(format!("there is no lookup {name}; add lookups/{name}.csv")),
            };
            if let Some(what) = fault {
                self.error(Code::ConfigurationReference, what, path.to_owned());
            }
        }
        for name in action.decisions() {
            if self.find(DocumentKind::Decision, name).is_none() {
                let detail = format!("there is no decision {name}; add decisions/{name}.toml");
                self.error(Code::ConfigurationReference, detail, path.to_owned());
            }
        }
    }

    fn compile_decisions(&mut self, actions: &BTreeMap<Name, Action>) -> Vec<VersionedDecision> {
        let mut decisions = Vec::new();
        for version in self.of_kind(DocumentKind::Decision) {
            let document = &version.document;
            self.missed_faulty.set(false);
            match DecisionModel::compile(&document.name, &document.text, self) {
                Ok(model) => {
                    self.check_decision(&model, &document.path(), actions);
                    let table = self.table_version(&document.name, &model);
                    let is_asked = actions.values().any(|action| action.decisions().any(|name| *name == document.name));
                    let for_events = !is_asked || !model.actions_named().is_empty();
                    decisions.push(VersionedDecision { table, model, for_events });
                }
                // Its faults follow from the lookup's, which has been told.
                Err(_) if self.missed_faulty.get() => {}
                Err(found) => self.take(found),
            }
        }
        self.findings.extend(crate::determine::shared_identifiers(&decisions));
        decisions
    }

    fn take(&mut self, found: Findings) {
        self.findings.extend(found.into_iter().map(|(severity, problem)| Finding { severity, problem }));
    }

    fn check_decision(&mut self, model: &DecisionModel, path: &str, actions: &BTreeMap<Name, Action>) {
        self.take(model.check());
        for name in model.actions_named() {
            // An action with a fault has been told of where the fault is.
            if !actions.contains_key(name) && self.find(DocumentKind::Action, name).is_none() {
                let detail = format!("the table asks for action {name}, which does not exist; add actions/{name}.toml");
                self.error(Code::ConfigurationReference, detail, path.to_owned());
            }
        }
    }

    fn table_version(&self, decision: &Name, model: &DecisionModel) -> TableVersion {
        let version = self.find(DocumentKind::Table, model.table()).map_or(0, |found| found.version);
        TableVersion { name: decision.clone(), version }
    }
}

impl Library for Compiler<'_> {
    fn table(&self, name: &Name) -> Option<&str> {
        self.find(DocumentKind::Table, name).map(|found| found.document.text.as_str())
    }

    fn lookup(&self, name: &Name) -> Option<Arc<Lookup>> {
        let found = self.lookups.get(name).cloned();
        if found.is_none() && self.find(DocumentKind::Lookup, name).is_some() {
            self.missed_faulty.set(true);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use andon_act::Library as _;
    use andon_journal::Document;
    use andon_testkit::first_hit_table;
    use serde_json::json;

    use super::*;

    const ASKS: &str = r#"
[[step]]
name = "place"
stage = "pre"
kind = "lookup"
lookup = "plants"
key = { plant = "1" }
[[step]]
name = "rate"
stage = "main"
kind = "decision"
table = "rating"
"#;

    fn document(kind: DocumentKind, name: &str, text: &str) -> DocumentVersion {
        DocumentVersion {
            document: Document { kind, name: Name::new(name).expect("a name"), text: text.to_owned() },
            version: 3,
            revision: 1,
            author: "anna".into(),
            at: Timestamp::default(),
        }
    }

    fn compile(action: &str, rows: &[(&str, &str)]) -> (Catalog, Vec<String>) {
        let documents = [
            document(DocumentKind::Lookup, "plants", "plant*,name\n1,Walldorf\n"),
            document(DocumentKind::Table, "rating", &first_hit_table("event.data.level", rows)),
            document(DocumentKind::Decision, "rating", "table = \"rating\"\n"),
            document(DocumentKind::Action, "ask", action),
        ];
        let (catalog, findings) = Catalog::compile(1, &documents);
        let errors = findings.into_iter().filter(|finding| finding.severity == andon_model::Severity::Error);
        (catalog, errors.map(|finding| finding.problem.to_string()).collect())
    }

    fn event() -> Event {
        Event::new("/s", "1", "t", json!({ "level": 1 }))
    }

    #[test]
    fn steps_find_their_tables() {
        let (catalog, errors) = compile(ASKS, &[("> 0", "none")]);
        assert_eq!(errors, Vec::<String>::new());
        let tables = catalog.tables.clone();
        let found = tables.decide(&Name::new("rating").expect("a name"), &event()).expect("decided");
        assert_eq!((found.table.version, found.rows.len(), found.outputs), (3, 1, vec![json!({ "action": "none" })]));
        let key = |column: &str| BTreeMap::from([(column.to_owned(), "1".to_owned())]);
        let plants = Name::new("plants").expect("a name");
        assert_eq!(tables.lookup(&plants, &key("plant")), Ok(Some(json!({ "name": "Walldorf" }))));
        assert!(tables.lookup(&plants, &key("site")).is_err());
    }

    #[test]
    fn a_table_for_steps_is_not_asked_about_events() {
        let asked =
            |rows: &[(&str, &str)]| compile(ASKS, rows).0.decide(&event(), Timestamp::default()).decisions.len();
        assert_eq!(asked(&[("> 0", "none")]), 0);
        assert_eq!(asked(&[("> 0", "ask")]), 1, "it names an action, so it decides events as well");
    }

    #[test]
    fn only_the_first_cause_is_told() {
        let check = |documents: &[(DocumentKind, &str, &str)], expect: &str| {
            let versions: Vec<_> = documents.iter().map(|(kind, name, text)| document(*kind, name, text)).collect();
            let errors: Vec<_> = Catalog::compile(1, &versions).1.iter().map(|f| f.problem.to_string()).collect();
            assert!(errors.len() == 1 && errors[0].contains(expect), "expected only {expect:?} in {errors:?}");
        };
        let table = first_hit_table("plant.name", &[("'x'", "ask"), ("", "ask")]);
        let decision = "table = \"rating\"\n[lookups.plant]\ntable = \"plants\"\nkey = [\"event.data.plant\"]\n";
        let good = [
            (DocumentKind::Lookup, "plants", "plant*,name\n1,Walldorf\n"),
            (DocumentKind::Table, "rating", table.as_str()),
            (DocumentKind::Decision, "rating", decision),
            (DocumentKind::Action, "ask", ASKS),
        ];
        let with = |at: usize, text: &'static str| {
            let mut documents = good;
            documents[at].2 = text;
            documents
        };
        check(&with(0, "plant*,name\n1,a\n1,b\n"), "lookups/plants.csv line 3");
        check(&with(3, "[[step]]\n"), "actions/ask.toml line 1");
    }

    #[test]
    fn what_steps_ask_must_be_there() {
        let check = |from: &str, to: &str, expect: &str| {
            let (_, errors) = compile(&ASKS.replace(from, to), &[("> 0", "none")]);
            assert!(errors.iter().any(|error| error.contains(expect)), "{errors:?}");
        };
        check("\"plants\"", "\"places\"", "there is no lookup places");
        check("plant =", "site =", "lookup plants is asked by its key columns: plant");
        check("\"rating\"", "\"rates\"", "there is no decision rates");
    }
}
