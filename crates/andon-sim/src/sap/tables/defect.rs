//! Quality defects: `API_DEFECT_SRV` (V2) and its successor `API_DEFECT` (V4).
//!
//! The V2 facts are those that SAP publishes; it has no field for the caller's reference. Of the V4 service
//! the path, the schema, the entity and `QualityIssueReference` are evidenced, its other properties are
//! taken over from V2. The key starts with a dollar sign.

use super::super::cell::Cell;
use super::super::dialect::Dialect;
use super::super::fields::{Edm, EntityType, Service, date, decimal, field, moment, text, time};
use super::super::notification::stamp;
use super::super::row::Row;
use super::{Birth, PLAIN, default};

/// `API_DEFECT_SRV`.
pub(crate) static DEFECT: Service = Service {
    name: "API_DEFECT_SRV",
    path: "/sap/opu/odata/sap/API_DEFECT_SRV",
    namespace: "API_DEFECT_SRV",
    root: &DEFECT_TYPE,
    ..DEFECT_LIKE
};

/// `API_DEFECT`, OData V4.
pub(crate) static DEFECT_V4: Service = Service {
    name: "API_DEFECT",
    path: "/sap/opu/odata4/sap/api_defect/srvd_a2x/sap/defect/0001",
    dialect: Dialect::V4,
    namespace: "com.sap.gateway.srvd_a2x.api_defect.v0001",
    root: &DEFECT_V4_TYPE,
    reference: Some("QualityIssueReference"),
    ..DEFECT_LIKE
};

/// What both versions have in common.
const DEFECT_LIKE: Service = Service {
    component: "QM-QN",
    summary: &["DefectText", "DefectCategory", "DefectCodeGroup", "DefectCode", "Material", "Plant", "Equipment"],
    complete,
    number_of,
    ..PLAIN
};

static DEFECT_TYPE: EntityType = EntityType {
    name: "A_DefectType",
    set: "A_Defect",
    keys: &["DefectInternalID"],
    counter: None,
    stamp: Some("ChangedDateTime"),
    fields: &[
        text("DefectInternalID", 12).assigned(),
        text("Defect", 11).assigned(),
        text("DefectCategory", 2).required().fixed(),
        text("CreatedByUser", 12).assigned(),
        date("CreationDate").assigned(),
        text("LastChangedByUser", 12).assigned(),
        date("LastChangeDate").assigned(),
        text("DefectText", 40).required(),
        text("DefectCodeCatalog", 1),
        text("DefectCodeGroup", 8),
        text("DefectCode", 4),
        text("DefectCodeVersion", 6),
        text("DefectObjectCodeCatalog", 1),
        text("DefectObjectCodeGroup", 8),
        text("DefectObjectCode", 4),
        decimal("DefectiveQuantity", 13, 3),
        text("DefectiveQuantityUnit", 3),
        text("ManufacturingOrder", 12),
        text("OrderInternalID", 10).assigned(),
        text("ManufacturingOrderOperation", 4),
        text("ManufacturingOrderSequence", 6),
        time("CreationTime").assigned(),
        time("LastChangeTime").assigned(),
        text("DefectClass", 2),
        field("NumberOfDefects", Edm::Int),
        text("InspPlanOperationInternalID", 8),
        text("InspectionCharacteristic", 4),
        text("InspectionSubsetInternalID", 6),
        text("MaterialSample", 12),
        text("WorkCenterTypeCode", 2),
        text("MainWorkCenterInternalID", 8),
        text("MainWorkCenterPlant", 4),
        text("MainWorkCenter", 8),
        text("Equipment", 18),
        text("FunctionalLocation", 40),
        text("IsDeleted", 1).assigned(),
        text("DefectOrigin", 1),
        text("Material", 40),
        text("Plant", 4),
        text("InspectionLot", 12),
        text("CatalogProfile", 9),
        moment("ChangedDateTime").assigned(),
    ],
    navigations: &[],
};

static DEFECT_V4_TYPE: EntityType = EntityType {
    name: "DefectType",
    set: "Defect",
    keys: &["DefectInternalID"],
    counter: None,
    stamp: Some("LastChangeDateTime"),
    fields: &[
        text("DefectInternalID", 12).assigned(),
        text("Defect", 11).assigned(),
        text("DefectCategory", 2).required().fixed(),
        text("CreatedByUser", 12).assigned(),
        date("CreationDate").assigned(),
        text("LastChangedByUser", 12).assigned(),
        text("DefectText", 40).required(),
        text("DefectCodeCatalog", 1),
        text("DefectCodeGroup", 8),
        text("DefectCode", 4),
        text("DefectCodeVersion", 6),
        text("DefectObjectCodeCatalog", 1),
        text("DefectObjectCodeGroup", 8),
        text("DefectObjectCode", 4),
        decimal("DefectiveQuantity", 13, 3),
        text("DefectiveQuantityUnit", 3),
        text("ManufacturingOrder", 12),
        text("ManufacturingOrderOperation", 4),
        text("ManufacturingOrderSequence", 6),
        time("CreationTime").assigned(),
        text("DefectClass", 2),
        field("NumberOfDefects", Edm::Int),
        text("InspectionCharacteristic", 4),
        text("MaterialSample", 12),
        text("WorkCenterTypeCode", 2),
        text("MainWorkCenterPlant", 4),
        text("MainWorkCenter", 8),
        text("Equipment", 18),
        text("FunctionalLocation", 40),
        text("DefectOrigin", 1),
        text("Material", 40),
        text("Plant", 4),
        text("InspectionLot", 12),
        text("CatalogProfile", 9),
        text("QualityIssueReference", 40),
        moment("LastChangeDateTime").assigned(),
    ],
    navigations: &[],
};

/// Fills in what the system assigns.
fn complete(row: &mut Row, birth: &Birth<'_>) {
    row.set("DefectInternalID", Cell::text(format!("${:011}", birth.number)));
    row.set("Defect", Cell::text(birth.number.to_string()));
    row.set("CreatedByUser", Cell::text(birth.user));
    row.set("CreationDate", Cell::day(birth.now));
    row.set("CreationTime", Cell::time_of_day(birth.now));
    default(row, "NumberOfDefects", Cell::Number(1.0));
    stamp(row, birth.now);
}

fn number_of(key: &[Cell]) -> Option<u64> {
    match key.first() {
        Some(Cell::Text(text)) => text.strip_prefix('$')?.parse().ok(),
        _ => None,
    }
}
