//! What SAP does with a notification: numbers, stamps, texts and processing phases.
//!
//! | phase | meaning |
//! |---|---|
//! | 1 | outstanding |
//! | 3 | in process |
//! | 4 | completed |

use std::time::Duration;

use andon_model::Timestamp;

use super::cell::Cell;
use super::failure::Failure;
use super::fields::Effect;
use super::row::Row;
use super::tables::{Birth, number_children};

/// Length of an equipment number.
const EQUIPMENT_CHARS: usize = 18;

/// Fills in what the system assigns to a new maintenance notification.
pub(crate) fn complete(row: &mut Row, birth: &Birth<'_>) {
    let number = birth.number.to_string();
    row.set("MaintNotifInternalID", Cell::text(format!("QM{:012}", birth.number)));
    row.set("MaintNotificationCatalog", Cell::text("D"));
    row.set("NotificationTimeZone", Cell::text("UTC"));
    row.set("CreationDate", Cell::day(birth.now));
    row.set("CreationTime", Cell::time_of_day(birth.now));
    row.set("CreationDateTime", Cell::moment(birth.now));
    row.set("CreatedByUser", Cell::text(birth.user));
    default(row, "ReportedByUser", || Cell::text(birth.user));
    default(row, "NotificationCreationDate", || Cell::day(birth.now));
    default(row, "NotificationCreationTime", || Cell::time_of_day(birth.now));
    default(row, "MaintObjDowntimeDurationUnit", || Cell::text("H"));
    enter_phase(row, "1", "Outstanding");
    settle(row);
    stamp(row, birth.now);
    row.set("MaintenanceNotification", Cell::text(number));
    number_children(row);
}

/// Fills in what the Z service answers: the number, and no long text.
pub(crate) fn complete_z(row: &mut Row, birth: &Birth<'_>) {
    row.set("NotifNo", Cell::text(birth.number.to_string()));
    row.take("LongText");
}

/// Brings fields that follow from others up to date, after a create or a change.
pub(crate) fn settle(row: &mut Row) {
    if let Some(text) = row.take("MaintNotifLongTextForEdit") {
        row.set("MaintNotificationLongText", text);
    }
    let object = row.text("TechnicalObject").to_owned();
    let equipment = row.text("TechObjIsEquipOrFuncnlLoc") == "EAMS_EQUI";
    if object.is_empty() {
        return;
    }
    let (stored, label, kind) = if equipment {
        (padded_equipment(&object), short_equipment(&object), "Equipment")
    } else {
        (object.clone(), object.as_str(), "Functional Location")
    };
    row.set("TechnicalObject", Cell::text(stored));
    row.set("TechnicalObjectLabel", Cell::text(label));
    row.set("TechObjIsEquipOrFuncnlLocDesc", Cell::text(kind));
}

/// Moves the change stamp, at least one second on: it is the source of the `ETag` and has whole seconds.
/// Entities without one stay as they are.
pub(crate) fn stamp(row: &mut Row, now: Timestamp) {
    let Some(name) = row.kind.stamp else { return };
    let last = match row.get(name) {
        Some(Cell::Millis(millis)) => Timestamp::from_micros(millis * 1_000).after(Duration::from_secs(1)),
        _ => now,
    };
    let now = now.max(last);
    row.set(name, Cell::moment(now));
    row.set("LastChangeDate", Cell::day(now));
    row.set("LastChangeTime", Cell::time_of_day(now));
}

/// Performs a function import. Putting in process what is in process already changes nothing.
pub(crate) fn perform(
    effect: Effect,
    row: &mut Row,
    parameters: &[(&str, Cell)],
    now: Timestamp,
) -> Result<(), Failure> {
    match (effect, row.text("NotifProcessingPhase")) {
        (_, "4") => return Err(Failure::application("IM/420", already_completed(row), "")),
        (Effect::PutInProcess, "3") | (Effect::ListOriginals | Effect::CountOriginals, _) => return Ok(()),
        (Effect::PutInProcess, _) => enter_phase(row, "3", "In Process"),
        (Effect::Complete, _) => close(row, parameters, now),
    }
    stamp(row, now);
    Ok(())
}

/// An equipment number as SAP stores it: digits are padded with zeros.
pub(crate) fn padded_equipment(id: &str) -> String {
    let numeric = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
    if numeric { format!("{id:0>EQUIPMENT_CHARS$}") } else { id.to_owned() }
}

/// An equipment number as people write it.
pub(crate) fn short_equipment(id: &str) -> &str {
    let numeric = id.bytes().all(|b| b.is_ascii_digit());
    if numeric { id.trim_start_matches('0') } else { id }
}

fn already_completed(row: &Row) -> String {
    format!("Notification {} is already completed", row.text("MaintenanceNotification"))
}

fn close(row: &mut Row, parameters: &[(&str, Cell)], now: Timestamp) {
    row.set("NotificationReferenceDate", Cell::day(now));
    row.set("NotificationReferenceTime", Cell::time_of_day(now));
    for (name, cell) in parameters.iter().filter(|(name, _)| name.starts_with("NotificationReference")) {
        row.set(name, cell.clone());
    }
    row.set("NotificationCompletionDate", Cell::day(now));
    row.set("CompletionTime", Cell::time_of_day(now));
    enter_phase(row, "4", "Completed");
}

fn enter_phase(row: &mut Row, phase: &str, text: &str) {
    row.set("NotifProcessingPhase", Cell::text(phase));
    row.set("NotifProcessingPhaseDesc", Cell::text(text));
}

fn default(row: &mut Row, name: &str, value: impl FnOnce() -> Cell) {
    if row.get(name).is_none() {
        row.set(name, value());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equipment_numbers_are_padded_and_shortened() {
        for (id, padded, short) in [
            ("210100094", "000000000210100094", "210100094"),
            ("000000000210100094", "000000000210100094", "210100094"),
            ("PUMP-01", "PUMP-01", "PUMP-01"),
        ] {
            assert_eq!((padded_equipment(id).as_str(), short_equipment(id)), (padded, short));
        }
    }
}
