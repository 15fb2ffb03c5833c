//! One OData exchange: finds what the path means, does it, words the answer.

use andon_model::Timestamp;
use axum::response::Response;
use http::{HeaderName, StatusCode, header};

use super::address::{self, Key, Resource};
use super::call::Call;
use super::cell::{Cell, Literal};
use super::dialect::Dialect;
use super::failure::Failure;
use super::fields::{Effect, Field, Function, Service};
use super::intake::{self, Purpose};
use super::ledger::{Document, Draft};
use super::print::{Printer, etag, etag_v4};
use super::projection::Projection;
use super::query::Query;
use super::row::Row;
use super::simulator::System;
use super::token::{Token, tokens};
use super::turn::Turn;
use super::{atom, attachments, notification, print_v4, reply};
use crate::faults::FaultKind;
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
    pub(super) now: Timestamp,
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
        let base = format!("http://{}{}", system.host_of(call.headers), service.path);
        Ok(Self { system, call, service, query, base, json: call.wants_json() || service.dialect == Dialect::V4, now })
    }

    /// Does what the path below the service and the method say.
    pub(crate) fn perform(&self, rest: &str, turn: &mut Turn<'_>) -> Result<Response, Failure> {
        let resource = address::resource(self.service, rest)?;
        let allowed = self.service.allowed;
        match (self.call.method.as_str(), resource) {
            ("GET", Resource::Function(function)) if function.effect.reads() => self.list_attachments(function),
            ("GET" | "HEAD", resource) => self.read(resource),
            ("POST", Resource::Set) if allowed.create => self.create(turn),
            ("POST", Resource::Function(function)) if !function.effect.reads() => self.call_function(function, turn),
            ("PATCH" | "MERGE", Resource::Entity(key)) if allowed.change => self.change(&key, turn),
            ("PUT", Resource::Entity(_)) => {
                Err(unsupported("PUT is not simulated: send the changed properties by PATCH"))
            }
            (method, _) => {
                let what = format!("Method {method} is not allowed for this resource");
                Err(Failure::framework(StatusCode::METHOD_NOT_ALLOWED, what))
            }
        }
    }

    fn create(&self, turn: &mut Turn<'_>) -> Result<Response, Failure> {
        self.count(RequestKind::Create);
        let service = self.service;
        let (row, content) =
            if service.media { attachments::read(self.system, self.call)? } else { (self.new_row()?, None) };
        self.check_equipment(&row)?;
        if is_dry_run(&row) {
            return Ok(self.document(StatusCode::CREATED, &row, &Projection::of_row(&row)));
        }
        let repeat_id = self.call.header("requestid").filter(|_| self.system.config.repeatability);
        let (user, now, request) = (self.system.creator.as_str(), self.now, self.call.ordinal);
        let document = turn.create(Draft { service, row, user, now, request, repeat_id, content })?;
        let mut response = self.document(StatusCode::CREATED, &document.row, &Projection::of_row(&document.row));
        reply::put(&mut response, header::LOCATION, &self.uri(&document.row));
        if repeat_id.is_some() {
            reply::put(&mut response, REPEATABILITY_RESULT, "accepted");
        }
        self.warn(&document, &mut response);
        Ok(response)
    }

    fn new_row(&self) -> Result<Row, Failure> {
        let body = intake::properties(self.call.payload.json()?)?;
        intake::create(self.service.root, self.service.dialect, body, &self.system.config.not_creatable)
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
        let v2 = self.service.dialect == Dialect::V2;
        let due = v2 && self.system.config.warn_every.is_some_and(|every| document.number % every == 0);
        if due {
            let message = if self.json { WARNING_JSON.trim_end() } else { WARNING_XML };
            reply::put(response, SAP_MESSAGE, message);
        }
    }

    fn change(&self, key: &Key, turn: &mut Turn<'_>) -> Result<Response, Failure> {
        self.count(RequestKind::Change);
        let body = intake::properties(self.call.payload.json()?)?;
        if self.call.fault == Some(FaultKind::EtagMoved) {
            return self.overtaken(key, turn);
        }
        turn.change(self.service, key, |row| {
            self.check_if_match(row)?;
            intake::take(row, self.service.dialect, body, Purpose::Change)?;
            (self.service.settle)(row);
            notification::stamp(row, self.now);
            Ok(())
        })?;
        Ok(reply::empty(StatusCode::NO_CONTENT))
    }

    /// Somebody else changed the entity a moment before: its `ETag` has moved.
    fn overtaken(&self, key: &Key, turn: &mut Turn<'_>) -> Result<Response, Failure> {
        turn.change(self.service, key, |row| {
            notification::stamp(row, self.now);
            Ok(())
        })?;
        self.system.statistics.count_fault(FaultKind::EtagMoved);
        Err(moved())
    }

    fn check_if_match(&self, row: &Row) -> Result<(), Failure> {
        match (self.call.header(header::IF_MATCH.as_str()), self.etag(row)) {
            (None, Some(_)) => Err(precondition_required(self.service.dialect)),
            (Some(given), Some(present)) if given != "*" && given != present => Err(moved()),
            _ => Ok(()),
        }
    }

    fn etag(&self, row: &Row) -> Option<String> {
        match self.service.dialect {
            Dialect::V2 => etag(row),
            Dialect::V4 => etag_v4(row),
        }
    }

    fn call_function(&self, function: &Function, turn: &mut Turn<'_>) -> Result<Response, Failure> {
        self.count(RequestKind::Function);
        let parameters = self.parameters(function.parameters)?;
        let key = match parameters.first() {
            Some(("MaintenanceNotification", number)) => vec![number.clone()],
            _ => return Err(Failure::malformed("Parameter 'MaintenanceNotification' is missing")),
        };
        let (effect, now) = (function.effect, self.now);
        let document = turn.change(self.service, &key, |row| notification::perform(effect, row, &parameters, now))?;
        Ok(self.document(StatusCode::OK, &document.row, &Projection::all(self.service.root)))
    }

    /// The originals attached to an object, or how many there are.
    fn list_attachments(&self, function: &Function) -> Result<Response, Failure> {
        self.count(RequestKind::Function);
        let parameters = self.parameters(function.parameters)?;
        let found = attachments::of(self.system, self.service, &parameters)?;
        if function.effect == Effect::CountOriginals {
            return Ok(attachments::count(found.len()));
        }
        let projection = Projection::all(self.service.root);
        let rows = found.iter().map(|document| &document.row);
        Ok(reply::json(StatusCode::OK, self.printer().list(rows, &projection, None, None)))
    }

    /// The parameters given in the query, in the order of their declaration.
    pub(super) fn parameters(&self, declared: &'static [Field]) -> Result<Vec<(&'static str, Cell)>, Failure> {
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

    /// The address of an entity.
    fn uri(&self, row: &Row) -> String {
        format!("{}/{}{}", self.base, row.kind.set, row.key_predicate(self.service.dialect))
    }

    pub(super) fn document(&self, status: StatusCode, row: &Row, projection: &Projection) -> Response {
        let mut response = if self.service.dialect == Dialect::V4 {
            reply::json_v4(status, print_v4::document(row, projection))
        } else if self.json {
            reply::json(status, self.printer().document(row, projection))
        } else {
            reply::xml(status, atom::document(&self.printer(), row, projection))
        };
        if let Some(etag) = self.etag(row) {
            reply::put(&mut response, header::ETAG, &etag);
        }
        response
    }

    pub(super) fn count(&self, kind: RequestKind) {
        self.system.statistics.count(kind);
    }
}

/// A requisition that asks to be checked only.
fn is_dry_run(row: &Row) -> bool {
    row.get("PurReqnDoOnlyValidation") == Some(&Cell::Flag(true))
}

fn moved() -> Failure {
    let (status, code) = (StatusCode::PRECONDITION_FAILED, "SADL_ENTITY_RUNTIME/003");
    Failure::precondition(status, code, "The entity was changed since it was read")
}

/// 428, as the runtime of each version words it.
pub(super) fn precondition_required(dialect: Dialect) -> Failure {
    let code = match dialect {
        Dialect::V2 => "SADL_ENTITY_RUNTIME/004",
        Dialect::V4 => "/IWBEP/CM_V4_APPS/017",
    };
    Failure::precondition(StatusCode::PRECONDITION_REQUIRED, code, "If-Match header is missing")
}

pub(super) fn unsupported(what: &str) -> Failure {
    Failure::framework(StatusCode::NOT_IMPLEMENTED, what)
}
