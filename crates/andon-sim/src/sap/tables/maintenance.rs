//! Maintenance notifications, and the customer's service that creates them in a shorter form.
//!
//! Names, types, lengths and flags are those that `API_MAINTNOTIFICATION` publishes in its `$metadata`
//! (S/4HANA). The Z service is a customer development: its five property names are evidenced by published
//! sample code, its lengths are assumed from the data elements behind them.

use super::super::fields::{
    Allowed, Edm, Effect, EntityType, Field, Function, Service, code, date, digits, field, flag, many, moment, text,
    time,
};
use super::super::notification;
use super::PLAIN;

pub(crate) static MAINTENANCE: Service = Service {
    name: "API_MAINTNOTIFICATION",
    path: "/sap/opu/odata/sap/API_MAINTNOTIFICATION",
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
    summary: &["NotificationType", "NotificationText", "TechnicalObject", "MaintPriority", "NotifProcessingPhase"],
    complete: notification::complete,
    settle: notification::settle,
    ..PLAIN
};

pub(crate) static Z_NOTIFICATION: Service = Service {
    name: "ZSERVICE_PM_NOTIFICATION_SRV",
    path: "/sap/opu/odata/sap/ZSERVICE_PM_NOTIFICATION_SRV",
    namespace: "ZSERVICE_PM_NOTIFICATION_SRV",
    root: &Z_CREATE,
    allowed: Allowed::CREATE_ONLY,
    summary: &["ShortText", "FunctLoc", "Equipment"],
    complete: notification::complete_z,
    ..PLAIN
};

const NUMBER: Field = code("MaintenanceNotification", 12);

static NOTIFICATION: EntityType = EntityType {
    name: "MaintenanceNotificationType",
    set: "MaintenanceNotification",
    keys: &["MaintenanceNotification"],
    counter: None,
    stamp: Some("LastChangeDateTime"),
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
        flag("MaintenanceObjectIsDown"),
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
    navigations: &[many("to_Item", &ITEM), many("to_Partner", &PARTNER)],
};

static ITEM: EntityType = EntityType {
    name: "MaintenanceNotificationItemType",
    set: "MaintenanceNotificationItem",
    keys: &["MaintenanceNotification", "MaintenanceNotificationItem"],
    counter: Some(("MaintenanceNotificationItem", 1)),
    stamp: None,
    fields: &[
        NUMBER.fixed(),
        digits("MaintenanceNotificationItem", 4).fixed(),
        text("MaintNotifItemText", 40),
        code("MaintNotifDamageCodeGroup", 8),
        code("MaintNotificationDamageCode", 4),
        code("MaintNotifObjPrtCodeGroup", 8),
        code("MaintNotifObjPrtCode", 4),
        flag("IsDeleted").assigned(),
    ],
    navigations: &[many("to_ItemCause", &CAUSE)],
};

static CAUSE: EntityType = EntityType {
    name: "MaintNotificationItemCauseType",
    set: "MaintNotificationItemCause",
    keys: &["MaintenanceNotification", "MaintenanceNotificationItem", "MaintenanceNotificationCause"],
    counter: Some(("MaintenanceNotificationCause", 1)),
    stamp: None,
    fields: &[
        NUMBER.fixed(),
        digits("MaintenanceNotificationItem", 4).fixed(),
        digits("MaintenanceNotificationCause", 4).fixed(),
        text("MaintNotifCauseText", 40),
        code("MaintNotifCauseCodeGroup", 8),
        code("MaintNotificationCauseCode", 4),
        code("MaintNotificationRootCause", 1),
        flag("IsDeleted").assigned(),
    ],
    navigations: &[],
};

static PARTNER: EntityType = EntityType {
    name: "MaintenanceNotificationPartnerType",
    set: "MaintenanceNotificationPartner",
    keys: &["MaintenanceNotification", "PartnerFunction", "NotificationPartnerObjectNmbr"],
    counter: Some(("NotificationPartnerObjectNmbr", 1)),
    stamp: None,
    fields: &[
        NUMBER.fixed(),
        code("PartnerFunction", 2).fixed(),
        digits("NotificationPartnerObjectNmbr", 6).fixed(),
        code("Partner", 12).required(),
    ],
    navigations: &[],
};

static Z_CREATE: EntityType = EntityType {
    name: "NOTIF_CREATE",
    set: "NOTIF_CREATESet",
    keys: &["NotifNo"],
    counter: None,
    stamp: None,
    fields: &[
        text("NotifNo", 12).assigned(),
        text("FunctLoc", 40),
        text("Equipment", 18),
        text("ShortText", 40),
        text("LongText", 0),
    ],
    navigations: &[],
};
