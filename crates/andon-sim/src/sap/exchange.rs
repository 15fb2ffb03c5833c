//! One OData exchange: finds what the path means, does it, words the answer.

use andon_model::Timestamp;
use axum::response::Response;
use http::{HeaderName, StatusCode, header};

use super::address::{self, Resource};
use super::call::{Call, ROOT};
use super::cell::{Cell, Literal};
use super::failure::Failure;
use super::fields::{Field, Function, Service};
use super::intake::{self, Purpose};
use super::ledger::{Document, Draft};
use super::print::{Printer, etag};
use super::projection::Projection;
use super::query::Query;
use super::row::Row;
use super::simulator::System;
use super::token::{Token, tokens};
use super::{atom, notification, reply};
use crate::statistics::RequestKind;

const SAP_MESSAGE: HeaderName = HeaderName::from_static("sap-message");
const REPEATABILITY_RESULT: HeaderName = HeaderName::from_static("repeatabilityresult");
/// Non-ASCII characters stand escaped, as a header demands.
const WARNING_JSON: &str = include_str!("warning.json");
const WARNING_XML: &str = "<notification><code>IM/421</code><message>Required end lies in the past</message>\
     <severity>warning</severity><target></target><details></details></notification>";

/// A call on its way through.
pub(crate) struct Exchange<'a> {
    pub(super) system: &'a System,
    pub(super) call: &'a Call<'a>,
    pub(super) service: &'static Service,
    pub(super) query: Query,
    /// Address of the service.
    pub(super) base: String,
    /// Whether the answer is in JSON.
    pub(super) json: bool,
    now: Timestamp,
}

impl<'a> Exchange<'a> {
    /// Reads the query of a call.
    pub(crate) fn new(
        system: &'a System,
        call: &'a Call<'a>,
        service: &'static Service,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let query = Query::parse(call.query)?;
        let base = format!("http://{}{ROOT}{}", system.host_of(call.headers), service.name);
        Ok(Self { system, call, service, query, base, json: call.wants_json(), now })
    }

    /// Does what the path below the service and the method say.
    pub(crate) fn perform(&self, rest: &str) -> Result<Response, Failure> {
        let resource = address::resource(self.service, rest)?;
        match (self.call.method.as_str(), resource) {
            ("GET" | "HEAD", resource) => self.read(resource),
            ("POST", Resource::Set) => self.create(),
            ("POST", Resource::Function(function)) => self.call_function(function),
            ("POST", Resource::Batch) => Err(unsupported("$batch is not simulated: send the requests one by one")),
            ("PATCH" | "MERGE", Resource::Entity(number)) => self.change(&number),
            ("PUT", Resource::Entity(_)) => {
                Err(unsupported("PUT is not simulated: send the changed properties by PATCH"))
            }
            (method, _) => {
                let what = format!("Method {method} is not allowed for this resource");
                Err(Failure::framework(StatusCode::METHOD_NOT_ALLOWED, what))
            }
        }
    }

    fn create(&self) -> Result<Response, Failure> {
        self.count(RequestKind::Create);
        let body = intake::properties(self.call.payload.json()?)?;
        let row = intake::create(self.service.root, body, &self.system.config.not_creatable)?;
        self.check_equipment(&row)?;
        let repeat_id = self.call.header("requestid").filter(|_| self.system.config.repeatability);
        let (service, user, now, request) = (self.service, self.system.creator.as_str(), self.now, self.call.ordinal);
        let document = self.system.ledger.create(Draft { service, row, user, now, request, repeat_id })?;
        let mut response = self.document(StatusCode::CREATED, &document.row, &Projection::of_row(&document.row));
        reply::put(&mut response, header::LOCATION, &self.printer().uri(&document.row));
        if repeat_id.is_some() {
            reply::put(&mut response, REPEATABILITY_RESULT, "accepted");
        }
        self.warn(&document, &mut response);
        Ok(response)
    }

    /// The existence check, where the simulator was told which equipment there is.
    fn check_equipment(&self, row: &Row) -> Result<(), Failure> {
        let Some(known) = &self.system.config.known_equipment else { return Ok(()) };
        let name = if row.text("TechObjIsEquipOrFuncnlLoc") == "EAMS_EQUI" { "TechnicalObject" } else { "Equipment" };
        let id = notification::short_equipment(row.text(name));
        if id.is_empty() || known.contains(id) {
            return Ok(());
        }
        Err(Failure::application("IM/125", format!("Equipment {id} does not exist"), name))
    }

    /// Some creates succeed with warnings.
    fn warn(&self, document: &Document, response: &mut Response) {
        let due = self.system.config.warn_every.is_some_and(|every| document.number % every == 0);
        if due {
            let message = if self.json { WARNING_JSON.trim_end() } else { WARNING_XML };
            reply::put(response, SAP_MESSAGE, message);
        }
    }

    fn change(&self, number: &str) -> Result<Response, Failure> {
        self.count(RequestKind::Change);
        let body = intake::properties(self.call.payload.json()?)?;
        self.system.ledger.change(self.service, number, |row| {
            self.check_if_match(row)?;
            intake::take(row, body, Purpose::Change)?;
            notification::settle(row);
            notification::stamp(row, self.now);
            Ok(())
        })?;
        Ok(reply::empty(StatusCode::NO_CONTENT))
    }

    fn check_if_match(&self, row: &Row) -> Result<(), Failure> {
        match (self.call.header(header::IF_MATCH.as_str()), etag(row)) {
            (None, Some(_)) => {
                let (status, code) = (StatusCode::PRECONDITION_REQUIRED, "SADL_ENTITY_RUNTIME/004");
                Err(Failure::precondition(status, code, "If-Match header is missing"))
            }
            (Some(given), Some(present)) if given != "*" && given != present => {
                let (status, code) = (StatusCode::PRECONDITION_FAILED, "SADL_ENTITY_RUNTIME/003");
                Err(Failure::precondition(status, code, "The entity was changed since it was read"))
            }
            _ => Ok(()),
        }
    }

    fn call_function(&self, function: &Function) -> Result<Response, Failure> {
        self.count(RequestKind::Function);
        let parameters = self.parameters(function.parameters)?;
        let number = match parameters.first() {
            Some(("MaintenanceNotification", Cell::Text(number))) => number.clone(),
            _ => return Err(Failure::malformed("Parameter 'MaintenanceNotification' is missing")),
        };
        let document = self
            .system
            .ledger
            .change(self.service, &number, |row| notification::perform(function.effect, row, &parameters, self.now))?;
        Ok(self.document(StatusCode::OK, &document.row, &Projection::all(self.service.root)))
    }

    /// The parameters given in the query, in the order of their declaration.
    fn parameters(&self, declared: &'static [Field]) -> Result<Vec<(&'static str, Cell)>, Failure> {
        let mut found = Vec::new();
        for field in declared {
            let Some((_, text)) = self.query.custom.iter().find(|(name, _)| name == field.name) else { continue };
            let malformed = |what: &str| Failure::malformed(format!("Parameter '{}' {what}", field.name));
            let literal = tokens(text).map_err(|what| malformed(&what))?;
            let cell = match literal.as_slice() {
                [Token::Word(word)] => Cell::from_literal(field, Literal::Bare(word)),
                [Token::Quoted(prefix, text)] => Cell::from_literal(field, Literal::Quoted(prefix, text)),
                _ => Err("is not one literal".to_owned()),
            };
            found.extend(cell.map_err(|what| malformed(&what))?.map(|cell| (field.name, cell)));
        }
        Ok(found)
    }

    pub(super) fn printer(&self) -> Printer<'_> {
        Printer { base: &self.base, service: self.service }
    }

    pub(super) fn document(&self, status: StatusCode, row: &Row, projection: &Projection) -> Response {
        let mut response = if self.json {
            reply::json(status, self.printer().document(row, projection))
        } else {
            reply::xml(status, atom::document(&self.printer(), row, projection))
        };
        if let Some(etag) = etag(row) {
            reply::put(&mut response, header::ETAG, &etag);
        }
        response
    }

    pub(super) fn count(&self, kind: RequestKind) {
        self.system.statistics.count(kind);
    }
}

pub(super) fn unsupported(what: &str) -> Failure {
    Failure::framework(StatusCode::NOT_IMPLEMENTED, what)
}
