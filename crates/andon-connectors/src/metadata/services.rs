//! Which metadata belongs to which step.

use std::collections::BTreeMap;

use andon_journal::{Document, DocumentKind};
use andon_model::{InvalidName, Name};

use super::Metadata;

/// Beginnings of service paths that say nothing about the service.
const PREFIXES: [&str; 4] = ["/sap/opu/odata4/sap/", "/sap/opu/odata4/", "/sap/opu/odata/sap/", "/sap/opu/odata/"];

/// Segments of V4 service paths that say nothing about the service.
const FILLERS: [&str; 3] = ["srvd_a2x", "srvd", "sap"];

/// The metadata of a configuration, by the names of its documents.
#[derive(Debug, Default)]
pub struct Services {
    known: BTreeMap<String, Metadata>,
}

impl Services {
    /// Reads the documents of kind `metadata` among these; those with faults are left out, they are reported
    /// elsewhere.
    pub fn read<'d>(documents: impl IntoIterator<Item = &'d Document>) -> Self {
        let metadata = documents.into_iter().filter(|document| document.kind == DocumentKind::Metadata);
        let read = |document: &Document| Some((document.name.to_string(), Metadata::parse(&document.text).ok()?));
        Self { known: metadata.filter_map(read).collect() }
    }

    /// The metadata of a service at a destination: `<destination>.<service>`, or `<service>` for all destinations.
    pub(super) fn find(&self, destination: &str, service: &str) -> Option<&Metadata> {
        let slug = slug(service);
        self.known.get(&format!("{destination}.{slug}")).or_else(|| self.known.get(&slug))
    }

    /// Names of the documents whose services have a set.
    pub(super) fn having<'s>(&'s self, set: &'s str) -> impl Iterator<Item = &'s str> {
        self.known.iter().filter(move |(_, metadata)| metadata.sets.contains_key(set)).map(|(name, _)| name.as_str())
    }
}

/// The name of the document for a service: `s4.api_maintnotification` for `/sap/opu/odata/sap/API_MAINTNOTIFICATION`
/// at destination `s4`. Without a destination the document is for all of them.
///
/// # Errors
/// When the path gives no name, or one that is too long.
pub fn document_name(destination: Option<&Name>, service: &str) -> Result<Name, InvalidName> {
    let slug = slug(service);
    match destination {
        Some(destination) => Name::new(&format!("{destination}.{slug}")),
        None => Name::new(&slug),
    }
}

fn slug(service: &str) -> String {
    let is_v4 = service.contains("/odata4/");
    let rest = PREFIXES.iter().find_map(|prefix| service.strip_prefix(prefix)).unwrap_or(service);
    let rest = rest.split(';').next().unwrap_or(rest);
    let segments = rest.split('/').filter(|segment| !segment.is_empty());
    let telling: Vec<&str> = segments.filter(|segment| !(is_v4 && FILLERS.contains(segment))).collect();
    let legal = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c.to_ascii_lowercase() } else { '-' };
    telling.join(".").chars().map(legal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_names() {
        let check = |service: &str, expect: &str| assert_eq!(slug(service), expect, "for {service}");
        check("/sap/opu/odata/sap/API_MAINTNOTIFICATION", "api_maintnotification");
        check("/sap/opu/odata/sap/API_MAINTNOTIFICATION/", "api_maintnotification");
        check("/sap/opu/odata/sap/API_SALES;v=2", "api_sales");
        check("/sap/opu/odata/CUSTOM/ZAPI", "custom.zapi");
        check(
            "/sap/opu/odata4/sap/api_purchaserequisition_2/srvd_a2x/sap/purchaserequisition/0001",
            "api_purchaserequisition_2.purchaserequisition.0001",
        );
        check("/odata/v4/catalog", "odata.v4.catalog");
        let s4 = Name::new("s4").expect("a name");
        assert_eq!(document_name(Some(&s4), "/sap/opu/odata/sap/ZX").expect("a name").as_str(), "s4.zx");
        assert!(document_name(None, "/").is_err());
    }
}
