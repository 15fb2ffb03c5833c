//! Scenario folders in memory: read, changed, and checked with the facts that their tables and lookups give.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use andon_act::template::{Facts, KnownRow, KnownTable, Origin};
use andon_connectors::metadata::{Services, check_types};
use andon_journal::{Document, DocumentKind, Finding};
use andon_model::{Lookup, Name};
use serde_json::Value;

/// The documents of a folder.
#[derive(Clone)]
pub(crate) struct Scenario {
    pub(crate) documents: Vec<Document>,
}

impl Scenario {
    pub(crate) fn read(folder: &Path) -> Self {
        let mut documents = Vec::new();
        for kind in DocumentKind::ALL {
            let Ok(entries) = std::fs::read_dir(folder.join(kind.folder())) else { continue };
            for entry in entries {
                let path = entry.expect("listed").path();
                let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&path).expect("readable");
                documents.push(Document { kind, name: Name::new(&stem).expect("a name"), text });
            }
        }
        Self { documents }
    }

    /// The scenario of this test.
    pub(crate) fn good() -> Self {
        Self::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/typecheck/good"))
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        &self.documents.iter().find(|document| document.path() == path).expect("there").text
    }

    /// The same with one piece of one file replaced.
    pub(crate) fn with(&self, path: &str, from: &str, to: &str) -> Self {
        assert!(self.text(path).contains(from), "{path} does not hold {from:?}");
        let mut changed = self.clone();
        for document in changed.documents.iter_mut().filter(|document| document.path() == path) {
            document.text = document.text.replacen(from, to, 1);
        }
        changed
    }

    fn of(&self, kind: DocumentKind) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |document| document.kind == kind)
    }

    pub(crate) fn check(&self) -> Vec<Finding> {
        let services = Services::read(&self.documents);
        let checked =
            self.of(DocumentKind::Action).map(|action| check_types(action, &services, &self.facts(&action.name)));
        checked.flatten().collect()
    }

    fn lookups(&self) -> BTreeMap<Name, Arc<Lookup>> {
        let read =
            |document: &Document| Some((document.name.clone(), Arc::new(Lookup::parse_csv(&document.text).ok()?)));
        self.of(DocumentKind::Lookup).filter_map(read).collect()
    }

    fn facts(&self, action: &Name) -> Facts {
        let lookups = self.lookups();
        let origins = self.of(DocumentKind::Decision).filter_map(|decision| self.origin(decision, action, &lookups));
        let tables = self.of(DocumentKind::Decision).map(|decision| (decision.name.clone(), self.table(decision)));
        Facts { origins: origins.collect(), tables: tables.collect(), lookups }
    }

    fn origin(&self, decision: &Document, action: &Name, lookups: &BTreeMap<Name, Arc<Lookup>>) -> Option<Origin> {
        let file: toml::Table = toml::from_str(&decision.text).expect("TOML");
        let KnownTable { outputs, rows } = self.table(decision);
        let rows: Vec<KnownRow> = rows.into_iter().filter(|row| row.output["action"] == action.as_str()).collect();
        let used = file.get("lookups").and_then(toml::Value::as_table).into_iter().flatten();
        let used = used.filter_map(|(alias, used)| {
            let name = Name::new(used["table"].as_str()?).ok()?;
            Some((alias.clone(), (name.clone(), lookups.get(&name)?.clone())))
        });
        let lookups = used.collect();
        (!rows.is_empty()).then(|| Origin { decision: decision.name.clone(), outputs, rows, lookups })
    }

    /// What a decision says, whoever asks.
    fn table(&self, decision: &Document) -> KnownTable {
        let file: toml::Table = toml::from_str(&decision.text).expect("TOML");
        let table = format!("tables/{}.json", file["table"].as_str().expect("a name"));
        let document: Value = serde_json::from_str(self.text(&table)).expect("JSON");
        let nodes = document["nodes"].as_array().expect("nodes");
        let content = &nodes.iter().find(|node| node["type"] == "decisionTableNode").expect("a table")["content"];
        let columns = content["outputs"].as_array().expect("outputs");
        let rules = content["rules"].as_array().expect("rules");
        let rows = rules.iter().enumerate().map(|(at, rule)| row(at + 1, rule, columns)).collect();
        let outputs = columns.iter().map(|column| column["field"].as_str().expect("a field").to_owned()).collect();
        KnownTable { outputs: Some(outputs), rows }
    }
}

/// A row: cells that are JSON are the same for every event.
fn row(number: usize, rule: &Value, columns: &[Value]) -> KnownRow {
    let mut row = KnownRow { number, ..KnownRow::default() };
    for column in columns {
        let field = column["field"].as_str().expect("a field").to_owned();
        match rule[column["id"].as_str().expect("an id")].as_str().unwrap_or("") {
            "" => {}
            cell => match serde_json::from_str(cell) {
                Ok(value) => drop(row.output.insert(field, value)),
                Err(_) => row.open.push(field),
            },
        }
    }
    row
}
