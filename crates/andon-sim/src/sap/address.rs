//! The part of the path below `/sap/opu/odata/sap/`: service, set, key predicate, what follows.

use http::StatusCode;
use percent_encoding::percent_decode_str;

use super::failure::Failure;
use super::fields::{EntityType, Function, Service};
use super::tables::SERVICES;

/// What a path leads to.
pub(crate) enum Resource {
    ServiceDocument,
    Metadata,
    Batch,
    /// The set of documents.
    Set,
    /// `/$count` of the set.
    Count,
    /// One document, by its number.
    Entity(String),
    /// The children of one document, by position of the navigation.
    Children(String, usize),
    Function(&'static Function),
}

/// Finds the service that a path starts with; gives the rest of the path too.
pub(crate) fn service(path: &str) -> Result<(&'static Service, &str), Failure> {
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    // A version suffix such as ";v=2" selects among versions; there is one.
    let name = name.split(';').next().unwrap_or_default();
    SERVICES.into_iter().find(|service| service.name == name).map(|service| (service, rest)).ok_or_else(|| {
        let shown: String = name.chars().take(60).collect();
        let what = format!("No service found for namespace '', name '{shown}', version '0001'");
        Failure::framework(StatusCode::NOT_FOUND, what).with_code("/IWFND/MED/170")
    })
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
    if service.parts.iter().any(|part| part.set == name) {
        let what = format!("'{name}' is not addressable here; read it through its document");
        return Err(Failure::framework(StatusCode::NOT_IMPLEMENTED, what));
    }
    if service.root.set != name {
        return Err(Failure::not_found(name));
    }
    match (predicate, second) {
        (None, None) => Ok(Resource::Set),
        (None, Some("$count")) => Ok(Resource::Count),
        (None, Some(other)) => Err(Failure::not_found(other)),
        (Some(keys), None) => key(service.root, keys).map(Resource::Entity),
        (Some(keys), Some(name)) => {
            let at = service.root.navigation(name).ok_or_else(|| Failure::not_found(name))?;
            Ok(Resource::Children(key(service.root, keys)?, at))
        }
    }
}

/// Reads `'10000021')` or `MaintenanceNotification='10000021')`.
fn key(kind: &EntityType, predicate: &str) -> Result<String, Failure> {
    let malformed = || Failure::malformed(format!("Malformed key predicate: write {}('…')", kind.set));
    let inner = predicate.strip_suffix(')').ok_or_else(malformed)?;
    let literal = match inner.split_once('=') {
        Some((name, literal)) if kind.keys == [name.trim()] => literal,
        Some(_) => return Err(malformed()),
        None => inner,
    };
    let text = literal.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).ok_or_else(malformed)?;
    Ok(text.replace("''", "'"))
}

fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expect: &str) {
        let found = service(path).and_then(|(service, rest)| resource(service, rest));
        let text = match found {
            Ok(Resource::ServiceDocument) => "document".to_owned(),
            Ok(Resource::Metadata) => "metadata".to_owned(),
            Ok(Resource::Batch) => "batch".to_owned(),
            Ok(Resource::Set) => "set".to_owned(),
            Ok(Resource::Count) => "count".to_owned(),
            Ok(Resource::Entity(key)) => format!("entity {key}"),
            Ok(Resource::Children(key, at)) => format!("children {at} of {key}"),
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
        check("API_MAINTNOTIFICATION/SetMaintNotifToInProcess", "function SetMaintNotifToInProcess");
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
    }
}
