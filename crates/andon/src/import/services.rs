//! What is known about SAP's services: which have a reference field, and where an answer holds the number.
//!
//! Source of field names: the services' published metadata. A field counts as a reference only when it can be written
//! and filtered; without one the step parks.

use super::text::before;

/// A set of a service.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KnownSet {
    service: &'static str,
    /// The entity set.
    pub(super) set: &'static str,
    /// Where the answer holds the document's number.
    pub(super) document: &'static str,
    /// The reference field for the key, or what is said about its absence.
    pub(super) reference: Result<&'static str, &'static str>,
}

const KNOWN: [KnownSet; 7] = [
    KnownSet { service: "defect", set: "Defect", document: "Defect", reference: Ok("QualityIssueReference") },
    KnownSet {
        service: "purchaserequisition",
        set: "PurchaseReqn",
        document: "PurchaseRequisition",
        reference: Err("the header of a purchase requisition has no reference field; write \"${{key}}\" into \
                        PurReqnExternalReference of an item, then probe the set PurchaseReqnItem for it"),
    },
    KnownSet {
        service: "API_MAINTNOTIFICATION",
        set: "MaintenanceNotification",
        document: "d.MaintenanceNotification",
        reference: Ok("MaintNotifExtReferenceNumber"),
    },
    KnownSet {
        service: "API_PURCHASEREQ_PROCESS_SRV",
        set: "A_PurchaseRequisitionHeader",
        document: "d.PurchaseRequisition",
        reference: Err("the header of a purchase requisition has no reference field; ask whether the item's \
                        PurReqnExternalReference may be written in your system, then probe the item set for it"),
    },
    KnownSet {
        service: "API_EHS_REPORT_INCIDENT_SRV",
        set: "A_Incident",
        document: "d.IncidentUUID",
        reference: Err("an incident has no reference field; a key at the end of IncidentTitle can be searched, with \
                        match = \"contains\" in the probe"),
    },
    KnownSet {
        service: "API_DEFECT_SRV",
        set: "A_Defect",
        document: "d.Defect",
        reference: Err("a defect has no reference field; a key at the end of DefectText, which takes 40 characters, \
                        can be searched, with match = \"contains\" in the probe"),
    },
    KnownSet {
        service: "ZSERVICE_PM_NOTIFICATION_SRV",
        set: "NOTIF_CREATESet",
        document: "d.NotifNo",
        reference: Err("this service has no reference field and cannot be searched; use API_MAINTNOTIFICATION instead"),
    },
];

/// A path of SAP Gateway, split where the service ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GatewayPath<'a> {
    /// The kind of step: `odata` or `odata-v4`.
    pub(super) kind: &'static str,
    /// As in `/API_MAINTNOTIFICATION`.
    pub(super) service: &'a str,
    /// As in `MaintenanceNotification`.
    pub(super) path: &'a str,
}

impl GatewayPath<'_> {
    /// What is known about the set.
    pub(super) fn known(&self) -> Option<&'static KnownSet> {
        known(self, self.path)
    }

    /// The service's own name.
    fn name(&self) -> &str {
        let mut segments = self.service.rsplit('/');
        let last = segments.next().unwrap_or_default();
        if self.kind == V4 { segments.next().unwrap_or_default() } else { before(last, ';') }
    }
}

/// What is known about the set that a path of this service leads to.
pub(super) fn known(service: &GatewayPath<'_>, path: &str) -> Option<&'static KnownSet> {
    let set = path.split(['(', '?', '/']).next().unwrap_or_default();
    KNOWN.iter().find(|known| known.service == service.name() && known.set == set)
}

const V4: &str = "odata-v4";

/// Splits the path of an OData service; `None` for anything else.
pub(super) fn gateway(path: &str) -> Option<GatewayPath<'_>> {
    let plain = before(before(path, '?'), '$');
    if !path.starts_with('/') {
        return None;
    }
    if plain.to_ascii_lowercase().contains("odata4") || plain.contains("/srvd") {
        return gateway_v4(path, plain);
    }
    let mut end = 0;
    for segment in plain.split('/') {
        end += segment.len();
        let rest = path.get(end + 1..).filter(|rest| !rest.is_empty());
        if let Some(rest) = rest.filter(|_| is_service(segment)) {
            return Some(GatewayPath { kind: "odata", service: &path[..end], path: rest });
        }
        end += 1;
    }
    None
}

/// `/sap/opu/odata4/sap/<group>/srvd_a2x/sap/<service>/<version of four digits>/<path>`
fn gateway_v4<'a>(path: &'a str, plain: &str) -> Option<GatewayPath<'a>> {
    let mut end = 0;
    for segment in plain.split('/') {
        end += segment.len();
        let is_version = segment.len() == 4 && segment.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(rest) = path.get(end + 1..).filter(|rest| is_version && !rest.is_empty()) {
            return Some(GatewayPath { kind: V4, service: &path[..end], path: rest });
        }
        end += 1;
    }
    None
}

/// `API_…`, `…_SRV`, and both with `;v=2`.
fn is_service(segment: &str) -> bool {
    let name = before(segment, ';');
    let upper = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    upper && name.len() > 4 && (name.starts_with("API_") || name.ends_with("_SRV"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_told_from_other_paths() {
        let check = |path: &str, expect: Option<(&str, &str)>| {
            assert_eq!(gateway(path).map(|g| (g.service, g.path)), expect, "{path}");
        };
        let defects = "/sap/opu/odata4/sap/api_defect/srvd_a2x/sap/defect/0001";
        check(&format!("{defects}/Defect"), Some((defects, "Defect")));
        check(defects, None);
        check(
            "/API_MAINTNOTIFICATION/MaintenanceNotification",
            Some(("/API_MAINTNOTIFICATION", "MaintenanceNotification")),
        );
        check(
            "/sap/opu/odata/sap/Z_A_SRV;v=2/S('${{event.x}}')?a=b",
            Some(("/sap/opu/odata/sap/Z_A_SRV;v=2", "S('${{event.x}}')?a=b")),
        );
        check("/API_DEFECT_SRV", None);
        check("/v2/rule-services", None);
        check("/sap/opu/odata4/sap/API_X/S", None);
        check("/${{event.data.API_X}}/properties", None);
        check("relative/API_DEFECT_SRV/A_Defect", None);
    }

    #[test]
    fn a_reference_field_is_known_or_known_to_be_absent() {
        let known = |path: &str| gateway(path).and_then(|g| g.known()).map(|k| k.reference.ok());
        assert_eq!(known("/API_MAINTNOTIFICATION/MaintenanceNotification"), Some(Some("MaintNotifExtReferenceNumber")));
        assert_eq!(known("/API_DEFECT_SRV/A_Defect"), Some(None));
        assert_eq!(known("/api_defect/srvd_a2x/sap/defect/0001/Defect"), Some(Some("QualityIssueReference")));
        assert_eq!(known("/API_DEFECT_SRV/A_Other"), None);
    }
}
