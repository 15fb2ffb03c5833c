//! Purchase requisitions: `API_PURCHASEREQ_PROCESS_SRV` (V2) and `API_PURCHASEREQUISITION_2` (V4).
//!
//! Created by deep insert. The header has no field for the caller's reference, the items have
//! `PurReqnExternalReference`, by which they can be searched. What SAP asks for depends on customising;
//! here: plant and purchasing group, and material or text with material group.

use super::super::cell::Cell;
use super::super::dialect::Dialect;
use super::super::fields::{
    Allowed, EntityType, Field, Service, code, date, decimal, digits, flag, many, moment, text,
};
use super::super::row::Row;
use super::{Birth, PLAIN, default, number_children};

/// `API_PURCHASEREQ_PROCESS_SRV`.
pub(crate) static REQUISITION: Service = Service {
    name: "API_PURCHASEREQ_PROCESS_SRV",
    path: "/sap/opu/odata/sap/API_PURCHASEREQ_PROCESS_SRV",
    namespace: "API_PURCHASEREQ_PROCESS_SRV",
    root: &HEADER,
    parts: &[&ITEM],
    ..REQUISITION_LIKE
};

/// `API_PURCHASEREQUISITION_2`, OData V4.
pub(crate) static REQUISITION_V4: Service = Service {
    name: "API_PURCHASEREQUISITION_2",
    path: "/sap/opu/odata4/sap/api_purchaserequisition_2/srvd_a2x/sap/purchaserequisition/0001",
    dialect: Dialect::V4,
    namespace: "com.sap.gateway.srvd_a2x.api_purchaserequisition_2.v0001",
    root: &HEADER_V4,
    parts: &[&ITEM_V4],
    ..REQUISITION_LIKE
};

/// What both versions have in common.
const REQUISITION_LIKE: Service = Service {
    component: "MM-PUR-REQ",
    reference: Some("PurReqnExternalReference"),
    allowed: Allowed { read_parts: true, ..Allowed::ALL },
    summary: &["PurchaseRequisitionType", "PurReqnDescription"],
    complete,
    ..PLAIN
};

const NUMBER: Field = code("PurchaseRequisition", 10);

static HEADER: EntityType = EntityType {
    name: "A_PurchaseRequisitionHeaderType",
    set: "A_PurchaseRequisitionHeader",
    keys: &["PurchaseRequisition"],
    counter: None,
    stamp: None,
    fields: &[
        NUMBER.fixed(),
        code("PurchaseRequisitionType", 4),
        text("PurReqnDescription", 40),
        flag("SourceDetermination"),
        flag("PurReqnDoOnlyValidation"),
    ],
    navigations: &[many("to_PurchaseReqnItem", &ITEM)],
};

static ITEM: EntityType = EntityType {
    name: "A_PurchaseRequisitionItemType",
    set: "A_PurchaseRequisitionItem",
    keys: &["PurchaseRequisition", "PurchaseRequisitionItem"],
    counter: Some(("PurchaseRequisitionItem", 10)),
    stamp: None,
    fields: &[
        code("PurchaseRequisition", 10).fixed(),
        digits("PurchaseRequisitionItem", 5).fixed(),
        code("PurchasingDocument", 10),
        digits("PurchasingDocumentItem", 5),
        code("PurReqnReleaseStatus", 2),
        code("PurchaseRequisitionType", 4),
        text("PurchaseRequisitionItemText", 40),
        code("AccountAssignmentCategory", 1),
        code("Material", 40),
        code("MaterialGroup", 9),
        decimal("RequestedQuantity", 13, 3),
        text("BaseUnit", 3),
        decimal("PurchaseRequisitionPrice", 12, 3),
        decimal("PurReqnPriceQuantity", 5, 0),
        decimal("MaterialGoodsReceiptDuration", 3, 0),
        code("PurchasingOrganization", 4),
        code("PurchasingGroup", 3).required(),
        code("Plant", 4).required(),
        code("CompanyCode", 4),
        flag("SourceOfSupplyIsAssigned").assigned(),
        code("SupplyingPlant", 4),
        decimal("OrderedQuantity", 13, 3),
        date("DeliveryDate"),
        date("CreationDate").assigned(),
        code("ProcessingStatus", 1),
        code("PurchasingInfoRecord", 10),
        code("Supplier", 10),
        code("IsDeleted", 1),
        code("FixedSupplier", 10),
        text("RequisitionerName", 12),
        code("CreatedByUser", 12).assigned(),
        date("PurReqCreationDate").assigned(),
        code("PurReqnItemCurrency", 5),
        code("StorageLocation", 4),
        code("PurchaseContract", 10),
        digits("PurchaseContractItem", 5),
        text("Language", 2),
        flag("IsClosed"),
        code("Batch", 10),
        code("RequirementTracking", 10),
        code("MRPController", 3),
        code("TaxCode", 2),
        moment("LastChangeDateTime").assigned(),
        code("PurReqnExternalReference", 35),
        code("PurReqnItemExternalReference", 10),
        text("PurReqnExternalSystemId", 60),
        code("PurReqnExternalSystemType", 1),
        code("PurReqnTypeExternalReference", 4),
    ],
    navigations: &[],
};

static HEADER_V4: EntityType = EntityType {
    name: "PurchaseReqnType",
    set: "PurchaseReqn",
    keys: &["PurchaseRequisition"],
    counter: None,
    stamp: None,
    fields: &[
        NUMBER.fixed(),
        code("PurchaseRequisitionType", 4),
        text("PurReqnDescription", 40),
        text("PurReqnHeaderNote", 0),
        flag("SourceDetermination"),
        flag("PurReqnDoOnlyValidation"),
    ],
    navigations: &[many("_PurchaseRequisitionItem", &ITEM_V4)],
};

static ITEM_V4: EntityType = EntityType {
    name: "PurchaseReqnItemType",
    set: "PurchaseReqnItem",
    keys: &["PurchaseRequisition", "PurchaseRequisitionItem"],
    counter: Some(("PurchaseRequisitionItem", 10)),
    stamp: Some("LastChangeDateTime"),
    fields: &[
        NUMBER.fixed(),
        code("PurchaseRequisitionItem", 5).fixed(),
        text("PurchasingDocument", 10),
        text("PurchasingDocumentItem", 5),
        text("PurReqnReleaseStatus", 2),
        text("PurchaseRequisitionItemText", 40),
        text("AccountAssignmentCategory", 1),
        code("Material", 40),
        text("MaterialGroup", 9),
        decimal("RequestedQuantity", 13, 3),
        text("BaseUnit", 3),
        decimal("PurchaseRequisitionPrice", 11, 3),
        decimal("PurReqnPriceQuantity", 5, 0),
        decimal("MaterialGoodsReceiptDuration", 3, 0),
        text("PurchasingOrganization", 4),
        code("PurchasingGroup", 3).required(),
        code("Plant", 4).required(),
        text("CompanyCode", 4),
        flag("SourceOfSupplyIsAssigned").assigned(),
        text("SupplyingPlant", 4),
        decimal("OrderedQuantity", 13, 3),
        date("DeliveryDate"),
        text("ProcessingStatus", 1),
        text("PurchasingInfoRecord", 10),
        text("Supplier", 10),
        flag("IsDeleted"),
        text("FixedSupplier", 10),
        text("RequisitionerName", 12),
        text("CreatedByUser", 12).assigned(),
        date("PurReqCreationDate").assigned(),
        text("PurReqnItemCurrency", 3),
        text("StorageLocation", 4),
        text("PurchaseContract", 10),
        text("PurchaseContractItem", 5),
        text("Language", 2),
        flag("IsClosed"),
        text("Batch", 10),
        text("TaxCode", 2),
        text("RequirementTracking", 10),
        text("MRPController", 3),
        moment("LastChangeDateTime").assigned(),
        code("PurReqnExternalReference", 35),
        text("PurReqnItemExternalReference", 10),
        text("PurReqnExternalSystemId", 60),
    ],
    navigations: &[],
};

/// Numbers header and items and fills in what the system assigns.
fn complete(row: &mut Row, birth: &Birth<'_>) {
    row.set("PurchaseRequisition", Cell::text(birth.number.to_string()));
    number_children(row);
    let kind = row.get("PurchaseRequisitionType").cloned();
    for item in row.children.iter_mut().flatten() {
        if let Some(kind) = &kind {
            default(item, "PurchaseRequisitionType", kind.clone());
        }
        default(item, "BaseUnit", Cell::text("PC"));
        default(item, "PurReqCreationDate", Cell::day(birth.now));
        item.set("CreationDate", Cell::day(birth.now));
        item.set("CreatedByUser", Cell::text(birth.user));
        item.set("LastChangeDateTime", Cell::moment(birth.now));
    }
}
