//! Quality notifications through a customer's service, `ZAPI_QUAL_NOTIFICATION_SRV`.
//!
//! A customer development: the property names of the header are evidenced by published sample code; its
//! lengths, the items, partners and notes are assumed. No read, and no field for the caller's reference.

use super::super::cell::Cell;
use super::super::fields::{Allowed, EntityType, Field, Service, code, digits, many, text};
use super::super::row::Row;
use super::{Birth, PLAIN, number_children};

/// `ZAPI_QUAL_NOTIFICATION_SRV`.
pub(crate) static QUALITY: Service = Service {
    name: "ZAPI_QUAL_NOTIFICATION_SRV",
    path: "/sap/opu/odata/sap/ZAPI_QUAL_NOTIFICATION_SRV",
    namespace: "ZAPI_QUAL_NOTIFICATION_SRV",
    root: &NOTIFICATION,
    parts: &[&ITEM, &PARTNER, &NOTE],
    allowed: Allowed::CREATE_ONLY,
    summary: &["NotifType", "ShortText", "CodeGroup", "Code", "Material", "MaterialPlant"],
    complete,
    ..PLAIN
};

const NUMBER: Field = text("Notification", 12);

static NOTIFICATION: EntityType = EntityType {
    name: "DefectNotification",
    set: "DefectNotification",
    keys: &["Notification"],
    counter: None,
    stamp: None,
    fields: &[
        NUMBER.assigned(),
        code("NotifType", 2).required(),
        text("ShortText", 40).required(),
        code("CodeGroup", 8),
        code("Code", 4),
        code("MaterialPlant", 4),
        code("Material", 40),
        code("Priority", 1),
    ],
    navigations: &[many("to_Items", &ITEM), many("to_Partners", &PARTNER), many("to_Notes", &NOTE)],
};

static ITEM: EntityType = EntityType {
    name: "DefectItem",
    set: "DefectItemSet",
    keys: &["Notification", "Item"],
    counter: Some(("Item", 1)),
    stamp: None,
    fields: &[NUMBER.fixed(), digits("Item", 4), text("ItemText", 40), code("CodeGroup", 8), code("Code", 4)],
    navigations: &[],
};

static PARTNER: EntityType = EntityType {
    name: "DefectPartner",
    set: "DefectPartnerSet",
    keys: &["Notification", "Counter"],
    counter: Some(("Counter", 1)),
    stamp: None,
    fields: &[NUMBER.fixed(), digits("Counter", 4), code("PartnerFunction", 2), code("Partner", 12).required()],
    navigations: &[],
};

static NOTE: EntityType = EntityType {
    name: "DefectNote",
    set: "DefectNoteSet",
    keys: &["Notification", "Counter"],
    counter: Some(("Counter", 1)),
    stamp: None,
    fields: &[NUMBER.fixed(), digits("Counter", 4), text("Text", 0)],
    navigations: &[],
};

fn complete(row: &mut Row, birth: &Birth<'_>) {
    row.set("Notification", Cell::text(birth.number.to_string()));
    number_children(row);
}
