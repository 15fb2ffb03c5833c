//! The reading side of an exchange: documents, lists, counts, children, and what describes the service.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;

use super::address::Resource;
use super::exchange::{Exchange, unsupported};
use super::failure::Failure;
use super::fields::EntityType;
use super::ledger::Document;
use super::projection::Projection;
use super::row::Row;
use super::{atom, metadata, reply};
use crate::statistics::RequestKind;

impl Exchange<'_> {
    /// Answers a GET or HEAD.
    pub(super) fn read(&self, resource: Resource) -> Result<Response, Failure> {
        match resource {
            Resource::ServiceDocument => Ok(self.service_document()),
            Resource::Metadata => {
                self.count(RequestKind::Metadata);
                Ok(reply::xml(StatusCode::OK, metadata::edmx(self.service)))
            }
            Resource::Set | Resource::Count | Resource::Entity(_) | Resource::Children(..)
                if !self.service.readable =>
            {
                let what = format!("{} offers no read operation", self.service.root.set);
                Err(unsupported(&what))
            }
            Resource::Set => self.list(),
            Resource::Count => self.number_of_documents(),
            Resource::Entity(number) => self.read_one(&number),
            Resource::Children(number, at) => self.read_children(&number, at),
            Resource::Batch | Resource::Function(_) => {
                Err(Failure::framework(StatusCode::METHOD_NOT_ALLOWED, "This resource is called by POST"))
            }
        }
    }

    fn service_document(&self) -> Response {
        self.count(RequestKind::ServiceDocument);
        if self.json {
            reply::json(StatusCode::OK, metadata::document_json(self.service))
        } else {
            reply::xml(StatusCode::OK, metadata::document_xml(self.service, &self.base))
        }
    }

    fn read_one(&self, number: &str) -> Result<Response, Failure> {
        self.count(RequestKind::Read);
        let projection = self.projection(self.service.root)?;
        Ok(self.document(StatusCode::OK, &self.find(number)?.row, &projection))
    }

    fn read_children(&self, number: &str, at: usize) -> Result<Response, Failure> {
        self.count(RequestKind::Read);
        let document = self.find(number)?;
        let projection = self.projection(self.service.root.navigations[at].target)?;
        Ok(self.rows(document.row.children[at].iter(), &projection, None, None))
    }

    fn number_of_documents(&self) -> Result<Response, Failure> {
        self.count(RequestKind::List);
        Ok(reply::text(StatusCode::OK, self.matching()?.len().to_string()))
    }

    fn list(&self) -> Result<Response, Failure> {
        self.count(RequestKind::List);
        let projection = self.projection(self.service.root)?;
        let found = self.matching()?;
        let count = self.query.inlinecount.then_some(found.len());
        let window: Vec<_> = found.iter().skip(self.query.skip).take(self.query.top.unwrap_or(usize::MAX)).collect();
        let end = self.query.skiptoken.saturating_add(self.system.config.page_size);
        let next = (window.len() > end).then(|| self.next_link(end));
        let page = window.into_iter().skip(self.query.skiptoken).take(self.system.config.page_size);
        Ok(self.rows(page.map(|document| &document.row), &projection, count, next.as_deref()))
    }

    /// The documents that pass `$filter`, in the order of `$orderby`.
    fn matching(&self) -> Result<Vec<Arc<Document>>, Failure> {
        let root = self.service.root;
        let (filter, order) = (self.query.filter(root)?, self.query.order(root)?);
        let reference = self.service.reference.and_then(|name| root.position(name));
        let pinned = reference.and_then(|at| filter.as_ref()?.pinned(at)).filter(|text| !text.is_empty());
        let mut found = self.system.ledger.candidates(self.service, pinned);
        if let Some(filter) = &filter {
            found.retain(|document| filter.passes(&document.row));
        }
        if !order.is_natural() {
            found.sort_by(|a, b| order.compare(&a.row, &b.row));
        }
        Ok(found)
    }

    fn next_link(&self, token: usize) -> String {
        let kept = self.call.query.split('&').filter(|pair| !pair.contains("skiptoken=") && !pair.is_empty());
        let kept: String = kept.flat_map(|pair| [pair, "&"]).collect();
        format!("{}/{}?{kept}$skiptoken={token}", self.base, self.service.root.set)
    }

    fn find(&self, number: &str) -> Result<Arc<Document>, Failure> {
        self.system.ledger.find(self.service, number).ok_or_else(|| Failure::not_found(self.service.root.set))
    }

    fn projection(&self, kind: &'static EntityType) -> Result<Projection, Failure> {
        Projection::parse(kind, &self.query.select, &self.query.expand)
    }

    fn rows<'r>(
        &self,
        rows: impl Iterator<Item = &'r Row>,
        projection: &Projection,
        count: Option<usize>,
        next: Option<&str>,
    ) -> Response {
        if self.json {
            reply::json(StatusCode::OK, self.printer().list(rows, projection, count, next))
        } else {
            reply::xml(StatusCode::OK, atom::list(&self.printer(), rows, projection, count))
        }
    }
}
