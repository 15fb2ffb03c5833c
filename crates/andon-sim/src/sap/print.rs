//! Prints entities as OData V2 JSON, straight into bytes.
//!
//! Properties stand in the order of the metadata; initial ones are printed with SAP's initial value, so an
//! answer is always complete. Expanded children stand under `results`, others are `__deferred`.

use andon_model::Timestamp;

use super::cell::Cell;
use super::dialect::Dialect;
use super::fields::Service;
use super::projection::{Link, Projection};
use super::row::Row;
use super::tables::MIME_TYPE;

/// Room for one printed document.
const TYPICAL_BYTES: usize = 6 * 1_024;

/// Prints for one service under one base address (`http://host/sap/opu/odata/sap/SERVICE`).
pub(crate) struct Printer<'a> {
    pub(crate) base: &'a str,
    pub(crate) service: &'static Service,
}

impl Printer<'_> {
    /// `{"d":{…}}`
    pub(crate) fn document(&self, row: &Row, projection: &Projection) -> Vec<u8> {
        let mut out = Vec::with_capacity(TYPICAL_BYTES);
        out.extend_from_slice(b"{\"d\":");
        self.entity(row, projection, &mut out);
        out.push(b'}');
        out
    }

    /// `{"d":{"__count":"n","results":[…],"__next":"…"}}`
    pub(crate) fn list<'r>(
        &self,
        rows: impl Iterator<Item = &'r Row>,
        projection: &Projection,
        count: Option<usize>,
        next: Option<&str>,
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(TYPICAL_BYTES);
        out.extend_from_slice(b"{\"d\":{");
        if let Some(count) = count {
            out.extend_from_slice(format!("\"__count\":\"{count}\",").as_bytes());
        }
        out.extend_from_slice(b"\"results\":");
        self.array(rows, projection, &mut out);
        if let Some(next) = next {
            out.extend_from_slice(b",\"__next\":");
            text(next, &mut out);
        }
        out.extend_from_slice(b"}}");
        out
    }

    /// The address of an entity.
    pub(crate) fn uri(&self, row: &Row) -> String {
        format!("{}/{}{}", self.base, row.kind.set, row.key_predicate(Dialect::V2))
    }

    fn entity(&self, row: &Row, projection: &Projection, out: &mut Vec<u8>) {
        let uri = self.uri(row);
        self.head(row, &uri, out);
        let mut given = row.cells().iter().peekable();
        for (position, field) in (0_u8..).zip(row.kind.fields) {
            let cell = given.next_if(|(at, _)| *at == position).map(|(_, cell)| cell);
            if projection.shows(position) {
                name(field.name, out);
                Cell::print(cell, field.edm, out);
            }
        }
        for ((navigation, children), link) in row.kind.navigations.iter().zip(&row.children).zip(&projection.links) {
            match link {
                Link::Hidden => {}
                Link::Deferred => deferred(navigation.name, &uri, out),
                Link::Expanded(inner) => {
                    name(navigation.name, out);
                    self.expanded(navigation.single, children, inner, out);
                }
            }
        }
        out.push(b'}');
    }

    fn expanded(&self, single: bool, children: &[Row], inner: &Projection, out: &mut Vec<u8>) {
        match (single, children.first()) {
            (true, Some(child)) => self.entity(child, inner, out),
            (true, None) => out.extend_from_slice(b"null"),
            (false, _) => {
                out.extend_from_slice(b"{\"results\":");
                self.array(children.iter(), inner, out);
                out.push(b'}');
            }
        }
    }

    fn head(&self, row: &Row, uri: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"__metadata\":{\"id\":");
        text(uri, out);
        out.extend_from_slice(b",\"uri\":");
        text(uri, out);
        out.extend_from_slice(b",\"type\":\"");
        out.extend_from_slice(self.service.namespace.as_bytes());
        out.push(b'.');
        out.extend_from_slice(row.kind.name.as_bytes());
        out.push(b'"');
        if let Some(etag) = etag(row) {
            out.extend_from_slice(b",\"etag\":");
            text(&etag, out);
        }
        if self.service.media {
            media(row, uri, out);
        }
        out.push(b'}');
    }

    fn array<'r>(&self, rows: impl Iterator<Item = &'r Row>, projection: &Projection, out: &mut Vec<u8>) {
        out.push(b'[');
        for (index, row) in rows.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.entity(row, projection, out);
        }
        out.push(b']');
    }
}

/// Where the bytes of a media document are, and of which type.
fn media(row: &Row, uri: &str, out: &mut Vec<u8>) {
    let source = format!("{uri}/$value");
    for (member, value) in [("content_type", row.text(MIME_TYPE)), ("media_src", &source), ("edit_media", &source)] {
        name(member, out);
        text(value, out);
    }
}

/// The weak `ETag` of a document: its change stamp, percent-encoded as SAP writes it.
pub(crate) fn etag(row: &Row) -> Option<String> {
    let Some(Cell::Millis(millis)) = row.get(row.kind.stamp?) else { return None };
    let stamp = Timestamp::from_micros(millis.saturating_mul(1_000)).to_string().replace(':', "%3A");
    Some(format!("W/\"datetimeoffset'{stamp}'\""))
}

/// The `ETag` as services of V4 write it.
pub(crate) fn etag_v4(row: &Row) -> Option<String> {
    let Some(Cell::Millis(millis)) = row.get(row.kind.stamp?) else { return None };
    let stamp = Timestamp::from_micros(millis.saturating_mul(1_000)).to_string();
    let digits: String = stamp.chars().filter(char::is_ascii_digit).take(14).collect();
    Some(format!("W/\"SADL-{digits}~{digits}\""))
}

fn deferred(navigation: &str, uri: &str, out: &mut Vec<u8>) {
    name(navigation, out);
    out.extend_from_slice(b"{\"__deferred\":{\"uri\":");
    text(&format!("{uri}/{navigation}"), out);
    out.extend_from_slice(b"}}");
}

pub(super) fn name(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

pub(super) fn text(text: &str, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = serde_json::to_writer(out, text);
}
