//! The field facts of the simulated services, as far as creating, probing and changing needs them.
//!
//! Names, types, lengths and flags are those that `API_MAINTNOTIFICATION` publishes in its `$metadata`
//! (S/4HANA). The Z service is a customer development: its five property names are evidenced by published
//! sample code, its lengths are assumed from the data elements behind them.

use super::fields::{Edm, EntityType, Field, Function, Navigation, Service, code, field, text};
use super::notification::{self, Effect};

/// All services.
pub(crate) static SERVICES: [&Service; 2] = [&MAINTENANCE, &Z_NOTIFICATION];

static MAINTENANCE: Service = Service {
    name: "API_MAINTNOTIFICATION",
    namespace: "cds_api_maintnotification",
    component: "PM-EQM-NTF",
    root: &NOTIFICATION,
    parts: &[&ITEM, &CAUSE, &PARTNER],
    functions: &[
        Function { name: "SetMaintNotifToInProcess", parameters: &[NUMBER], effect: Effect::PutInProcess },
        Function {
            name: "CompleteMaintNotification",
            parameters: &[
                NUMBER,
                date("NotificationReferenceDate"),
                time("NotificationReferenceTime"),
                moment("MaintNotifReferenceDateTime"),
            ],
            effect: Effect::Complete,
        },
    ],
    reference: Some("MaintNotifExtReferenceNumber"),
    readable: true,
    summary: &["NotificationType", "NotificationText", "TechnicalObject", "MaintPriority", "NotifProcessingPhase"],
    complete: notification::complete,
};

static Z_NOTIFICATION: Service = Service {
    name: "ZSERVICE_PM_NOTIFICATION_SRV",
    namespace: "ZSERVICE_PM_NOTIFICATION_SRV",
    component: "",
    root: &Z_CREATE,
    parts: &[],
    functions: &[],
    reference: None,
    readable: false,
    summary: &["ShortText", "FunctLoc", "Equipment"],
    complete: notification::complete_z,
};

const NUMBER: Field = code("MaintenanceNotification", 12);

static NOTIFICATION: EntityType = EntityType {
    name: "MaintenanceNotificationType",
    set: "MaintenanceNotification",
    keys: &["MaintenanceNotification"],
    counter: None,
    fields: &[
        NUMBER.assigned(),
        code("MaintNotifInternalID", 22).assigned(),
        text("NotificationText", 40).required(),
        code("MaintPriority", 1),
        code("NotificationType", 2).fixed(),
        code("NotifProcessingPhase", 1).assigned(),
        text("NotifProcessingPhaseDesc", 60).assigned(),
        date("CreationDate").assigned(),
        time("LastChangeTime").assigned(),
        date("LastChangeDate").assigned(),
        moment("LastChangeDateTime").assigned(),
        time("CreationTime").assigned(),
        code("ReportedByUser", 12),
        code("PersonResponsible", 12),
        code("MalfunctionEffect", 1),
        date("MalfunctionStartDate"),
        time("MalfunctionStartTime"),
        date("MalfunctionEndDate"),
        time("MalfunctionEndTime"),
        code("MaintNotificationCatalog", 1).assigned(),
        code("MaintNotificationCode", 4),
        code("MaintNotificationCodeGroup", 8),
        code("CatalogProfile", 9).assigned(),
        date("NotificationCreationDate"),
        time("NotificationCreationTime"),
        code("NotificationTimeZone", 6).assigned(),
        date("RequiredStartDate"),
        time("RequiredStartTime"),
        date("RequiredEndDate"),
        time("RequiredEndTime"),
        date("LatestAcceptableCompletionDate"),
        field("MaintenanceObjectIsDown", Edm::Flag),
        text("MaintNotificationLongText", 0).assigned(),
        text("MaintNotifLongTextForEdit", 1333),
        text("MaintRequestEditableLongText", 0),
        code("TechnicalObject", 40),
        code("TechObjIsEquipOrFuncnlLoc", 20),
        code("TechnicalObjectLabel", 40).assigned(),
        text("TechObjIsEquipOrFuncnlLocDesc", 40).assigned(),
        text("TechnicalObjectDescription", 40).assigned(),
        code("FunctionalLocation", 30).assigned(),
        code("MaintenancePlanningPlant", 4),
        code("MaintenancePlannerGroup", 3),
        code("MaintenancePlant", 4),
        code("PlantSection", 3),
        code("AssetLocation", 10),
        code("AssetRoom", 8),
        text("LocationDescription", 50),
        code("CompanyCode", 4).assigned(),
        code("MainWorkCenterPlant", 4),
        code("MainWorkCenter", 8),
        code("MaintenanceOrder", 12),
        text("ConcatenatedActiveSystStsName", 224).assigned().unfilterable(),
        code("MaintNotifProcessingContext", 2),
        code("MaintenanceActivityType", 3),
        text("MaintObjDowntimeDurationUnit", 3),
        field("MaintObjectDowntimeDuration", Edm::Double),
        field("MaintenancePlanCallNumber", Edm::Int).assigned(),
        date("NotificationReferenceDate"),
        time("NotificationReferenceTime"),
        date("NotificationCompletionDate").assigned(),
        time("CompletionTime").assigned(),
        code("MaintNotifExtReferenceNumber", 20),
        code("MaintNotifDetectionCode", 4),
        code("MaintNotifDetectionCodeGroup", 8),
        moment("CreationDateTime").assigned(),
        moment("MaintNotifRqdEndDateTime"),
        code("MaintenanceRevision", 8),
        code("CreatedByUser", 12).assigned(),
    ],
    navigations: &[Navigation { name: "to_Item", target: &ITEM }, Navigation { name: "to_Partner", target: &PARTNER }],
};

static ITEM: EntityType = EntityType {
    name: "MaintenanceNotificationItemType",
    set: "MaintenanceNotificationItem",
    keys: &["MaintenanceNotification", "MaintenanceNotificationItem"],
    counter: Some("MaintenanceNotificationItem"),
    fields: &[
        NUMBER.fixed(),
        field("MaintenanceNotificationItem", Edm::Digits(4)).fixed(),
        text("MaintNotifItemText", 40),
        code("MaintNotifDamageCodeGroup", 8),
        code("MaintNotificationDamageCode", 4),
        code("MaintNotifObjPrtCodeGroup", 8),
        code("MaintNotifObjPrtCode", 4),
        field("IsDeleted", Edm::Flag).assigned(),
    ],
    navigations: &[Navigation { name: "to_ItemCause", target: &CAUSE }],
};

static CAUSE: EntityType = EntityType {
    name: "MaintNotificationItemCauseType",
    set: "MaintNotificationItemCause",
    keys: &["MaintenanceNotification", "MaintenanceNotificationItem", "MaintenanceNotificationCause"],
    counter: Some("MaintenanceNotificationCause"),
    fields: &[
        NUMBER.fixed(),
        field("MaintenanceNotificationItem", Edm::Digits(4)).fixed(),
        field("MaintenanceNotificationCause", Edm::Digits(4)).fixed(),
        text("MaintNotifCauseText", 40),
        code("MaintNotifCauseCodeGroup", 8),
        code("MaintNotificationCauseCode", 4),
        code("MaintNotificationRootCause", 1),
        field("IsDeleted", Edm::Flag).assigned(),
    ],
    navigations: &[],
};

static PARTNER: EntityType = EntityType {
    name: "MaintenanceNotificationPartnerType",
    set: "MaintenanceNotificationPartner",
    keys: &["MaintenanceNotification", "PartnerFunction", "NotificationPartnerObjectNmbr"],
    counter: Some("NotificationPartnerObjectNmbr"),
    fields: &[
        NUMBER.fixed(),
        code("PartnerFunction", 2).fixed(),
        field("NotificationPartnerObjectNmbr", Edm::Digits(6)).fixed(),
        code("Partner", 12).required(),
    ],
    navigations: &[],
};

static Z_CREATE: EntityType = EntityType {
    name: "NOTIF_CREATE",
    set: "NOTIF_CREATESet",
    keys: &["NotifNo"],
    counter: None,
    fields: &[
        text("NotifNo", 12).assigned(),
        text("FunctLoc", 40),
        text("Equipment", 18),
        text("ShortText", 40),
        text("LongText", 0),
    ],
    navigations: &[],
};

const fn date(name: &'static str) -> Field {
    field(name, Edm::Date)
}

const fn time(name: &'static str) -> Field {
    field(name, Edm::Time)
}

const fn moment(name: &'static str) -> Field {
    field(name, Edm::Moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_used_elsewhere_are_fields() {
        for service in SERVICES {
            let root = service.root;
            for name in service.summary.iter().chain(service.reference.iter()).chain(root.keys) {
                assert!(root.position(name).is_some(), "{name} in {}", service.name);
            }
            for kind in service.types() {
                assert!(kind.fields.len() <= 128, "a selection is a mask of 128 bits");
                assert!(kind.keys.iter().chain(&kind.counter).all(|key| kind.position(key).is_some()), "{}", kind.name);
            }
        }
    }
}
