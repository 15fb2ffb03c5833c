//! Prints entities as OData V4 JSON: no wrapper around one entity, `value` around several, `@odata.etag`.

use super::cell_v4;
use super::print::{etag_v4, text};
use super::projection::{Link, Projection};
use super::row::Row;

/// `{"@odata.context":…,…}`
pub(crate) fn document(row: &Row, projection: &Projection) -> Vec<u8> {
    let mut out = format!("{{\"@odata.context\":\"$metadata#{}/$entity\"", row.kind.set).into_bytes();
    entity(row, projection, false, &mut out);
    out.push(b'}');
    out
}

/// `{"@odata.context":…,"@odata.count":n,"value":[…],"@odata.nextLink":…}`
pub(crate) fn list<'r>(
    set: &str,
    rows: impl Iterator<Item = &'r Row>,
    projection: &Projection,
    count: Option<usize>,
    next: Option<&str>,
) -> Vec<u8> {
    let mut out = format!("{{\"@odata.context\":\"$metadata#{set}\"").into_bytes();
    if let Some(count) = count {
        out.extend_from_slice(format!(",\"@odata.count\":{count}").as_bytes());
    }
    out.extend_from_slice(b",\"value\":");
    array(rows, projection, &mut out);
    if let Some(next) = next {
        out.extend_from_slice(b",\"@odata.nextLink\":");
        text(next, &mut out);
    }
    out.push(b'}');
    out
}

/// The members of an entity; `first` says whether nothing stands before them.
fn entity(row: &Row, projection: &Projection, first: bool, out: &mut Vec<u8>) {
    let mut first = first;
    if let Some(etag) = etag_v4(row) {
        member("@odata.etag", &mut first, out);
        text(&etag, out);
    }
    for (position, field) in (0_u8..).zip(row.kind.fields).filter(|(position, _)| projection.shows(*position)) {
        member(field.name, &mut first, out);
        cell_v4::print(row.at(position), field.edm, out);
    }
    for ((navigation, children), link) in row.kind.navigations.iter().zip(&row.children).zip(&projection.links) {
        if let Link::Expanded(inner) = link {
            member(navigation.name, &mut first, out);
            array(children.iter(), inner, out);
        }
    }
}

fn array<'r>(rows: impl Iterator<Item = &'r Row>, projection: &Projection, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, row) in rows.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.push(b'{');
        entity(row, projection, true, out);
        out.push(b'}');
    }
    out.push(b']');
}

fn member(name: &str, first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::take(first) {
        out.push(b',');
    }
    text(name, out);
    out.push(b':');
}
