//! The framework's configuration, typed: identifiers of methods, content types and flow types are resolved.

use super::records::{Entity, Record, Records};
use super::report::{Entry, Note, Outcome, Report};

/// Identifiers of the methods that every installation of the framework is delivered with.
const DELIVERED_METHODS: [(&str, &str); 5] = [
    ("d22d9f12-3e2f-4640-ad42-74818cb7d649", "GET"),
    ("4eaa8eda-1329-4cb8-8d19-174c2e06cd3f", "POST"),
    ("ebda733c-b584-436d-8377-d713245dbb50", "PUT"),
    ("3eb26cf5-5ebd-4429-a76f-1c74522130a9", "DELETE"),
    ("d1bbe4b1-4610-46eb-8f0d-53ea5d3c7dca", "PATCH"),
];

/// The same for flow types.
const DELIVERED_FLOWS: [(&str, Flow); 2] =
    [("5afa4651-b380-4ece-b668-6b1a27bbc2b0", Flow::Pre), ("6be2eb90-575a-4e28-92d2-53488b49fbf6", Flow::Post)];

/// What an action is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    /// Asks the decision service which main action it is.
    Default,
    /// The business action.
    Main,
    /// Runs before or after one.
    Child,
}

/// Before or after the main action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flow {
    Pre,
    Post,
}

impl Flow {
    /// The word of templates and of Andon's stages.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Post => "post",
        }
    }
}

/// An action.
#[derive(Debug, Clone)]
pub(super) struct SourceAction {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) category: Category,
    /// Name of the destination.
    pub(super) destination: String,
    /// Upper case.
    pub(super) method: String,
    pub(super) path: String,
    /// Media type.
    pub(super) content_type: Option<String>,
    pub(super) payload: Option<String>,
    pub(super) csrf: bool,
    /// Default action: where its answer names the main action, as in `Result[0].ActionInfo.ActionId`.
    pub(super) id_path: Option<String>,
    /// Where it stands.
    pub(super) record: Record,
}

/// A main action has a pre or post action.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub(super) id: String,
    pub(super) flow: Flow,
    pub(super) root: String,
    pub(super) action: String,
    pub(super) record: Record,
}

/// The configuration.
#[derive(Debug, Default)]
pub(super) struct Framework {
    pub(super) actions: Vec<SourceAction>,
    pub(super) relations: Vec<Relation>,
    /// Rows of the destination service as the framework lists them.
    pub(super) destinations: Vec<Record>,
}

impl Framework {
    /// An action by its identifier.
    pub(super) fn action(&self, id: &str) -> Option<&SourceAction> {
        self.actions.iter().find(|action| action.id.eq_ignore_ascii_case(id))
    }

    /// The default action.
    pub(super) fn default_action(&self) -> Option<&SourceAction> {
        self.actions.iter().find(|action| action.category == Category::Default)
    }
}

/// Resolves the rows; those that cannot be are reported and left out.
pub(super) fn resolve(records: &Records, report: &mut Report) -> Framework {
    let mut framework = Framework { destinations: records.of(Entity::Destinations).to_vec(), ..Framework::default() };
    for record in records.of(Entity::Actions) {
        add_action(&mut framework, record, records, report);
    }
    for record in records.of(Entity::Relations) {
        match relation(record, records, &framework) {
            Ok(relation) => framework.relations.push(relation),
            Err(note) => skip(report, "related action", record, note),
        }
    }
    for record in records.of(Entity::Types) {
        let entry = Entry::new("action type", record.get("name").unwrap_or_default(), &record.place);
        let what = "a type only fills the form of an action; its values already stand in the actions";
        report.add(entry.but(Outcome::NotNeeded, what));
    }
    if let Some(first) = records.of(Entity::Logs).first() {
        let entry = Entry::new("log", "logs", &first.place);
        report.add(entry.but(Outcome::NotNeeded, "what has happened is no configuration; keep it where it is"));
    }
    framework
}

fn skip(report: &mut Report, object: &'static str, record: &Record, note: Note) {
    let name = record.get("name").or_else(|| record.get("id")).unwrap_or_default();
    let mut entry = Entry::new(object, name, &record.place);
    entry.note(Outcome::Skipped, note);
    report.add(entry);
}

fn add_action(framework: &mut Framework, record: &Record, records: &Records, report: &mut Report) {
    let added = match action(record, records) {
        Ok(action) if framework.action(&action.id).is_some() => {
            Err(Note::at(record.at("ID"), "an earlier row has the same identifier"))
        }
        Ok(action) if action.category == Category::Default && framework.default_action().is_some() => {
            Err(Note::at(&record.place, "there is an earlier default action; the framework has one"))
        }
        other => other,
    };
    match added {
        Ok(action) => framework.actions.push(action),
        Err(note) => skip(report, "action", record, note),
    }
}

fn action(record: &Record, records: &Records) -> Result<SourceAction, Note> {
    let needed = |column: &str| record.get(column).ok_or_else(|| Note::at(record.at(column), "the cell is empty"));
    if record.get("isactiveentity") == Some("false") {
        return Err(Note::at(record.at("IsActiveEntity"), "a draft that was never saved"));
    }
    let id = needed("ID")?.to_owned();
    Ok(SourceAction {
        name: record.get("name").unwrap_or(&id).to_owned(),
        description: record.get("descr").unwrap_or_default().to_owned(),
        category: category(record)?,
        destination: record
            .get("dest")
            .or_else(|| record.get("destination_name"))
            .map_or_else(|| needed("dest"), Ok)?
            .to_owned(),
        method: method(record, records)?,
        path: record.get("path").unwrap_or_default().to_owned(),
        content_type: content_type(record, records)?,
        payload: record.raw("payload").filter(|payload| !payload.trim().is_empty()).map(str::to_owned),
        csrf: is_true(record)?,
        id_path: record.get("defaultActionIdPath").map(str::to_owned),
        record: record.clone(),
        id,
    })
}

fn category(record: &Record) -> Result<Category, Note> {
    match record.get("actionCategory_id") {
        Some("ROOT") => Ok(Category::Main),
        Some("CHILD") => Ok(Category::Child),
        Some("DEFAULT") => Ok(Category::Default),
        other => {
            let what = format!("{:?} is no category; known are DEFAULT, ROOT and CHILD", other.unwrap_or_default());
            Err(Note::at(record.at("actionCategory_id"), what))
        }
    }
}

fn method(record: &Record, records: &Records) -> Result<String, Note> {
    if let Some(name) = record.get("method_name") {
        return Ok(name.to_ascii_uppercase());
    }
    let id = record.get("method_ID").ok_or_else(|| Note::at(record.at("method_ID"), "the cell is empty"))?;
    let delivered = DELIVERED_METHODS.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)).map(|(_, name)| *name);
    let method = find(records, Entity::Methods, id).and_then(|row| row.get("name")).or(delivered);
    method.map(str::to_ascii_uppercase).ok_or_else(|| {
        Note::at(record.at("method_ID"), format!("no method has the identifier {id}; export Methods too"))
    })
}

fn content_type(record: &Record, records: &Records) -> Result<Option<String>, Note> {
    let Some(id) = record.get("contentType_id") else { return Ok(None) };
    let exported = find(records, Entity::ContentTypes, id).and_then(|row| row.get("descr"));
    match exported.or_else(|| record.get("contentType_descr")).unwrap_or(id) {
        "JSON" => Ok(Some("application/json".into())),
        "XML" => Ok(Some("application/xml".into())),
        media_type if media_type.contains('/') => Ok(Some(media_type.to_owned())),
        _ => Err(Note::at(record.at("contentType_id"), format!("{id} is no content type; export ContentTypes too"))),
    }
}

fn is_true(record: &Record) -> Result<bool, Note> {
    match record.get("isCsrfTokenNeeded").map(str::to_ascii_lowercase).as_deref() {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => Err(Note::at(record.at("isCsrfTokenNeeded"), format!("{other:?} is neither true nor false"))),
    }
}

fn relation(record: &Record, records: &Records, framework: &Framework) -> Result<Relation, Note> {
    let needed = |column: &str| record.get(column).ok_or_else(|| Note::at(record.at(column), "the cell is empty"));
    let action_in = |column: &str, category: Category| {
        let id = needed(column)?;
        let found = framework.action(id).filter(|action| action.category == category);
        found.map(|action| action.id.clone()).ok_or_else(|| {
            let what = format!("{id} is not among the {} actions that were read", words(category));
            Note::at(record.at(column), what)
        })
    };
    Ok(Relation {
        id: record.get("ID").unwrap_or_default().to_owned(),
        flow: flow(record, records)?,
        root: action_in("rootAction_ID", Category::Main)?,
        action: action_in("action_ID", Category::Child)?,
        record: record.clone(),
    })
}

const fn words(category: Category) -> &'static str {
    match category {
        Category::Default => "default",
        Category::Main => "main",
        Category::Child => "pre and post",
    }
}

fn flow(record: &Record, records: &Records) -> Result<Flow, Note> {
    let id = record.get("flowType_ID").unwrap_or_default();
    let row = find(records, Entity::FlowTypes, id);
    let word = row.and_then(|row| row.get("flowId").or_else(|| row.get("flowName")));
    let word = word.or_else(|| record.get("flowType_flowId")).unwrap_or(id).to_ascii_lowercase();
    let delivered = DELIVERED_FLOWS.iter().find(|(known, _)| known.eq_ignore_ascii_case(id)).map(|(_, flow)| *flow);
    match word.as_str() {
        word if word.starts_with("pre-") || word.starts_with("pre ") => Ok(Flow::Pre),
        word if word.starts_with("post-") || word.starts_with("post ") => Ok(Flow::Post),
        _ => delivered.ok_or_else(|| {
            Note::at(record.at("flowType_ID"), format!("{id:?} is neither a pre nor a post flow; export flowTypes too"))
        }),
    }
}

fn find<'a>(records: &'a Records, entity: Entity, id: &str) -> Option<&'a Record> {
    records.of(entity).iter().find(|row| row.get("id").is_some_and(|known| known.eq_ignore_ascii_case(id)))
}
