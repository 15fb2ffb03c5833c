//! Attachments: `API_CV_ATTACHMENT_SRV`. A create brings raw bytes; headers say what they belong to.
//!
//! The set is not addressable: originals are listed by the function `GetAllOriginals`.

use super::super::cell::Cell;
use super::super::fields::{Allowed, Effect, EntityType, Field, Function, Service, flag, moment, text};
use super::super::row::Row;
use super::{Birth, PLAIN};

/// The property that holds the content type.
pub(crate) const MIME_TYPE: &str = "MimeType";

/// `API_CV_ATTACHMENT_SRV`.
pub(crate) static ATTACHMENTS: Service = Service {
    name: "API_CV_ATTACHMENT_SRV",
    path: "/sap/opu/odata/sap/API_CV_ATTACHMENT_SRV",
    namespace: "API_CV_ATTACHMENT_SRV",
    component: "CA-DMS",
    root: &CONTENT,
    functions: &[
        Function { name: "GetAllOriginals", parameters: LISTING, effect: Effect::ListOriginals },
        Function { name: "GetAttachmentCount", parameters: LISTING, effect: Effect::CountOriginals },
    ],
    allowed: Allowed { change: false, ..Allowed::ALL },
    media: true,
    summary: &["FileName", MIME_TYPE, "FileSize", "BusinessObjectTypeName", "LinkedSAPObjectKey"],
    complete,
    number_of,
    ..PLAIN
};

const LISTING: &[Field] =
    &[text("BusinessObjectTypeName", 40), text("LinkedSAPObjectKey", 90), text("SemanticObject", 40)];

static CONTENT: EntityType = EntityType {
    name: "AttachmentContent",
    set: "AttachmentContentSet",
    keys: &[
        "DocumentInfoRecordDocType",
        "DocumentInfoRecordDocNumber",
        "DocumentInfoRecordDocVersion",
        "DocumentInfoRecordDocPart",
        "LogicalDocument",
        "ArchiveDocumentID",
        "LinkedSAPObjectKey",
        "BusinessObjectTypeName",
    ],
    counter: None,
    stamp: None,
    fields: &[
        text("DocumentInfoRecordDocType", 3).assigned().unfilterable(),
        text("DocumentInfoRecordDocNumber", 25).assigned().unfilterable(),
        text("DocumentInfoRecordDocVersion", 2).assigned().unfilterable(),
        text("DocumentInfoRecordDocPart", 3).assigned().unfilterable(),
        text("LogicalDocument", 32).assigned().unfilterable(),
        text("ArchiveDocumentID", 40).assigned().unfilterable(),
        text("LinkedSAPObjectKey", 90).assigned().unfilterable(),
        text("BusinessObjectTypeName", 40).assigned().unfilterable(),
        text("SemanticObject", 40).assigned().unfilterable(),
        text("WorkstationApplication", 3).assigned().unfilterable(),
        text("FileSize", 12).assigned().unfilterable(),
        text("FileName", 255).assigned().unfilterable(),
        text(MIME_TYPE, 128).fixed().unfilterable(),
        text("CreatedByUser", 12).assigned().unfilterable(),
        text("CreatedByUserFullName", 80).assigned().unfilterable(),
        moment("CreationDateTime").assigned().unfilterable(),
        text("BusinessObjectType", 40).assigned().unfilterable(),
        text("LastChangedByUser", 12).assigned().unfilterable(),
        text("LastChangedByUserFullName", 80).assigned().unfilterable(),
        moment("ChangedDateTime").assigned().unfilterable(),
        text("StorageCategory", 10).assigned().unfilterable(),
        text("ArchiveLinkRepository", 2).assigned().unfilterable(),
        text("SAPObjectType", 30).assigned().unfilterable(),
        text("SAPObjectNodeType", 30).assigned().unfilterable(),
        text("HarmonizedDocumentType", 40).assigned().unfilterable(),
        flag("AttachmentDeletionIsAllowed").assigned().unfilterable(),
        flag("AttachmentRenameIsAllowed").assigned().unfilterable(),
        text("Source", 10).assigned().unfilterable(),
    ],
    navigations: &[],
};

/// Fills in what the system assigns.
fn complete(row: &mut Row, birth: &Birth<'_>) {
    row.set("DocumentInfoRecordDocType", Cell::text("GOS"));
    row.set("DocumentInfoRecordDocNumber", Cell::text(format!("EXT48{:012}", birth.number)));
    row.set("LogicalDocument", Cell::text(format!("FA163E4DCA0A1EDD{:016X}", birth.number)));
    row.set("CreatedByUser", Cell::text(birth.user));
    row.set("CreationDateTime", Cell::moment(birth.now));
    row.set("AttachmentDeletionIsAllowed", Cell::Flag(true));
    row.set("Source", Cell::text("GOS"));
}

/// The number stands in the logical document.
fn number_of(key: &[Cell]) -> Option<u64> {
    match key.get(4) {
        Some(Cell::Text(text)) => u64::from_str_radix(text.get(16..)?, 16).ok(),
        _ => None,
    }
}
