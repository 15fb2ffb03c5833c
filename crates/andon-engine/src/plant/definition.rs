//! From documents to the definition of the plant.
//!
//! `models/<name>.toml` is one model; its name is the document's unless it says another. `assets/<name>.toml` is one
//! asset, whose id is the document's name unless it says another, or a list of them under `[[assets]]`. Models are tried
//! for a new device in the order of their documents' names.

use andon_assets::definition::{AssetDefinition, ModelDefinition, PlantDefinition};
use andon_assets::{DefinitionError, Limits, Plant};
use andon_journal::{Document, DocumentKind, DocumentVersion, Finding};
use andon_model::{Code, Problem};
use serde_json::Value;

/// Where the definitions of a plant stand, by position.
#[derive(Default)]
struct Places {
    models: Vec<String>,
    assets: Vec<String>,
}

/// The definition that the documents are, and what is wrong with it. Of what follows from several documents only the
/// first fault is told.
pub(crate) fn read(documents: &[DocumentVersion], limits: Limits) -> (PlantDefinition, Vec<Finding>) {
    let (mut definition, mut places, mut findings) = (PlantDefinition::default(), Places::default(), Vec::new());
    for document in documents.iter().map(|version| &version.document) {
        let taken = match document.kind {
            DocumentKind::Model => take_model(document, &mut definition, &mut places),
            DocumentKind::Asset => take_assets(document, &mut definition, &mut places),
            _ => Ok(()),
        };
        findings.extend(taken.err().map(Finding::error));
    }
    findings.extend(lost_destinations(documents, &definition, &places));
    if findings.is_empty() {
        match Plant::new(&definition, limits) {
            Ok(plant) => {
                findings.extend(plant.doubts().into_iter().map(|doubt| Finding::warning(placed(doubt, &places))));
            }
            Err(error) => findings.push(Finding::error(placed(error, &places))),
        }
    }
    findings.extend(parents_to_come(&definition, &places));
    (definition, findings)
}

/// Models that ask a destination which is not there.
fn lost_destinations(documents: &[DocumentVersion], definition: &PlantDefinition, places: &Places) -> Vec<Finding> {
    let is_there = |name: &str| {
        let mut names = documents.iter().map(|version| &version.document);
        names.any(|document| document.kind == DocumentKind::Destination && document.name.as_str() == name)
    };
    let models = definition.models.iter().zip(&places.models);
    let lost = models.filter_map(|(model, place)| {
        let destination = &model.links.as_ref()?.destination;
        let detail = format!("there is no destination {destination}");
        let problem = || Problem::new(Code::ConfigurationReference, detail).at(format!("{place} links.destination"));
        (!is_there(destination)).then(problem)
    });
    lost.map(Finding::error).collect()
}

/// Models that put their assets under one that no document defines: a reading may create it.
fn parents_to_come(definition: &PlantDefinition, places: &Places) -> Vec<Finding> {
    let models = definition.models.iter().zip(&places.models);
    let to_come = models.filter_map(|(model, place)| {
        let parent = model.discover.as_ref()?.parent.as_ref()?;
        let detail = format!("no document defines the asset {}: until it is there, nothing is under it", parent.asset);
        let problem = || Problem::new(Code::ConfigurationReference, detail).at(format!("{place} discover.parent"));
        let is_there = definition.assets.iter().any(|asset| asset.id == parent.asset);
        (!is_there).then(problem)
    });
    to_come.map(Finding::warning).collect()
}

fn take_model(document: &Document, into: &mut PlantDefinition, places: &mut Places) -> Result<(), Problem> {
    let mut value = parse(document)?;
    name_it(&mut value, ["name", "assetModelName"], document);
    let model = ModelDefinition::read(&value, ROOT).map_err(|error| within(error, ROOT, &document.path()))?;
    into.models.push(model);
    places.models.push(document.path());
    Ok(())
}

fn take_assets(document: &Document, into: &mut PlantDefinition, places: &mut Places) -> Result<(), Problem> {
    let mut value = parse(document)?;
    let Some(list) = value.get("assets") else {
        name_it(&mut value, ["id", "assetId"], document);
        return take_asset(&value, document.path(), into, places);
    };
    let list = list.as_array().cloned();
    let is_list_alone = value.as_object().is_some_and(|members| members.len() == 1);
    let Some(list) = list.filter(|_| is_list_alone) else {
        let detail = "a file has one asset, or a list of them under [[assets]] and nothing else";
        return Err(Problem::new(Code::ConfigurationSyntax, detail).at(document.path()));
    };
    for (at, value) in list.iter().enumerate() {
        take_asset(value, format!("{} assets[{at}]", document.path()), into, places)?;
    }
    Ok(())
}

fn take_asset(value: &Value, place: String, into: &mut PlantDefinition, places: &mut Places) -> Result<(), Problem> {
    let asset = AssetDefinition::read(value, ROOT).map_err(|error| within(error, ROOT, &place))?;
    into.assets.push(asset);
    places.assets.push(place);
    Ok(())
}

/// Path of what is read; replaced by the document's.
const ROOT: &str = "$";

fn parse(document: &Document) -> Result<Value, Problem> {
    toml::from_str(&document.text).map_err(|error| {
        let line = error.span().map(|span| line_of(&document.text, span.start));
        let place = line.map_or_else(|| document.path(), |line| format!("{} line {line}", document.path()));
        Problem::new(Code::ConfigurationSyntax, error.message()).at(place)
    })
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

/// Gives what has no name under any of `keys` that of its document.
fn name_it(value: &mut Value, keys: [&str; 2], document: &Document) {
    if let Some(members) = value.as_object_mut()
        && !keys.iter().any(|key| members.contains_key(*key))
    {
        members.insert(keys[0].to_owned(), document.name.to_string().into());
    }
}

/// A fault at the place where it stands: `models[0].properties[1].name` is `models/press.toml properties[1].name`.
fn placed(error: DefinitionError, places: &Places) -> Problem {
    let found = [("models[", &places.models), ("assets[", &places.assets)].into_iter().find_map(|(list, places)| {
        let (at, _) = error.path.strip_prefix(list)?.split_once(']')?;
        Some((format!("{list}{at}]"), places.get(at.parse::<usize>().ok()?)?.clone()))
    });
    match found {
        Some((path, place)) => within(error, &path, &place),
        None => Problem::from(error),
    }
}

fn within(error: DefinitionError, path: &str, place: &str) -> Problem {
    let rest = error.path.strip_prefix(path).unwrap_or_default().trim_start_matches('.');
    let place = if rest.is_empty() { place.to_owned() } else { format!("{place} {rest}") };
    Problem::from(error).at(place)
}

#[cfg(test)]
mod tests {
    use andon_model::{Name, Timestamp};

    use super::*;

    const PRESS: &str = "[discover]\ntopics = [\"plant/{device}\"]\n[[properties]]\nname = \"temperature\"\n\
        data_type = \"DOUBLE\"\ntype = { measurement = {} }\n";

    fn version(kind: DocumentKind, name: &str, text: &str) -> DocumentVersion {
        let document = Document { kind, name: Name::new(name).expect("a name"), text: text.to_owned() };
        DocumentVersion { document, version: 1, revision: 1, author: String::new(), at: Timestamp::default() }
    }

    fn found(documents: &[(DocumentKind, &str, &str)]) -> (PlantDefinition, Vec<String>) {
        let documents: Vec<_> = documents.iter().map(|(kind, name, text)| version(*kind, name, text)).collect();
        let (definition, findings) = read(&documents, Limits::default());
        (definition, findings.into_iter().map(|finding| finding.problem.to_string()).collect())
    }

    fn refused(kind: DocumentKind, text: &str, place: &str) {
        let (_, found) = found(&[(DocumentKind::Model, "press", PRESS), (kind, "x", text)]);
        assert!(found.len() == 1 && found[0].contains(place), "expected {place:?} in {found:?}");
    }

    #[test]
    fn documents_name_what_they_define() {
        let one = (DocumentKind::Asset, "press-1", "model = \"press\"\n");
        let list = "[[assets]]\nid = \"a\"\nmodel = \"press\"\n[[assets]]\nid = \"b\"\nmodel = \"press\"\n";
        let (definition, faults) =
            found(&[(DocumentKind::Model, "press", PRESS), one, (DocumentKind::Asset, "some", list)]);
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(definition.models[0].name, "press");
        assert_eq!(definition.assets.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), ["press-1", "a", "b"]);
    }

    #[test]
    fn faults_name_their_place() {
        refused(DocumentKind::Model, "[[properties]\n", "models/x.toml line 1");
        refused(DocumentKind::Model, "colour = 1\n", "models/x.toml");
        refused(DocumentKind::Model, "name = \"press\"\n", "models/x.toml name");
        let links = "[links]\ndestination = \"s4\"\nfield = \"InventoryNumber\"\nvalue = \"{device}\"\n";
        refused(DocumentKind::Model, links, "models/x.toml links.destination");
        let parent = "[discover]\nparent = { asset = \"hall\", hierarchy = \"presses\" }\n";
        refused(DocumentKind::Model, parent, "models/x.toml discover.parent");
        refused(DocumentKind::Asset, "model = \"mill\"\n", "assets/x.toml model");
        refused(DocumentKind::Asset, "assets = 1\n", "assets/x.toml");
        let two = "[[assets]]\nid = \"a\"\nmodel = \"press\"\n[[assets]]\nid = \"b\"\n";
        refused(DocumentKind::Asset, two, "assets/x.toml assets[1]");
    }
}
