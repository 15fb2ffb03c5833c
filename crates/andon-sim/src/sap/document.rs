//! One document of the books: what it refers to, and how the books show it.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::cell::Cell;
use super::fields::Service;
use super::ledger::Document;
use super::report::{AttachmentEntry, BookEntry, ChildEntry};
use super::row::Row;

impl Document {
    /// A document that is not in the books: master data.
    pub(crate) fn of_stock(service: &'static Service, row: Row) -> Self {
        let created_at = andon_model::Timestamp::from_micros(0);
        Self { number: 0, service, row, created_at, request: 0, changes: 0, content: None }
    }

    /// Whether it belongs to the service and has the key.
    pub(crate) fn is(&self, service: &Service, key: &[Cell]) -> bool {
        std::ptr::eq(self.service, service) && self.row.has_key(key)
    }

    /// The caller's references that it carries, each once: of the document or of its children. Of an
    /// attachment: `<object type>/<object key>/<file name>`.
    pub(crate) fn references(&self) -> Vec<Box<str>> {
        if self.service.media {
            return vec![self.place().into()];
        }
        let mut found: Vec<Box<str>> = Vec::new();
        let Some(name) = self.service.reference else { return found };
        self.row.each(&mut |row| {
            let text = row.text(name);
            if !text.is_empty() && !found.iter().any(|known| **known == *text) {
                found.push(text.into());
            }
        });
        found
    }

    /// Whether a text occurs in a property of it or its children.
    pub(crate) fn contains(&self, needle: &str) -> bool {
        let mut found = false;
        self.row.each(&mut |row| {
            let here = |(_, cell): &(u8, Cell)| matches!(cell, Cell::Text(text) if text.contains(needle));
            found = found || row.cells().iter().any(here);
        });
        found
    }

    /// What the books show.
    pub(crate) fn entry(&self, first: u64) -> BookEntry {
        let fields = self.service.summary.iter().map(|name| ((*name).to_owned(), self.row.text(name).to_owned()));
        BookEntry {
            number: self.number.to_string(),
            service: self.service.name.to_owned(),
            entity_set: self.service.root.set.to_owned(),
            reference: self.references().first().map(ToString::to_string),
            fields: fields.collect(),
            created_at: self.created_at,
            sequence: self.number - first + 1,
            request: self.request,
            changes: self.changes,
            children: children(&self.row),
            attachment: self.attachment(),
        }
    }

    fn attachment(&self) -> Option<AttachmentEntry> {
        let content = self.content.as_ref()?;
        Some(AttachmentEntry {
            file_name: self.row.text("FileName").to_owned(),
            mime_type: self.row.text("MimeType").to_owned(),
            object_type: self.row.text("BusinessObjectTypeName").to_owned(),
            object_key: self.row.text("LinkedSAPObjectKey").to_owned(),
            bytes: content.len() as u64,
            sha256: hexadecimal(&Sha256::digest(content)),
        })
    }

    fn place(&self) -> String {
        let text = |name| self.row.text(name);
        format!("{}/{}/{}", text("BusinessObjectTypeName"), text("LinkedSAPObjectKey"), text("FileName"))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn children(row: &Row) -> Vec<ChildEntry> {
    let each = row.kind.navigations.iter().zip(&row.children);
    each.flat_map(|(navigation, children)| children.iter().map(|child| entry_of(navigation.name, child))).collect()
}

fn entry_of(navigation: &str, child: &Row) -> ChildEntry {
    let given = child.cells().iter().map(|(at, cell)| {
        let field = child.kind.field(*at);
        (field.name.to_owned(), Cell::plain(Some(cell), field.edm))
    });
    ChildEntry {
        navigation: navigation.to_owned(),
        fields: given.collect::<BTreeMap<_, _>>(),
        children: children(child),
    }
}
