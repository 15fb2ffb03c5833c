//! Paths: service, set, key predicate, what follows.

use http::StatusCode;
use percent_encoding::percent_decode_str;

use super::cell::{Cell, Literal};
use super::dialect::Dialect;
use super::failure::Failure;
use super::fields::{EntityType, Function, Service};
use super::tables::SERVICES;
use super::token::{Token, tokens};

/// Where services of OData V2 live.
pub(crate) const ROOT_V2: &str = "/sap/opu/odata/sap/";
/// Where services of OData V4 live.
pub(crate) const ROOT_V4: &str = "/sap/opu/odata4/sap/";

/// The values of the key properties, in the order of their declaration.
pub(crate) type Key = Vec<Cell>;

/// What a path leads to.
pub(crate) enum Resource {
    ServiceDocument,
    Metadata,
    Batch,
    /// The set of documents.
    Set,
    /// `/$count` of the set.
    Count,
    /// One document.
    Entity(Key),
    /// One property of a document, by its position.
    Property(Key, u8),
    /// The bytes of a media document.
    Content(Key),
    /// The children of one document, by position of the navigation.
    Children(Key, usize),
    /// The children of all documents, as a set of their own.
    Parts(&'static EntityType),
    /// One of these.
    Part(&'static EntityType, Key),
    Function(&'static Function),
}

/// The version of OData that a path belongs to; none when it leads to no service.
pub(crate) fn dialect(path: &str) -> Option<Dialect> {
    let roots = [(ROOT_V2, Dialect::V2), (ROOT_V4, Dialect::V4)];
    roots.into_iter().find(|(root, _)| path.starts_with(root)).map(|(_, dialect)| dialect)
}

/// Finds the service that a path starts with; gives the rest of the path too.
pub(crate) fn service(path: &str) -> Result<(&'static Service, &str), Failure> {
    let found = SERVICES.into_iter().find_map(|service| Some((service, below(path, service.path)?)));
    found.ok_or_else(|| {
        let name = path.trim_start_matches(ROOT_V2).trim_start_matches(ROOT_V4).split(['/', ';']).next();
        let shown: String = name.unwrap_or_default().chars().take(60).collect();
        let what = format!("No service found for namespace '', name '{shown}', version '0001'");
        Failure::framework(StatusCode::NOT_FOUND, what).with_code("/IWFND/MED/170")
    })
}

/// What follows the path of a service. A version suffix such as `;v=2` selects among versions; there is one.
fn below<'p>(path: &'p str, service: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(service)?;
    match rest.as_bytes().first() {
        None | Some(b'/') => Some(rest),
        Some(b';') => Some(rest.find('/').map_or("", |at| &rest[at..])),
        Some(_) => None,
    }
}

/// Reads the path below a service.
pub(crate) fn resource(service: &'static Service, rest: &str) -> Result<Resource, Failure> {
    let mut segments = rest.split('/').filter(|segment| !segment.is_empty()).map(decode);
    let Some(first) = segments.next() else { return Ok(Resource::ServiceDocument) };
    let second = segments.next();
    if let Some(beyond) = segments.next() {
        return Err(Failure::not_found(&beyond));
    }
    match (first.as_str(), second) {
        ("$metadata", None) => Ok(Resource::Metadata),
        ("$batch", None) => Ok(Resource::Batch),
        (first, second) => below_set(service, first, second.as_deref()),
    }
}

fn below_set(service: &'static Service, first: &str, second: Option<&str>) -> Result<Resource, Failure> {
    let (name, predicate) = first.split_once('(').map_or((first, None), |(name, keys)| (name, Some(keys)));
    if let Some(function) = service.functions.iter().find(|function| function.name == name) {
        return Ok(Resource::Function(function));
    }
    if let Some(part) = service.parts.iter().copied().find(|part| part.set == name) {
        return part_of(service, part, predicate, second);
    }
    let root = service.root;
    if root.set != name {
        return Err(Failure::not_found(name));
    }
    match (predicate, second) {
        (None, None) => Ok(Resource::Set),
        (None, Some("$count")) => Ok(Resource::Count),
        (None, Some(other)) => Err(Failure::not_found(other)),
        (Some(keys), None) => key(service.dialect, root, keys).map(Resource::Entity),
        (Some(keys), Some("$value")) if service.media => key(service.dialect, root, keys).map(Resource::Content),
        (Some(keys), Some(name)) => member(root, name, key(service.dialect, root, keys)?),
    }
}

/// What a name behind a document leads to.
fn member(root: &'static EntityType, name: &str, key: Key) -> Result<Resource, Failure> {
    match (root.navigation(name), root.position(name)) {
        (Some(at), _) => Ok(Resource::Children(key, at)),
        (None, Some(position)) => Ok(Resource::Property(key, position)),
        (None, None) => Err(Failure::not_found(name)),
    }
}

fn part_of(
    service: &'static Service,
    part: &'static EntityType,
    predicate: Option<&str>,
    second: Option<&str>,
) -> Result<Resource, Failure> {
    if !service.allowed.read_parts {
        let what = format!("'{}' is not addressable here; read it through its document", part.set);
        return Err(Failure::framework(StatusCode::NOT_IMPLEMENTED, what));
    }
    match (predicate, second) {
        (None, None) => Ok(Resource::Parts(part)),
        (Some(keys), None) => Ok(Resource::Part(part, key(service.dialect, part, keys)?)),
        (_, Some(other)) => Err(Failure::not_found(other)),
    }
}

/// Reads `'10000021')`, `Number='10000021')` or `A='1',B=datetime'…')`.
fn key(dialect: Dialect, kind: &'static EntityType, predicate: &str) -> Result<Key, Failure> {
    let malformed = || Failure::malformed(format!("Malformed key predicate: write {}({})", kind.set, shape(kind)));
    let inner = predicate.strip_suffix(')').ok_or_else(malformed)?;
    let tokens = tokens(inner).map_err(|_| malformed())?;
    let mut found: Vec<Option<Cell>> = vec![None; kind.keys.len()];
    for token in tokens.split(|token| *token == Token::Comma) {
        let [token] = token else { return Err(malformed()) };
        let (name, cell) = part_of_key(dialect, kind, token).ok_or_else(malformed)?;
        let at = kind.keys.iter().position(|key| *key == name).ok_or_else(malformed)?;
        found[at] = Some(cell);
    }
    found.into_iter().collect::<Option<Key>>().ok_or_else(malformed)
}

fn part_of_key<'t>(dialect: Dialect, kind: &'static EntityType, token: &'t Token) -> Option<(&'t str, Cell)> {
    let only = || (kind.keys.len() == 1).then(|| kind.keys[0]);
    let (name, literal) = match token {
        Token::Word(word) => match word.split_once('=') {
            Some((name, bare)) => (name, Literal::Bare(bare)),
            None => (only()?, Literal::Bare(word)),
        },
        Token::Quoted(prefix, text) => match prefix.split_once('=') {
            Some((name, prefix)) => (name, Literal::Quoted(prefix, text)),
            None => (only()?, Literal::Quoted(prefix, text)),
        },
        _ => return None,
    };
    let field = kind.field(kind.position(name)?);
    Some((name, dialect.literal(field, literal).ok()??))
}

fn shape(kind: &EntityType) -> String {
    match kind.keys {
        [_] => "'…'".to_owned(),
        several => several.iter().map(|name| format!("{name}='…'")).collect::<Vec<_>>().join(","),
    }
}

fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(key: &[Cell]) -> String {
        let each = key.iter().map(|cell| match cell {
            Cell::Text(text) => text.to_string(),
            other => format!("{other:?}"),
        });
        each.collect::<Vec<_>>().join(",")
    }

    fn check(path: &str, expect: &str) {
        let path = format!("/sap/opu/odata/sap/{path}");
        let found = service(&path).and_then(|(service, rest)| resource(service, rest));
        let text = match found {
            Ok(Resource::ServiceDocument) => "document".to_owned(),
            Ok(Resource::Metadata) => "metadata".to_owned(),
            Ok(Resource::Batch) => "batch".to_owned(),
            Ok(Resource::Set) => "set".to_owned(),
            Ok(Resource::Count) => "count".to_owned(),
            Ok(Resource::Entity(key)) => format!("entity {}", show(&key)),
            Ok(Resource::Property(key, position)) => format!("property {position} of {}", show(&key)),
            Ok(Resource::Content(key)) => format!("content {}", show(&key)),
            Ok(Resource::Children(key, at)) => format!("children {at} of {}", show(&key)),
            Ok(Resource::Parts(kind)) => format!("parts {}", kind.set),
            Ok(Resource::Part(kind, key)) => format!("part {} {}", kind.set, show(&key)),
            Ok(Resource::Function(function)) => format!("function {}", function.name),
            Err(failure) => failure.status.as_u16().to_string(),
        };
        assert_eq!(text, expect, "for {path}");
    }

    #[test]
    fn paths_lead_somewhere() {
        check("API_MAINTNOTIFICATION", "document");
        check("API_MAINTNOTIFICATION;v=2/", "document");
        check("API_MAINTNOTIFICATION/$metadata", "metadata");
        check("API_MAINTNOTIFICATION/$batch", "batch");
        check("API_MAINTNOTIFICATION/MaintenanceNotification", "set");
        check("API_MAINTNOTIFICATION/MaintenanceNotification/$count", "count");
        check("API_MAINTNOTIFICATION/MaintenanceNotification('10000021')", "entity 10000021");
        check("API_MAINTNOTIFICATION/MaintenanceNotification(%2710000021%27)", "entity 10000021");
        check("API_MAINTNOTIFICATION/MaintenanceNotification(MaintenanceNotification='1')", "entity 1");
        check("API_MAINTNOTIFICATION/MaintenanceNotification('1')/to_Partner", "children 1 of 1");
        check("API_MAINTNOTIFICATION/MaintenanceNotification('1')/MaintenanceNotification", "property 0 of 1");
        check("API_MAINTNOTIFICATION/SetMaintNotifToInProcess", "function SetMaintNotifToInProcess");
        check("API_DEFECT_SRV/A_Defect('%2400000000057')", "entity $00000000057");
        let (incident, guid) = ("API_EHS_REPORT_INCIDENT_SRV/A_Incident", "fa163e4d-ca0a-1edd-0000-000000000001");
        check(&format!("{incident}(guid'{guid}')"), &format!("entity {guid}"));
        check("API_PURCHASEREQ_PROCESS_SRV/A_PurchaseRequisitionItem", "parts A_PurchaseRequisitionItem");
        check(
            "API_PURCHASEREQ_PROCESS_SRV/A_PurchaseRequisitionItem(PurchaseRequisition='1',PurchaseRequisitionItem='10')",
            "part A_PurchaseRequisitionItem 1,00010",
        );
        check(
            "API_EQUIPMENT/Equipment(Equipment='21',ValidityEndDate=datetime'9999-12-31T00%3A00%3A00')",
            "entity 21,Millis(253402214400000)",
        );
    }

    #[test]
    fn paths_that_lead_nowhere_are_refused() {
        check("API_OTHER/x", "404");
        check("API_MAINTNOTIFICATION/Nothing", "404");
        check("API_MAINTNOTIFICATION/MaintenanceNotification(1)", "400");
        check("API_MAINTNOTIFICATION/MaintenanceNotification('1'", "400");
        check("API_MAINTNOTIFICATION/MaintenanceNotification(X='1')", "400");
        check("API_MAINTNOTIFICATION/MaintenanceNotification('1')/to_None", "404");
        check("API_MAINTNOTIFICATION/MaintenanceNotification('1')/to_Item/x", "404");
        check("API_MAINTNOTIFICATION/MaintenanceNotificationItem", "501");
        check("API_MAINTNOTIFICATIONS", "404");
        check("API_EQUIPMENT/Equipment('21')", "400");
    }
}
