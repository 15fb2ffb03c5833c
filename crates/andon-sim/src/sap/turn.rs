//! A turn at the books: single changes, or several that stand or fall together.
//!
//! A changeset of a `$batch` holds the books while it runs and notes how to undo each step. Rolled back, the
//! books are as before; dropped, what was done stands.

use std::sync::{Arc, MutexGuard};

use super::cell::Cell;
use super::failure::Failure;
use super::fields::Service;
use super::ledger::{Document, Draft, Ledger, Pages};
use super::row::Row;
use crate::lock::hold;

enum Undo {
    Leave,
    Restore(Arc<Document>),
}

/// A turn at the books.
pub(crate) struct Turn<'l> {
    ledger: &'l Ledger,
    held: Option<MutexGuard<'l, Pages>>,
    undo: Vec<Undo>,
}

impl<'l> Turn<'l> {
    pub(super) fn new(ledger: &'l Ledger, held: Option<MutexGuard<'l, Pages>>) -> Self {
        Self { ledger, held, undo: Vec::new() }
    }

    /// Commits a new document.
    pub(crate) fn create(&mut self, draft: Draft<'_>) -> Result<Arc<Document>, Failure> {
        let ledger = self.ledger;
        let (document, new) = self.with(|pages| ledger.create(pages, draft))?;
        if new {
            self.undo.push(Undo::Leave);
        }
        Ok(document)
    }

    /// Changes a document: all or nothing.
    pub(crate) fn change(
        &mut self,
        service: &'static Service,
        key: &[Cell],
        edit: impl FnOnce(&mut Row) -> Result<(), Failure>,
    ) -> Result<Arc<Document>, Failure> {
        let ledger = self.ledger;
        let (before, after) = self.with(|pages| ledger.change(pages, service, key, edit))?;
        self.undo.push(Undo::Restore(before));
        Ok(after)
    }

    /// Undoes everything, latest first. Only a turn that holds the books can do that.
    pub(crate) fn roll_back(mut self) {
        let Some(pages) = self.held.as_mut() else { return };
        for step in self.undo.drain(..).rev() {
            match step {
                Undo::Leave => pages.leave(),
                Undo::Restore(before) => self.ledger.restore(pages, &before),
            }
        }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Pages) -> T) -> T {
        match &mut self.held {
            Some(pages) => act(pages),
            None => act(&mut hold(self.ledger.pages())),
        }
    }
}
