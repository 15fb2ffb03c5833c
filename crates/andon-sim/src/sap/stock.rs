//! Master data: equipment and functional locations, made up from their numbers, always alike.
//!
//! Every numeric equipment exists, unless the simulator was told which do; so does the functional location
//! of each, `<plant>-CWS-<nnn>`, with the levels above it. A handful stands in the lists.

use std::sync::Arc;

use serde_json::{Value, json};

use super::cell::Cell;
use super::config::SimulatorConfig;
use super::fields::Service;
use super::ledger::Document;
use super::notification::{padded_equipment, short_equipment, stamp};
use super::reply;
use super::row::Row;
use super::tables::{EQUIPMENT, FUNCTIONAL_LOCATION};
use crate::faults::fingerprint;

/// Equipment in lists, where the simulator was not told which exists.
const LISTED: [&str; 5] = ["210100094", "10000001", "10000002", "10000003", "217100001"];
/// Last day of what is valid without end, in milliseconds.
const NO_END: i64 = 253_402_214_400_000;
/// When master data was last changed: 2024-01-01T00:00:00Z.
const CHANGED_AT_MICROS: i64 = 1_704_067_200_000_000;
const PLANTS: [&str; 3] = ["1010", "1110", "1210"];

/// The entity with a key.
pub(crate) fn find(config: &SimulatorConfig, service: &'static Service, key: &[Cell]) -> Option<Arc<Document>> {
    let Some(Cell::Text(id)) = key.first() else { return None };
    matching(config, service, Some(id)).into_iter().find(|document| document.row.has_key(key))
}

/// The entities with an identifier, or those that stand in a list.
pub(crate) fn matching(config: &SimulatorConfig, service: &'static Service, id: Option<&str>) -> Vec<Arc<Document>> {
    let rows: Vec<Row> = match (service.name == EQUIPMENT.name, id) {
        (true, Some(id)) => equipment(config, id).into_iter().collect(),
        (true, None) => listed(config).iter().filter_map(|id| equipment(config, id)).collect(),
        (false, Some(id)) => location(id).into_iter().collect(),
        (false, None) => listed(config).iter().filter_map(|id| location(&location_of(id))).collect(),
    };
    rows.into_iter().map(|row| Arc::new(Document::of_stock(service, row))).collect()
}

/// Whether an equipment exists.
pub(crate) fn exists(config: &SimulatorConfig, id: &str) -> bool {
    let short = short_equipment(id);
    let legal = !short.is_empty() && short.len() <= 18;
    legal && config.known_equipment.as_ref().is_none_or(|known| known.contains(short))
}

/// An equipment as the plain endpoint tells it.
pub(crate) fn describe(id: &str) -> Value {
    const NAMES: [&str; 4] = ["Cooling Water Pump", "Conveyor Drive", "Air Compressor", "Gear Box"];
    let plant = plant_of(id);
    json!({
        "Equipment": padded_equipment(id),
        "EquipmentName": reply::choose(&NAMES, shape(id)),
        "FunctionalLocation": location_of(id),
        "MaintenancePlant": plant,
        "MaintenancePlanningPlant": plant,
        "MaintenancePlannerGroup": "920",
        "MainWorkCenter": "RES-0100",
        "TechnicalObjectType": "9500",
    })
}

fn listed(config: &SimulatorConfig) -> Vec<&str> {
    match &config.known_equipment {
        Some(known) => known.iter().map(String::as_str).collect(),
        None => LISTED.to_vec(),
    }
}

fn shape(id: &str) -> u64 {
    fingerprint([id.as_bytes()])
}

fn plant_of(id: &str) -> &'static str {
    reply::choose(&PLANTS, shape(id))
}

fn location_of(id: &str) -> String {
    format!("{}-CWS-{:03}", plant_of(id), shape(id) % 1_000)
}

fn equipment(config: &SimulatorConfig, id: &str) -> Option<Row> {
    let short = short_equipment(id);
    let numeric = short.bytes().all(|b| b.is_ascii_digit());
    if !exists(config, id) || (config.known_equipment.is_none() && !numeric) {
        return None;
    }
    let mut row = Row::new(EQUIPMENT.root);
    take(&mut row, &describe(short));
    // Told in the form in which it was asked for: this service shows no leading zeros, and takes them.
    row.set("Equipment", Cell::text(id));
    row.set("ValidityEndDate", Cell::Millis(NO_END));
    row.set("EquipmentCategory", Cell::text("M"));
    row.set("InventoryNumber", Cell::text(format!("INV-{short}")));
    row.set("FunctionalLocationLabelName", Cell::text(location_of(short)));
    row.set("MainWorkCenterPlant", Cell::text(plant_of(short)));
    row.set("EquipmentIsAvailable", Cell::Flag(true));
    stamp(&mut row, andon_model::Timestamp::from_micros(CHANGED_AT_MICROS));
    Some(row)
}

/// `1010`, `1010-CWS` and `1010-CWS-017` exist.
fn location(id: &str) -> Option<Row> {
    let levels: Vec<&str> = id.split('-').collect();
    let plant = PLANTS.into_iter().find(|plant| levels.first() == Some(plant))?;
    let name = match levels[1..] {
        [] => "Plant",
        ["CWS"] => "Cooling Water System",
        ["CWS", unit] if unit.len() == 3 && unit.bytes().all(|b| b.is_ascii_digit()) => "Cooling Water Circuit",
        _ => return None,
    };
    let superior = id.rsplit_once('-').map_or("", |(above, _)| above);
    let mut row = Row::new(FUNCTIONAL_LOCATION.root);
    take(
        &mut row,
        &json!({
            "FunctionalLocation": id,
            "FunctionalLocationLabelName": id,
            "FunctionalLocationName": name,
            "FuncLocationStructure": "YBPM",
            "FunctionalLocationCategory": "M",
            "SuperiorFunctionalLocation": superior,
            "SuperiorFuncnlLocLabelName": superior,
            "MaintenancePlant": plant,
            "MaintenancePlanningPlant": plant,
        }),
    );
    row.set("FunctionalLocationIsActive", Cell::Flag(true));
    stamp(&mut row, andon_model::Timestamp::from_micros(CHANGED_AT_MICROS));
    Some(row)
}

fn take(row: &mut Row, texts: &Value) {
    for (name, value) in texts.as_object().into_iter().flatten() {
        row.set(name, Cell::text(value.as_str().unwrap_or_default()));
    }
}
