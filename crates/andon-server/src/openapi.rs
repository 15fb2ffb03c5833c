//! The OpenAPI description: made from the routes, committed as `openapi.json`, served as committed.
//!
//! `ANDON_BLESS=1 cargo test -p andon-server openapi` writes the file anew; without the variable the
//! same test fails when file and routes differ.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi, PartialSchema, ToSchema};

use crate::routes;
use crate::schema::ProblemAnswer;

/// The description as it is committed beside this crate.
pub(crate) const COMMITTED: &str = include_str!("../openapi.json");

/// The description as the routes give it, in the form of the committed file.
///
/// # Errors
/// When the description cannot be written as JSON, which would be a fault of this program.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    let (_, mut document) = utoipa_axum::router::OpenApiRouter::with_openapi(Description::openapi())
        .merge(routes::api())
        .merge(routes::monitoring())
        .split_for_parts();
    Problems.modify(&mut document);
    Ok(document.to_pretty_json()? + "\n")
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Andon",
        version = "1",
        description = "Turns what machines, cameras and callers report into the right business action, \
            exactly once in effect, and keeps the evidence.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "intake", description = "Events on their way in"),
        (name = "events", description = "Events as they are stored, and what was decided"),
        (name = "decisions", description = "Decision tables, asked by other systems"),
        (name = "runs", description = "What is done about events"),
        (name = "quarantine", description = "What could not be decoded"),
        (name = "destinations", description = "Where requests go"),
        (name = "configuration", description = "Sources, lookups, decisions, tables, actions, destinations"),
        (name = "devices", description = "Devices, their certificates and policies"),
        (name = "mqtt", description = "The door for devices, and commands to them"),
        (name = "readings", description = "What devices have reported"),
        (name = "assets", description = "Asset models, assets, and their values"),
        (name = "alarms", description = "What is wrong with assets"),
        (name = "lake", description = "Readings as tables: SQL, saved queries, upkeep"),
        (name = "oauth", description = "Access tokens for programs"),
        (name = "tokens", description = "Who may do what"),
        (name = "secrets", description = "Credentials of destinations and sources"),
        (name = "operations", description = "How the process is"),
    ),
    security(("bearer" = []), ("basic" = [])),
    modifiers(&Schemes),
)]
struct Description;

/// How callers show who they are.
struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = |kind, text| SecurityScheme::Http(HttpBuilder::new().scheme(kind).description(Some(text)).build());
        let components = document.components.get_or_insert_with(Components::new);
        components.add_security_scheme("bearer", scheme(HttpAuthScheme::Bearer, "a token"));
        components
            .add_security_scheme("basic", scheme(HttpAuthScheme::Basic, "any user name, a token as the password"));
    }
}

/// Every operation may be answered with a problem.
struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Components::new);
        let mut schemas = vec![(ProblemAnswer::name().into_owned(), ProblemAnswer::schema())];
        ProblemAnswer::schemas(&mut schemas);
        components.schemas.extend(schemas);
        components.responses.insert("Problem".to_owned(), RefOr::T(problem_response()));
        for item in document.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
            operations.into_iter().flatten().for_each(answer_problems);
        }
    }
}

fn answer_problems(operation: &mut Operation) {
    let problem = RefOr::Ref(Ref::from_response_name("Problem"));
    operation.responses.responses.insert("default".to_owned(), problem);
}

fn problem_response() -> Response {
    let schema = Ref::from_schema_name(ProblemAnswer::name());
    ResponseBuilder::new()
        .description("a problem; 503 comes with Retry-After, 401 with WWW-Authenticate")
        .content("application/problem+json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_openapi_is_up_to_date() {
        let made = openapi_json().unwrap();
        if std::env::var_os("ANDON_BLESS").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"), &made).unwrap();
            return;
        }
        assert!(
            made == COMMITTED,
            "openapi.json differs from the routes: run `ANDON_BLESS=1 cargo test -p andon-server openapi`"
        );
    }

    #[test]
    fn every_operation_has_an_identifier_of_its_own_and_names_its_roles() {
        let document: serde_json::Value = serde_json::from_str(&openapi_json().unwrap()).unwrap();
        let mut ids = std::collections::BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id.to_owned()), "{method} {path} shares the identifier {id}");
                let text = operation["description"].as_str().unwrap_or_default();
                assert!(
                    ["Role: ", "Open to everybody", "Authenticated as"].iter().any(|words| text.contains(words)),
                    "{method} {path} does not say who may call it"
                );
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(document: &serde_json::Value, value: &serde_json::Value) {
            if let Some(reference) = value.get("$ref").and_then(serde_json::Value::as_str) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
            }
            value.as_object().into_iter().flatten().for_each(|(_, inner)| check(document, inner));
            value.as_array().into_iter().flatten().for_each(|inner| check(document, inner));
        }
        let document: serde_json::Value = serde_json::from_str(&openapi_json().unwrap()).unwrap();
        check(&document, &document);
    }
}
