//! Making assets.

use std::collections::BTreeMap;
use std::sync::Arc;

use andon_model::Timestamp;

use super::state::{Asset, State};
use crate::alarm::AlarmRecord;
use crate::definition::{AssetDefinition, Links, ParentDefinition};
use crate::error::DefinitionError;
use crate::limits::Limits;
use crate::live::PropertyState;
use crate::model::{DEVICE, Discover, Model, Models, Property, Source};
use crate::pattern::{Captures, Template};
use crate::value::{Point, Scalar};

/// Longest id of an asset, in bytes.
const MAX_ID_BYTES: usize = 256;

/// What an asset is made of.
pub(super) struct Making {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) model: usize,
    pub(super) device: String,
    pub(super) links: Links,
    pub(super) captures: Captures,
    pub(super) attributes: BTreeMap<String, Scalar>,
    pub(super) defined: bool,
    /// The time that its attributes have.
    pub(super) at: Timestamp,
}

/// Whether a text can be an asset's id.
pub(super) fn is_id(id: &str) -> bool {
    !id.trim().is_empty() && id.len() <= MAX_ID_BYTES && !id.chars().any(char::is_control)
}

/// What is wrong with names in SAP, if anything.
pub(super) fn check_links(links: &Links) -> Result<(), String> {
    let fits = |text: &Option<String>, most: usize| {
        text.as_ref().is_none_or(|text| !text.trim().is_empty() && text.chars().count() <= most)
    };
    if !fits(&links.equipment, 18) {
        return Err("an equipment has 1 to 18 characters".into());
    }
    if !fits(&links.functional_location, 40) {
        return Err("a functional location has 1 to 40 characters".into());
    }
    Ok(())
}

/// What a model calls an asset that a reading creates: its name, and its names in SAP.
pub(super) fn called(discover: &Discover, captures: &Captures) -> (Option<String>, Links) {
    let fill = |template: &Option<Template>| template.as_ref()?.fill(captures);
    let links =
        Links { equipment: fill(&discover.equipment), functional_location: fill(&discover.functional_location) };
    let links = if check_links(&links).is_ok() { links } else { Links::default() };
    (fill(&discover.name), links)
}

/// Makes the defined assets, then hangs them under their parents.
pub(super) fn define(
    models: &Models,
    state: &mut State,
    definitions: &[AssetDefinition],
    limits: &Limits,
) -> Result<(), DefinitionError> {
    state.routes.clear();
    for (at, definition) in definitions.iter().enumerate() {
        let path = format!("assets[{at}]");
        if state.assets.len() >= limits.assets {
            return Err(DefinitionError::value(path, format!("there are more than {} assets", limits.assets)));
        }
        let making = check(models, state, &path, definition)?;
        make(models, state, making);
    }
    for (at, definition) in definitions.iter().enumerate() {
        let Some(parent) = &definition.parent else { continue };
        let Some(asset) = state.index.get(definition.id.as_str()).copied() else { continue };
        hang(models, state, asset, parent)
            .map_err(|what| DefinitionError::reference(format!("assets[{at}].parent"), what))?;
    }
    Ok(())
}

fn check(models: &Models, state: &State, path: &str, definition: &AssetDefinition) -> Result<Making, DefinitionError> {
    let AssetDefinition { id, name, model, device, equipment, functional_location, attributes, .. } =
        definition.clone();
    if !is_id(&id) {
        return Err(DefinitionError::value(
            format!("{path}.id"),
            format!("an id has 1 to {MAX_ID_BYTES} bytes of text"),
        ));
    }
    if state.index.contains_key(id.as_str()) {
        return Err(DefinitionError::value(format!("{path}.id"), format!("{id} stands here a second time")));
    }
    let found = models.named(&model);
    let model = found
        .ok_or_else(|| DefinitionError::reference(format!("{path}.model"), format!("there is no model {model}")))?;
    let device = device.unwrap_or_else(|| id.clone());
    if state.devices.contains_key(device.as_str()) {
        let what = format!("{device} reports for another asset already");
        return Err(DefinitionError::value(format!("{path}.device"), what));
    }
    let links = Links { equipment, functional_location };
    check_links(&links).map_err(|what| DefinitionError::value(path, what))?;
    check_attributes(&models.all[model], path, &attributes)?;
    let captures = [(DEVICE.to_owned(), device.clone())].into();
    Ok(Making { id, name, model, device, links, captures, attributes, defined: true, at: state.now })
}

fn check_attributes(model: &Model, path: &str, attributes: &BTreeMap<String, Scalar>) -> Result<(), DefinitionError> {
    for (name, value) in attributes {
        let path = format!("{path}.attributes.{name}");
        let property = model.property(name).map(|at| &model.properties[at]);
        let property = property.filter(|property| matches!(property.source, Source::Attribute { .. }));
        let Some(property) = property else {
            return Err(DefinitionError::reference(path, format!("{} has no such attribute", model.name)));
        };
        if property.data_type.accept(value.given()).is_none() {
            return Err(DefinitionError::value(path, format!("is no value of type {:?}", property.data_type)));
        }
    }
    Ok(())
}

/// Makes an asset; its id must be free. Returns its position.
pub(super) fn make(models: &Models, state: &mut State, making: Making) -> usize {
    let model = &models.all[making.model];
    let (asset, at) = (state.assets.len(), making.at);
    let id: Arc<str> = making.id.into();
    let device: Arc<str> = making.device.into();
    let aliases = aliases(model, &making.captures, state);
    for (property, alias) in &aliases {
        state.aliases.insert(Arc::clone(alias), (asset, *property));
    }
    let value = |property: &Property| first_value(property, &making.captures, &making.attributes, at);
    state.index.insert(Arc::clone(&id), asset);
    state.devices.entry(Arc::clone(&device)).or_insert(asset);
    state.assets.push(Asset {
        name: making.name.map_or_else(|| Arc::clone(&id), Arc::from),
        id,
        model: making.model,
        device,
        links: making.links,
        linked: false,
        found: Links::default(),
        parent: None,
        parts: Vec::new(),
        defined: making.defined,
        aliases,
        properties: model.properties.iter().map(value).collect(),
        alarms: model.alarms.iter().map(|alarm| AlarmRecord::new(alarm.definition.enabled)).collect(),
        armed: vec![None; model.properties.len() + model.alarms.len()],
        captures: making.captures,
    });
    asset
}

/// Aliases of measurements that are free.
pub(super) fn aliases(model: &Model, captures: &Captures, state: &State) -> BTreeMap<usize, Arc<str>> {
    let mut captures = captures.clone();
    let mut found = BTreeMap::new();
    for (at, property) in model.properties.iter().enumerate() {
        let Source::Measurement { alias: Some(alias) } = &property.source else { continue };
        captures.insert("property".into(), property.name.to_string());
        let Some(alias) = alias.fill(&captures).map(Arc::<str>::from) else { continue };
        if !state.aliases.contains_key(&alias) {
            found.insert(at, alias);
        }
    }
    found
}

/// The value that a property has from the beginning: attributes have one.
fn first_value(
    property: &Property,
    captures: &Captures,
    attributes: &BTreeMap<String, Scalar>,
    now: Timestamp,
) -> PropertyState {
    let Source::Attribute { default, from } = &property.source else { return PropertyState::default() };
    let typed = |value: &Scalar| property.data_type.accept(value.given());
    let filled = || from.as_ref()?.fill(captures).map(|text| Scalar::String(text.into()));
    let said = attributes.get(property.name.as_ref()).and_then(typed);
    let value = said.or_else(|| filled().as_ref().and_then(typed)).or_else(|| default.clone());
    PropertyState { latest: value.map(|value| Point::good(now, value)), ..PropertyState::default() }
}

/// Puts an asset under another; the error says why not.
pub(super) fn hang(models: &Models, state: &mut State, asset: usize, parent: &ParentDefinition) -> Result<(), String> {
    let (above, hierarchy) = place(models, state, state.assets[asset].model, parent)?;
    state.assets[asset].parent = Some((above, hierarchy));
    state.assets[above].parts.push(asset);
    Ok(())
}

/// The asset and hierarchy that assets of a model are put under.
fn place(models: &Models, state: &State, part: usize, parent: &ParentDefinition) -> Result<(usize, usize), String> {
    let above = state.index.get(parent.asset.as_str()).copied();
    let above = above.ok_or_else(|| format!("there is no asset {}", parent.asset))?;
    let model = &models.all[state.assets[above].model];
    let hierarchy = model.hierarchy(&parent.hierarchy);
    let hierarchy = hierarchy.ok_or_else(|| format!("{} has no hierarchy {}", model.name, parent.hierarchy))?;
    if model.hierarchies[hierarchy].1 != part {
        let name = &models.all[part].name;
        return Err(format!("the hierarchy {} is not for assets of the model {name}", parent.hierarchy));
    }
    Ok((above, hierarchy))
}

/// The asset that a model puts the assets under that readings create.
pub(super) fn parent_of(model: &Model) -> Option<&ParentDefinition> {
    model.discover.as_ref()?.parent.as_ref()
}

/// An asset under which a model puts others has a place for them, if it is there already.
pub(super) fn check_parents(models: &Models, state: &State) -> Result<(), DefinitionError> {
    for (at, model) in models.all.iter().enumerate() {
        let parent = parent_of(model).filter(|parent| state.index.contains_key(parent.asset.as_str()));
        if let Some(parent) = parent {
            place(models, state, at, parent)
                .map_err(|what| DefinitionError::reference(format!("models[{at}].discover.parent"), what))?;
        }
    }
    Ok(())
}

/// An asset is new: those that readings created before, and that their model puts under it, are its parts.
pub(super) fn adopt(models: &Models, state: &mut State, above: usize) {
    let id = Arc::clone(&state.assets[above].id);
    let waits = |model: &Model| parent_of(model).is_some_and(|parent| parent.asset == *id);
    if !models.all.iter().any(waits) {
        return;
    }
    for asset in (0..state.assets.len()).filter(|asset| *asset != above) {
        let Asset { model, defined, parent, .. } = &state.assets[asset];
        let model = &models.all[*model];
        if !defined && parent.is_none() && waits(model) {
            hang_discovered(models, state, asset, parent_of(model));
        }
    }
}

/// Puts an asset that a reading created under the first of `parents` that is there and has a place for it. Without one it
/// is good as well: it waits at the top.
pub(super) fn hang_discovered<'a>(
    models: &Models,
    state: &mut State,
    asset: usize,
    parents: impl IntoIterator<Item = &'a ParentDefinition>,
) {
    parents.into_iter().any(|parent| hang(models, state, asset, parent).is_ok());
}
