//! One property of an entity as an answer of its own.
//!
//! Clients read one where an answer left it out. V2: `{"d":{"Name":value}}`, or an element of that name; V4:
//! `{"@odata.context":…,"value":…}`.

use axum::response::Response;
use http::StatusCode;

use super::cell::Cell;
use super::dialect::Dialect;
use super::row::Row;
use super::{cell_v4, reply};

/// Name space of the properties of V2.
const DATA: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices";

/// The answer that shows the property at a position.
pub(crate) fn answer(dialect: Dialect, json: bool, row: &Row, position: u8) -> Response {
    let field = row.kind.field(position);
    let (name, cell) = (field.name, row.at(position));
    let mut out = Vec::new();
    match dialect {
        Dialect::V4 => {
            let key = row.key_predicate(Dialect::V4);
            out.extend(format!("{{\"@odata.context\":\"$metadata#{}{key}/{name}\",\"value\":", row.kind.set).bytes());
            cell_v4::print(cell, field.edm, &mut out);
            out.extend(b"}");
            reply::json_v4(StatusCode::OK, out)
        }
        Dialect::V2 if json => {
            out.extend(format!("{{\"d\":{{\"{name}\":").bytes());
            Cell::print(cell, field.edm, &mut out);
            out.extend(b"}}");
            reply::json(StatusCode::OK, out)
        }
        Dialect::V2 => {
            let value = reply::escape_xml(&Cell::plain(cell, field.edm));
            reply::xml(StatusCode::OK, format!("<{name} xmlns=\"{DATA}\">{value}</{name}>"))
        }
    }
}
