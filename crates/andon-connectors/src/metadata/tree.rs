//! An XML document as a small tree: elements with local names, attributes, children and text.
//!
//! Namespaces are not told apart: EDMX has been published under many, and local names are unambiguous in it.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::MetadataError;

/// Most bytes of a document.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Most elements within one another.
const MAX_DEPTH: usize = 64;
/// Most elements.
const MAX_ELEMENTS: usize = 400_000;

/// An element.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Local name.
    pub(super) name: String,
    /// Local names and values, in order.
    attributes: Vec<(String, String)>,
    /// Elements in it, in order.
    pub(super) children: Vec<Element>,
    /// Its own text, trimmed.
    pub(super) text: String,
    /// Byte offset.
    at: usize,
}

impl Element {
    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Children with this name.
    pub(super) fn children_named<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Something wrong with it.
    pub(super) fn fault(&self, document: &str, what: impl Into<String>) -> MetadataError {
        MetadataError::at(document, self.at, what)
    }

    /// The value of an attribute that must be there.
    pub(super) fn needed(&self, document: &str, name: &str) -> Result<&str, MetadataError> {
        self.attribute(name).ok_or_else(|| self.fault(document, format!("{} has no {name}", self.name)))
    }
}

/// Reads a document.
pub(super) fn read(document: &str) -> Result<Element, MetadataError> {
    if document.len() > MAX_BYTES {
        return Err(MetadataError::at(document, 0, format!("a metadata document has at most {MAX_BYTES} bytes")));
    }
    let mut reader = Reader::from_str(document.trim_start_matches('\u{feff}'));
    reader.config_mut().expand_empty_elements = true;
    let mut growth = Growth { document, open: vec![Element::default()], count: 0 };
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match reader.read_event() {
            Ok(Event::Start(start)) => growth.start(&start, at)?,
            Ok(Event::Text(text)) => growth.text(&text.xml10_content()),
            Ok(Event::CData(text)) => growth.text(&text.xml10_content()),
            Ok(Event::End(_)) => growth.end(),
            Ok(Event::DocType(_)) => return Err(MetadataError::at(document, at, "a document type is not accepted")),
            Ok(Event::Eof) => return growth.finish(),
            Ok(_) => {}
            Err(error) => {
                let at = usize::try_from(reader.error_position()).unwrap_or(usize::MAX);
                return Err(MetadataError::at(document, at, format!("the XML is not well-formed: {error}")));
            }
        }
    }
}

/// The elements that are open, outermost first; the first stands for the document.
struct Growth<'d> {
    document: &'d str,
    open: Vec<Element>,
    count: usize,
}

impl Growth<'_> {
    fn start(&mut self, start: &BytesStart<'_>, at: usize) -> Result<(), MetadataError> {
        self.count += 1;
        if self.open.len() > MAX_DEPTH || self.count > MAX_ELEMENTS {
            let what = format!("at most {MAX_ELEMENTS} elements, {MAX_DEPTH} within one another, are read");
            return Err(MetadataError::at(self.document, at, what));
        }
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let fault = |error: &dyn std::fmt::Display| {
                MetadataError::at(self.document, at, format!("an attribute cannot be read: {error}"))
            };
            let attribute = attribute.map_err(|error| fault(&error))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| fault(&error))?;
            attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
        }
        let name = start.local_name().as_ref().to_owned();
        self.open.push(Element { name, attributes, at, ..Element::default() });
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(element) = self.open.last_mut() {
            element.text.push_str(text.trim());
        }
    }

    fn end(&mut self) {
        if self.open.len() > 1
            && let Some(element) = self.open.pop()
            && let Some(parent) = self.open.last_mut()
        {
            parent.children.push(element);
        }
    }

    /// The outermost element.
    fn finish(mut self) -> Result<Element, MetadataError> {
        let end = self.document.len();
        if self.open.len() > 1 {
            let name = self.open.pop().map(|element| element.name).unwrap_or_default();
            return Err(MetadataError::at(self.document, end, format!("the document ends within {name}")));
        }
        let root = self.open.pop().and_then(|mut document| document.children.pop());
        root.ok_or_else(|| MetadataError::at(self.document, 0, "there is no XML here"))
    }
}
