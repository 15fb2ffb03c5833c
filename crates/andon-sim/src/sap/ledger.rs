//! The books: every document that was created, indexed by reference.
//!
//! **Constraints.** In memory and bounded. One lock, held for the commit only; documents are shared, so
//! that printing and filtering happen outside of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use andon_model::Timestamp;
use http::StatusCode;

use super::failure::Failure;
use super::fields::Service;
use super::notification::Birth;
use super::report::{BookEntry, Books, Duplicate, EchoEntry, Totals};
use super::row::Row;
use crate::lock::hold;

/// Most duplicates and echo keys in one report.
const MAX_LISTED: usize = 1_000;

/// A created document.
#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) number: u64,
    pub(crate) service: &'static Service,
    pub(crate) row: Row,
    created_at: Timestamp,
    request: u64,
    changes: u64,
}

/// What a create is asked to do.
pub(crate) struct Draft<'a> {
    pub(crate) service: &'static Service,
    pub(crate) row: Row,
    pub(crate) user: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) request: u64,
    /// The `RequestID` under which a repetition is recognised.
    pub(crate) repeat_id: Option<&'a str>,
}

/// Which part of the books to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extract {
    pub(crate) reference: Option<String>,
    /// List documents with greater numbers only.
    pub(crate) after: u64,
    pub(crate) limit: usize,
}

/// The books.
pub(crate) struct Ledger {
    pages: Mutex<Pages>,
    first: u64,
    cap: usize,
}

#[derive(Default)]
struct Pages {
    documents: Vec<Arc<Document>>,
    by_reference: HashMap<Box<str>, Vec<u64>>,
    by_repeat_id: HashMap<Box<str>, u64>,
    echoes: HashMap<Box<str>, u64>,
}

impl Ledger {
    pub(crate) fn new(first: u64, cap: usize) -> Self {
        Self { pages: Mutex::default(), first, cap }
    }

    /// Commits a new document, unless its `RequestID` was committed before: then gives that document.
    pub(crate) fn create(&self, draft: Draft<'_>) -> Result<Arc<Document>, Failure> {
        let mut pages = hold(&self.pages);
        if let Some(before) = draft.repeat_id.and_then(|id| pages.by_repeat_id.get(id)) {
            let index = self.index(*before);
            return index.and_then(|i| pages.documents.get(i)).cloned().ok_or_else(|| Failure::not_found("RequestID"));
        }
        if pages.documents.len() >= self.cap {
            return Err(Failure::framework(StatusCode::INSUFFICIENT_STORAGE, full(self.cap)));
        }
        let number = self.first + pages.documents.len() as u64;
        let mut row = draft.row;
        (draft.service.complete)(&mut row, &Birth { number, now: draft.now, user: draft.user });
        row.shrink();
        let (service, created_at, request) = (draft.service, draft.now, draft.request);
        let document = Arc::new(Document { number, service, row, created_at, request, changes: 0 });
        pages.enter(&document, draft.repeat_id);
        Ok(document)
    }

    /// The document with a number, leading zeros allowed.
    pub(crate) fn find(&self, service: &'static Service, number: &str) -> Option<Arc<Document>> {
        let index = self.index(number.parse().ok()?)?;
        let document = hold(&self.pages).documents.get(index).cloned()?;
        (document.service.name == service.name).then_some(document)
    }

    /// Changes a document: all or nothing.
    pub(crate) fn change(
        &self,
        service: &'static Service,
        number: &str,
        edit: impl FnOnce(&mut Row) -> Result<(), Failure>,
    ) -> Result<Arc<Document>, Failure> {
        let missing = || Failure::not_found(service.root.set);
        let index = number.parse().ok().and_then(|number| self.index(number)).ok_or_else(missing)?;
        let mut pages = hold(&self.pages);
        let present = pages.documents.get(index).filter(|d| d.service.name == service.name).ok_or_else(missing)?;
        let mut next = Document::clone(present);
        edit(&mut next.row)?;
        next.changes += 1;
        pages.replace(index, Arc::new(next))
    }

    /// The documents of a service that a filter needs to see: all, or those with a reference.
    pub(crate) fn candidates(&self, service: &'static Service, reference: Option<&str>) -> Vec<Arc<Document>> {
        let pages = hold(&self.pages);
        let belongs = |document: &&Arc<Document>| document.service.name == service.name;
        match reference {
            None => pages.documents.iter().filter(belongs).cloned().collect(),
            Some(reference) => self.with_reference(&pages, reference).filter(belongs).cloned().collect(),
        }
    }

    /// Counts a call of the echo; gives how often its key was seen, this time included.
    pub(crate) fn echo(&self, key: &str) -> u64 {
        let mut pages = hold(&self.pages);
        if pages.echoes.len() >= self.cap && !pages.echoes.contains_key(key) {
            return 1;
        }
        let calls = pages.echoes.entry(key.into()).or_insert(0);
        *calls += 1;
        *calls
    }

    /// Forgets everything and numbers from the start again.
    pub(crate) fn forget(&self) {
        *hold(&self.pages) = Pages::default();
    }

    /// The report.
    pub(crate) fn report(&self, extract: &Extract) -> Books {
        let pages = hold(&self.pages);
        let newer = |document: &&Arc<Document>| document.number > extract.after;
        let mut listed: Vec<&Arc<Document>> = match &extract.reference {
            Some(reference) => self.with_reference(&pages, reference).filter(newer).take(extract.limit + 1).collect(),
            None => pages.documents.iter().filter(newer).take(extract.limit + 1).collect(),
        };
        let truncated = listed.len() > extract.limit;
        listed.truncate(extract.limit);
        let documents = listed.into_iter().map(|document| self.entry(document)).collect();
        Books { totals: pages.totals(), duplicates: pages.duplicates(), documents, truncated, echoes: pages.echoes() }
    }

    fn with_reference<'p>(&self, pages: &'p Pages, reference: &str) -> impl Iterator<Item = &'p Arc<Document>> {
        let numbers = pages.by_reference.get(reference).map_or(&[][..], Vec::as_slice);
        numbers.iter().filter_map(|number| pages.documents.get(self.index(*number)?))
    }

    fn index(&self, number: u64) -> Option<usize> {
        number.checked_sub(self.first).and_then(|offset| usize::try_from(offset).ok())
    }

    fn entry(&self, document: &Document) -> BookEntry {
        let row = &document.row;
        let fields = document.service.summary.iter().map(|name| ((*name).to_owned(), row.text(name).to_owned()));
        BookEntry {
            number: document.number.to_string(),
            service: document.service.name.to_owned(),
            entity_set: document.service.root.set.to_owned(),
            reference: document.reference().map(str::to_owned),
            fields: fields.collect(),
            created_at: document.created_at,
            sequence: document.number - self.first + 1,
            request: document.request,
            changes: document.changes,
        }
    }
}

impl Document {
    fn reference(&self) -> Option<&str> {
        let text = self.row.text(self.service.reference?);
        (!text.is_empty()).then_some(text)
    }
}

impl Pages {
    fn enter(&mut self, document: &Arc<Document>, repeat_id: Option<&str>) {
        if let Some(reference) = document.reference() {
            self.by_reference.entry(reference.into()).or_default().push(document.number);
        }
        if let Some(id) = repeat_id {
            self.by_repeat_id.insert(id.into(), document.number);
        }
        self.documents.push(Arc::clone(document));
    }

    fn replace(&mut self, index: usize, next: Arc<Document>) -> Result<Arc<Document>, Failure> {
        let slot = self.documents.get_mut(index).ok_or_else(|| Failure::not_found(next.service.root.set))?;
        let last = std::mem::replace(slot, Arc::clone(&next));
        if last.reference() != next.reference() {
            self.move_reference(&last, &next);
        }
        Ok(next)
    }

    fn move_reference(&mut self, last: &Document, next: &Document) {
        if let Some(reference) = last.reference() {
            let numbers = self.by_reference.entry(reference.into()).or_default();
            numbers.retain(|number| *number != last.number);
            if numbers.is_empty() {
                self.by_reference.remove(reference);
            }
        }
        if let Some(reference) = next.reference() {
            self.by_reference.entry(reference.into()).or_default().push(next.number);
        }
    }

    fn totals(&self) -> Totals {
        let mut by_service = BTreeMap::new();
        for document in &self.documents {
            *by_service.entry(document.service.name.to_owned()).or_insert(0) += 1;
        }
        let referenced: usize = self.by_reference.values().map(Vec::len).sum();
        Totals {
            documents: self.documents.len() as u64,
            by_service,
            references: self.by_reference.len() as u64,
            without_reference: (self.documents.len() - referenced) as u64,
            surplus: (referenced - self.by_reference.len()) as u64,
            echo_keys: self.echoes.len() as u64,
        }
    }

    fn duplicates(&self) -> Vec<Duplicate> {
        let several = self.by_reference.iter().filter(|(_, numbers)| numbers.len() > 1);
        let duplicates = several.take(MAX_LISTED).map(|(reference, numbers)| Duplicate {
            reference: reference.to_string(),
            numbers: numbers.iter().map(u64::to_string).collect(),
        });
        let mut found: Vec<Duplicate> = duplicates.collect();
        found.sort_by(|a, b| a.numbers.cmp(&b.numbers));
        found
    }

    fn echoes(&self) -> Vec<EchoEntry> {
        let mut found: Vec<(&str, u64)> = self.echoes.iter().map(|(key, calls)| (key.as_ref(), *calls)).collect();
        found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        found.truncate(MAX_LISTED);
        found.into_iter().map(|(key, calls)| EchoEntry { key: key.to_owned(), calls }).collect()
    }
}

fn full(cap: usize) -> String {
    format!("The simulator's books are full ({cap} documents): empty them with DELETE /sim/books or raise the limit")
}
