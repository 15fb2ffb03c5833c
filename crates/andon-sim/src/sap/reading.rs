//! The reading side of an exchange: documents, lists, counts, children, and what describes the service.

use std::sync::Arc;

use axum::response::Response;
use http::{StatusCode, header};

use super::address::{Key, Resource};
use super::dialect::Dialect;
use super::exchange::{Exchange, unsupported};
use super::failure::Failure;
use super::fields::EntityType;
use super::filter::Filter;
use super::ledger::Document;
use super::projection::Projection;
use super::row::Row;
use super::tables::MIME_TYPE;
use super::{atom, metadata, metadata_v4, print_v4, property, reply, stock};
use crate::statistics::RequestKind;

impl Exchange<'_> {
    /// Answers a GET or HEAD.
    pub(super) fn read(&self, resource: Resource) -> Result<Response, Failure> {
        match resource {
            Resource::ServiceDocument => Ok(self.service_document()),
            Resource::Metadata => {
                self.count(RequestKind::Metadata);
                Ok(reply::xml(StatusCode::OK, self.metadata()))
            }
            Resource::Set | Resource::Count | Resource::Entity(_) | Resource::Property(..) | Resource::Children(..)
                if !self.service.allowed.read =>
            {
                let what = format!("{} offers no read operation", self.service.root.set);
                Err(unsupported(&what))
            }
            Resource::Set if self.service.media => {
                Err(unsupported("This set is not addressable: call GetAllOriginals"))
            }
            Resource::Set => self.list(),
            Resource::Count => self.number_of_documents(),
            Resource::Entity(key) => self.read_one(&key),
            Resource::Property(key, position) => self.read_property(&key, position),
            Resource::Content(key) => self.content(&key),
            Resource::Children(key, at) => self.read_children(&key, at),
            Resource::Parts(kind) => self.list_parts(kind),
            Resource::Part(kind, key) => self.read_part(kind, &key),
            Resource::Batch | Resource::Function(_) => {
                Err(Failure::framework(StatusCode::METHOD_NOT_ALLOWED, "This resource is called by POST"))
            }
        }
    }

    fn metadata(&self) -> String {
        match self.service.dialect {
            Dialect::V2 => metadata::edmx(self.service),
            Dialect::V4 => metadata_v4::edmx(self.service),
        }
    }

    fn service_document(&self) -> Response {
        self.count(RequestKind::ServiceDocument);
        if self.service.dialect == Dialect::V4 {
            reply::json_v4(StatusCode::OK, metadata_v4::document(self.service))
        } else if self.json {
            reply::json(StatusCode::OK, metadata::document_json(self.service))
        } else {
            reply::xml(StatusCode::OK, metadata::document_xml(self.service, &self.base))
        }
    }

    fn read_one(&self, key: &Key) -> Result<Response, Failure> {
        self.count(RequestKind::Read);
        let projection = self.projection(self.service.root)?;
        Ok(self.document(StatusCode::OK, &self.find(key)?.row, &projection))
    }

    fn read_property(&self, key: &Key, position: u8) -> Result<Response, Failure> {
        self.count(RequestKind::Read);
        let document = self.find(key)?;
        Ok(property::answer(self.service.dialect, self.json, &document.row, position))
    }

    /// The bytes of an attachment.
    fn content(&self, key: &Key) -> Result<Response, Failure> {
        self.count(RequestKind::Read);
        let document = self.find(key)?;
        let content = document.content.clone().unwrap_or_default();
        let mut response = reply::with_type(StatusCode::OK, "application/octet-stream", content);
        reply::put(&mut response, header::CONTENT_TYPE, document.row.text(MIME_TYPE));
        Ok(response)
    }

    fn read_children(&self, key: &Key, at: usize) -> Result<Response, Failure> {
        self.count(RequestKind::Read);
        let document = self.find(key)?;
        let navigation = &self.service.root.navigations[at];
        let projection = self.projection(navigation.target)?;
        let children = &document.row.children[at];
        match (navigation.single, children.first()) {
            (true, Some(child)) => Ok(self.document(StatusCode::OK, child, &projection)),
            (true, None) => Err(Failure::not_found(navigation.name)),
            (false, _) => Ok(self.rows(navigation.target, children.iter(), &projection, None, None)),
        }
    }

    /// The children of all documents, filtered and cut as a list of documents is.
    fn list_parts(&self, kind: &'static EntityType) -> Result<Response, Failure> {
        self.count(RequestKind::List);
        let projection = self.projection(kind)?;
        let (filter, order) = (self.query.filter(self.service.dialect, kind)?, self.query.order(kind)?);
        let documents = self.candidates(kind, filter.as_ref());
        let parts = documents.iter().flat_map(|document| document.row.of_kind(kind));
        let mut found: Vec<&Row> =
            parts.filter(|row| filter.as_ref().is_none_or(|filter| filter.passes(row))).collect();
        if !order.is_natural() {
            found.sort_by(|a, b| order.compare(a, b));
        }
        let count = self.query.inlinecount.then_some(found.len());
        let top = self.query.top.unwrap_or(usize::MAX).min(self.system.config.page_size);
        let page = found.into_iter().skip(self.query.skip).take(top);
        Ok(self.rows(kind, page, &projection, count, None))
    }

    fn read_part(&self, kind: &'static EntityType, key: &Key) -> Result<Response, Failure> {
        self.count(RequestKind::Read);
        let projection = self.projection(kind)?;
        let document = self.find(&key[..1].to_vec())?;
        let part = document.row.of_kind(kind).into_iter().find(|row| row.has_key(key));
        let part = part.ok_or_else(|| Failure::not_found(kind.set))?;
        Ok(self.document(StatusCode::OK, part, &projection))
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
        let rows = page.map(|document| &document.row);
        Ok(self.rows(self.service.root, rows, &projection, count, next.as_deref()))
    }

    /// The documents that pass `$filter`, in the order of `$orderby`.
    fn matching(&self) -> Result<Vec<Arc<Document>>, Failure> {
        let root = self.service.root;
        let (filter, order) = (self.query.filter(self.service.dialect, root)?, self.query.order(root)?);
        let mut found = self.candidates(root, filter.as_ref());
        if let Some(filter) = &filter {
            found.retain(|document| filter.passes(&document.row));
        }
        if !order.is_natural() {
            found.sort_by(|a, b| order.compare(&a.row, &b.row));
        }
        Ok(found)
    }

    /// The documents that a filter on a kind of row needs to see.
    fn candidates(&self, kind: &EntityType, filter: Option<&Filter>) -> Vec<Arc<Document>> {
        if self.service.stock {
            let named = kind.keys.first().and_then(|name| filter?.pinned(kind.position(name)?));
            return stock::matching(&self.system.config, self.service, named);
        }
        let reference = self.service.reference.and_then(|name| kind.position(name));
        let pinned = reference.and_then(|at| filter?.pinned(at)).filter(|text| !text.is_empty());
        self.system.ledger.candidates(self.service, pinned)
    }

    fn next_link(&self, token: usize) -> String {
        let kept = self.call.query.split('&').filter(|pair| !pair.contains("skiptoken=") && !pair.is_empty());
        let kept: String = kept.flat_map(|pair| [pair, "&"]).collect();
        format!("{}/{}?{kept}$skiptoken={token}", self.base, self.service.root.set)
    }

    fn find(&self, key: &Key) -> Result<Arc<Document>, Failure> {
        let found = if self.service.stock {
            stock::find(&self.system.config, self.service, key)
        } else {
            self.system.ledger.find(self.service, key)
        };
        found.ok_or_else(|| Failure::not_found(self.service.root.set))
    }

    fn projection(&self, kind: &'static EntityType) -> Result<Projection, Failure> {
        match self.service.dialect {
            Dialect::V2 => Projection::parse(kind, &self.query.select, &self.query.expand),
            Dialect::V4 => Projection::parse_v4(kind, &self.query.select, &self.query.expand),
        }
    }

    fn rows<'r>(
        &self,
        kind: &EntityType,
        rows: impl Iterator<Item = &'r Row>,
        projection: &Projection,
        count: Option<usize>,
        next: Option<&str>,
    ) -> Response {
        if self.service.dialect == Dialect::V4 {
            reply::json_v4(StatusCode::OK, print_v4::list(kind.set, rows, projection, count, next))
        } else if self.json {
            reply::json(StatusCode::OK, self.printer().list(rows, projection, count, next))
        } else {
            reply::xml(StatusCode::OK, atom::list(&self.printer(), rows, projection, count))
        }
    }
}
