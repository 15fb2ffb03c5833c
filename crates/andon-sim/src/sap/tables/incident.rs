//! Safety incidents: `API_EHS_REPORT_INCIDENT_SRV`, create and read only.
//!
//! Published facts are those of the on-premise releases; `IncidentID` and `IncidentDescriptionOfEvents`
//! belong to newer ones. There is no field for the caller's reference: `IncidentTitle` can carry a tag.

use super::super::cell::Cell;
use super::super::fields::{Allowed, Edm, EntityType, Field, Service, decimal, field, many, moment, one, text};
use super::super::row::Row;
use super::{Birth, PLAIN, guid};

/// `API_EHS_REPORT_INCIDENT_SRV`.
pub(crate) static INCIDENT: Service = Service {
    name: "API_EHS_REPORT_INCIDENT_SRV",
    path: "/sap/opu/odata/sap/API_EHS_REPORT_INCIDENT_SRV",
    namespace: "API_EHS_REPORT_INCIDENT_SRV",
    component: "EHS-SUS-IM",
    root: &INCIDENT_TYPE,
    parts: &[&ATTACHMENT, &PERSON, &LOCATION],
    allowed: Allowed { change: false, ..Allowed::ALL },
    summary: &[
        "IncidentID",
        "IncidentCategory",
        "IncidentTitle",
        "IncidentDescriptionOfEvents",
        "IncidentLocationDescription",
    ],
    complete,
    number_of,
    ..PLAIN
};

const INCIDENT_UUID: Field = field("IncidentUUID", Edm::Guid);

static INCIDENT_TYPE: EntityType = EntityType {
    name: "A_IncidentType",
    set: "A_Incident",
    keys: &["IncidentUUID"],
    counter: None,
    stamp: None,
    fields: &[
        INCIDENT_UUID.assigned(),
        text("IncidentID", 20).assigned(),
        text("IncidentDescriptionOfEvents", 0).fixed(),
        text("IncidentCategory", 3).fixed().required(),
        text("IncidentStatus", 40).assigned(),
        text("IncidentTitle", 80).fixed().required(),
        moment("IncidentUTCDateTime").fixed(),
        text("IncidentLocationDescription", 0).fixed(),
        field("EHSLocationUUID", Edm::Guid).fixed(),
    ],
    navigations: &[many("to_Attachments", &ATTACHMENT), many("to_Persons", &PERSON), one("to_Location", &LOCATION)],
};

static ATTACHMENT: EntityType = EntityType {
    name: "A_AttachmentType",
    set: "A_Attachment",
    keys: &["AttachmentDocumentUUID"],
    counter: None,
    stamp: None,
    fields: &[field("AttachmentDocumentUUID", Edm::Guid).assigned(), text("MimeType", 128), text("FileName", 255)],
    navigations: &[],
};

static PERSON: EntityType = EntityType {
    name: "A_PersonType",
    set: "A_Person",
    keys: &["PersonInvolvedRole", "PersonInvolvedUUID"],
    counter: None,
    stamp: None,
    fields: &[
        text("PersonInvolvedRole", 21).fixed().required(),
        field("PersonInvolvedUUID", Edm::Guid).fixed(),
        text("PersonFullName", 80).fixed(),
    ],
    navigations: &[],
};

/// `LocationLongtitude` is how SAP spells it.
static LOCATION: EntityType = EntityType {
    name: "A_LocationType",
    set: "A_Location",
    keys: &["LocationUUID"],
    counter: None,
    stamp: None,
    fields: &[
        field("LocationUUID", Edm::Guid).fixed(),
        text("LocationName", 60),
        text("LocationType", 40),
        decimal("LocationLatitude", 15, 12),
        decimal("LocationLongtitude", 15, 12),
    ],
    navigations: &[],
};

/// Fills in what the system assigns; persons and attachments without an identifier get one.
fn complete(row: &mut Row, birth: &Birth<'_>) {
    row.set("IncidentUUID", guid(birth.number, 0));
    row.set("IncidentID", Cell::text(birth.number.to_string()));
    row.set("IncidentStatus", Cell::text("02"));
    for (part, child) in row.children.iter_mut().flatten().enumerate() {
        let name = child.kind.keys.last().copied().unwrap_or_default();
        if child.get(name).is_none() {
            child.set(name, guid(birth.number, part + 1));
        }
    }
}

fn number_of(key: &[Cell]) -> Option<u64> {
    match key.first() {
        Some(Cell::Text(guid)) => u64::from_str_radix(guid.rsplit('-').next()?, 16).ok(),
        _ => None,
    }
}
