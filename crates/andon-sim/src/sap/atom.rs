//! Atom answers, for clients that did not ask for JSON. Properties only, no links.

use std::fmt::Write as _;

use super::cell::Cell;
use super::print::{Printer, etag};
use super::projection::Projection;
use super::reply::escape_xml;
use super::row::Row;

const NAMESPACES: &str = "xmlns=\"http://www.w3.org/2005/Atom\" \
     xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\" \
     xmlns:d=\"http://schemas.microsoft.com/ado/2007/08/dataservices\"";

/// One entity as an Atom entry.
pub(crate) fn document(printer: &Printer<'_>, row: &Row, projection: &Projection) -> String {
    entry(printer, row, projection, NAMESPACES)
}

/// Entities as an Atom feed.
pub(crate) fn list<'r>(
    printer: &Printer<'_>,
    rows: impl Iterator<Item = &'r Row>,
    projection: &Projection,
    count: Option<usize>,
) -> String {
    let count = count.map(|count| format!("<m:count>{count}</m:count>")).unwrap_or_default();
    let entries: String = rows.map(|row| entry(printer, row, projection, "")).collect();
    format!("<feed {NAMESPACES}>{count}{entries}</feed>")
}

fn entry(printer: &Printer<'_>, row: &Row, projection: &Projection, attributes: &str) -> String {
    let etag = etag(row).map(|etag| format!(" m:etag=\"{}\"", escape_xml(&etag))).unwrap_or_default();
    let id = escape_xml(&printer.uri(row));
    let kind = row.kind.name;
    let namespace = printer.service.namespace;
    let mut out = format!(
        "<entry {attributes}{etag}><id>{id}</id><category term=\"{namespace}.{kind}\"/>\
         <content type=\"application/xml\"><m:properties>"
    );
    for (position, field) in (0_u8..).zip(row.kind.fields).filter(|(position, _)| projection.shows(*position)) {
        let value = escape_xml(&Cell::plain(row.at(position), field.edm));
        // Writing to a string cannot fail.
        let _ = write!(out, "<d:{name}>{value}</d:{name}>", name = field.name);
    }
    out.push_str("</m:properties></content></entry>");
    out
}
