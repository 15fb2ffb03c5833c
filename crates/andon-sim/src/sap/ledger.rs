//! The books: every document that was created, indexed by reference.
//!
//! **Constraints.** In memory and bounded. One lock, held for the commit only; documents are shared, so
//! that printing and filtering happen outside of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use andon_model::Timestamp;
use bytes::Bytes;
use http::StatusCode;

use super::cell::Cell;
use super::failure::Failure;
use super::fields::Service;
use super::report::{Books, Duplicate, EchoEntry, Totals};
use super::row::Row;
use super::tables::Birth;
use super::turn::Turn;
use crate::lock::hold;

/// Most duplicates and echo keys in one report.
const MAX_LISTED: usize = 1_000;

/// A created document.
#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) number: u64,
    pub(crate) service: &'static Service,
    pub(crate) row: Row,
    pub(crate) created_at: Timestamp,
    pub(crate) request: u64,
    pub(crate) changes: u64,
    /// The bytes of a media document.
    pub(crate) content: Option<Bytes>,
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
    /// The bytes of a media document.
    pub(crate) content: Option<Bytes>,
}

/// Which part of the books to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extract {
    pub(crate) reference: Option<String>,
    /// List documents only that have this text in a property or a child's property.
    pub(crate) contains: Option<String>,
    /// List documents with greater numbers only.
    pub(crate) after: u64,
    pub(crate) limit: usize,
}

/// The books.
pub(crate) struct Ledger {
    pages: Mutex<Pages>,
    first: u64,
    cap: usize,
    content_cap: usize,
}

#[derive(Default)]
pub(super) struct Pages {
    documents: Vec<Arc<Document>>,
    by_reference: HashMap<Box<str>, Vec<u64>>,
    by_repeat_id: HashMap<Box<str>, u64>,
    echoes: HashMap<Box<str>, u64>,
    content_bytes: usize,
    /// Documents that carry a reference.
    referenced: usize,
}

impl Ledger {
    /// Numbers documents from `first`, keeps at most `cap` of them and `content_cap` bytes of media.
    pub(crate) fn new(first: u64, cap: usize, content_cap: usize) -> Self {
        Self { pages: Mutex::default(), first, cap, content_cap }
    }

    /// A turn of single creates and changes, each committed by itself.
    pub(crate) fn singly(&self) -> Turn<'_> {
        Turn::new(self, None)
    }

    /// A turn that holds the books until it is over, so that it can be rolled back as a whole.
    pub(crate) fn together(&self) -> Turn<'_> {
        Turn::new(self, Some(hold(&self.pages)))
    }

    pub(super) fn pages(&self) -> &Mutex<Pages> {
        &self.pages
    }

    /// Commits a new document, unless its `RequestID` was committed before: then gives that document and false.
    pub(super) fn create(&self, pages: &mut Pages, draft: Draft<'_>) -> Result<(Arc<Document>, bool), Failure> {
        if let Some(before) = draft.repeat_id.and_then(|id| pages.by_repeat_id.get(id)) {
            let index = self.index(*before);
            let found = index.and_then(|i| pages.documents.get(i)).cloned();
            return found.map(|document| (document, false)).ok_or_else(|| Failure::not_found("RequestID"));
        }
        self.check_room(pages, &draft)?;
        let number = self.first + pages.documents.len() as u64;
        let mut row = draft.row;
        (draft.service.complete)(&mut row, &Birth { number, now: draft.now, user: draft.user });
        row.shrink();
        let (service, created_at, request, content) = (draft.service, draft.now, draft.request, draft.content);
        let document = Arc::new(Document { number, service, row, created_at, request, changes: 0, content });
        pages.enter(&document, draft.repeat_id);
        Ok((document, true))
    }

    fn check_room(&self, pages: &Pages, draft: &Draft<'_>) -> Result<(), Failure> {
        let bytes = pages.content_bytes + draft.content.as_ref().map_or(0, Bytes::len);
        if pages.documents.len() < self.cap && bytes <= self.content_cap {
            return Ok(());
        }
        Err(Failure::framework(StatusCode::INSUFFICIENT_STORAGE, full(self.cap, self.content_cap)))
    }

    /// The document with a key.
    pub(crate) fn find(&self, service: &'static Service, key: &[Cell]) -> Option<Arc<Document>> {
        let index = self.index((service.number_of)(key)?)?;
        let document = hold(&self.pages).documents.get(index).cloned()?;
        document.is(service, key).then_some(document)
    }

    /// Changes a document, all or nothing; gives it before and after.
    pub(super) fn change(
        &self,
        pages: &mut Pages,
        service: &'static Service,
        key: &[Cell],
        edit: impl FnOnce(&mut Row) -> Result<(), Failure>,
    ) -> Result<(Arc<Document>, Arc<Document>), Failure> {
        let missing = || Failure::not_found(service.root.set);
        let index = (service.number_of)(key).and_then(|number| self.index(number)).ok_or_else(missing)?;
        let present = pages.documents.get(index).filter(|document| document.is(service, key)).ok_or_else(missing)?;
        let mut next = Document::clone(present);
        edit(&mut next.row)?;
        next.changes += 1;
        let next = Arc::new(next);
        let before = pages.replace(index, &next)?;
        Ok((before, next))
    }

    /// Puts back what a document was before.
    pub(super) fn restore(&self, pages: &mut Pages, before: &Arc<Document>) {
        if let Some(index) = self.index(before.number) {
            // It was there a moment ago, and the books were held since.
            let _ = pages.replace(index, before);
        }
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
        let wanted = |document: &&Arc<Document>| {
            document.number > extract.after && extract.contains.as_ref().is_none_or(|needle| document.contains(needle))
        };
        let mut listed: Vec<&Arc<Document>> = match &extract.reference {
            Some(reference) => self.with_reference(&pages, reference).filter(wanted).take(extract.limit + 1).collect(),
            None => pages.documents.iter().filter(wanted).take(extract.limit + 1).collect(),
        };
        let truncated = listed.len() > extract.limit;
        listed.truncate(extract.limit);
        let documents = listed.into_iter().map(|document| document.entry(self.first)).collect();
        let (totals, duplicates, echoes) = (pages.totals(), pages.duplicates(), pages.echoes());
        Books { totals, duplicates, documents, truncated, echoes, ..Books::default() }
    }

    fn with_reference<'p>(&self, pages: &'p Pages, reference: &str) -> impl Iterator<Item = &'p Arc<Document>> {
        let numbers = pages.by_reference.get(reference).map_or(&[][..], Vec::as_slice);
        numbers.iter().filter_map(|number| pages.documents.get(self.index(*number)?))
    }

    fn index(&self, number: u64) -> Option<usize> {
        number.checked_sub(self.first).and_then(|offset| usize::try_from(offset).ok())
    }
}

impl Pages {
    fn enter(&mut self, document: &Arc<Document>, repeat_id: Option<&str>) {
        self.add_references(document);
        if let Some(id) = repeat_id {
            self.by_repeat_id.insert(id.into(), document.number);
        }
        self.content_bytes += document.content.as_ref().map_or(0, Bytes::len);
        self.documents.push(Arc::clone(document));
    }

    /// Takes the newest document out again.
    pub(super) fn leave(&mut self) {
        let Some(document) = self.documents.pop() else { return };
        self.remove_references(&document);
        self.by_repeat_id.retain(|_, number| *number != document.number);
        self.content_bytes -= document.content.as_ref().map_or(0, Bytes::len);
    }

    fn replace(&mut self, index: usize, next: &Arc<Document>) -> Result<Arc<Document>, Failure> {
        let slot = self.documents.get_mut(index).ok_or_else(|| Failure::not_found(next.service.root.set))?;
        let last = std::mem::replace(slot, Arc::clone(next));
        if last.references() != next.references() {
            self.remove_references(&last);
            self.add_references(next);
        }
        Ok(last)
    }

    fn add_references(&mut self, document: &Document) {
        let references = document.references();
        self.referenced += usize::from(!references.is_empty());
        for reference in references {
            self.by_reference.entry(reference).or_default().push(document.number);
        }
    }

    fn remove_references(&mut self, document: &Document) {
        let references = document.references();
        self.referenced -= usize::from(!references.is_empty());
        for reference in references {
            let Some(numbers) = self.by_reference.get_mut(&reference) else { continue };
            numbers.retain(|number| *number != document.number);
            if numbers.is_empty() {
                self.by_reference.remove(&reference);
            }
        }
    }

    fn totals(&self) -> Totals {
        let mut by_service = BTreeMap::new();
        for document in &self.documents {
            *by_service.entry(document.service.name.to_owned()).or_insert(0) += 1;
        }
        let references: usize = self.by_reference.values().map(Vec::len).sum();
        Totals {
            documents: self.documents.len() as u64,
            by_service,
            references: self.by_reference.len() as u64,
            without_reference: (self.documents.len() - self.referenced) as u64,
            surplus: (references - self.by_reference.len()) as u64,
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

fn full(cap: usize, content_cap: usize) -> String {
    format!(
        "The simulator's books are full ({cap} documents, {content_cap} bytes of attachments): empty them with \
         DELETE /sim/books or raise the limit"
    )
}
