//! What SAP is asked about an asset, and how its answer is read.
//!
//! Both services are `OData` V2 (`API_EQUIPMENT`, `API_FUNCTIONALLOCATION`); an equipment has a row for each span of time, of
//! which the last is valid without end. Pure.

use andon_act::{Request, StepKind, step_key};
use andon_assets::LinkQuery;
use andon_assets::definition::{LinkSearch, Links};
use andon_model::{Code, EventKey, Key, Name, Problem};
use serde_json::Value;

/// Rows that are looked at: more than one equipment is one too many.
const ROWS: &str = "10";
const TIMEOUT_MS: u64 = 20_000;

/// A service with the set of what is searched, and how its rows are ordered.
struct Place {
    service: &'static str,
    set: &'static str,
    select: &'static str,
    order: &'static str,
}

const fn place(search: LinkSearch) -> Place {
    match search {
        LinkSearch::Equipment => Place {
            service: "/sap/opu/odata/sap/API_EQUIPMENT",
            set: "Equipment",
            select: "Equipment,ValidityEndDate,FunctionalLocation",
            order: "ValidityEndDate desc",
        },
        LinkSearch::FunctionalLocation => Place {
            service: "/sap/opu/odata/sap/API_FUNCTIONALLOCATION",
            set: "FunctionalLocation",
            select: "FunctionalLocation",
            order: "FunctionalLocation",
        },
    }
}

/// The request that searches for `value`.
pub(super) fn request(query: &LinkQuery, value: &str, destination: &Name) -> Request {
    let Place { service, set, select, order } = place(query.search);
    let filter = format!("{} eq '{}'", query.field, value.replace('\'', "''"));
    let options = [("$filter", filter.as_str()), ("$select", select), ("$orderby", order), ("$top", ROWS)];
    Request {
        kind: StepKind::Odata,
        method: "GET".to_owned(),
        path: format!("{service}/{set}"),
        query: options.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        headers: Vec::new(),
        content_type: None,
        body: None,
        csrf: false,
        service: Some(service.to_owned()),
        key: key(&query.asset, destination),
        repeatable_since: None,
        changeset: Vec::new(),
        if_match: None,
        attachment: None,
        budget: None,
        timeout_ms: TIMEOUT_MS,
    }
}

/// Tells questions apart in logs; a search creates nothing that could be there twice.
fn key(asset: &str, destination: &Name) -> Key {
    let event = EventKey { source: "/andon/assets".to_owned(), id: asset.to_owned() };
    step_key(&event, destination, destination)
}

/// The links that an answer tells; the error says why it tells none.
pub(super) fn links(query: &LinkQuery, value: &str, body: &Value) -> Result<Links, Problem> {
    let set = place(query.search).set;
    let LinkQuery { destination, field, .. } = query;
    let refused = |code, detail: String| Err(Problem::new(code, detail));
    let Some(rows) = rows(body) else {
        return refused(Code::NotFound, format!("{destination} answers with no list of {set}"));
    };
    let mut names: Vec<&str> = rows.iter().filter_map(|row| text(row, set)).collect();
    let newest = rows.iter().find(|row| text(row, set).is_some());
    names.sort_unstable();
    names.dedup();
    match (names.as_slice(), newest) {
        ([name], Some(row)) => Ok(read(query.search, name, row)),
        ([], _) | (_, None) => {
            refused(Code::NotFound, format!("{destination} has no {set} whose {field} is {value:?}"))
        }
        (several, _) => {
            let detail = format!("{destination} has several {set} whose {field} is {value:?}: {}", several.join(", "));
            refused(Code::NotFound, detail)
        }
    }
}

fn read(search: LinkSearch, name: &str, row: &Value) -> Links {
    match search {
        LinkSearch::Equipment => Links {
            equipment: Some(name.to_owned()),
            functional_location: text(row, "FunctionalLocation").map(str::to_owned),
        },
        LinkSearch::FunctionalLocation => Links { equipment: None, functional_location: Some(name.to_owned()) },
    }
}

/// The rows, as V2 wraps them.
fn rows(body: &Value) -> Option<&Vec<Value>> {
    let list = body.get("d").unwrap_or(body);
    list.get("results").unwrap_or(list).as_array()
}

fn text<'v>(row: &'v Value, field: &str) -> Option<&'v str> {
    row.get(field)?.as_str().filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn query(search: LinkSearch) -> LinkQuery {
        let (asset, destination, field) = ("press-1".to_owned(), "s4".to_owned(), "InventoryNumber".to_owned());
        LinkQuery { asset, destination, search, field, value: None, refresh: Duration::from_mins(1) }
    }

    #[test]
    fn values_are_quoted() {
        let destination = Name::new("s4").expect("a name");
        let request = request(&query(LinkSearch::Equipment), "o'hara & sons", &destination);
        assert_eq!(request.path, "/sap/opu/odata/sap/API_EQUIPMENT/Equipment");
        assert_eq!(request.query[0].1, "InventoryNumber eq 'o''hara & sons'");
    }

    #[test]
    fn answers_tell_links_or_why_there_are_none() {
        let check = |search, rows: Value, expect: Result<(Option<&str>, Option<&str>), &str>| {
            let found = links(&query(search), "INV-7", &json!({ "d": { "results": rows } }));
            let found = found.map_err(|problem| problem.detail);
            match (found, expect) {
                (Ok(found), Ok((equipment, location))) => {
                    assert_eq!(
                        (found.equipment.as_deref(), found.functional_location.as_deref()),
                        (equipment, location)
                    );
                }
                (Err(detail), Err(part)) => assert!(detail.contains(part), "{detail}"),
                (found, expect) => panic!("{found:?} is not {expect:?}"),
            }
        };
        let row = |id: &str, at: &str| json!({ "Equipment": id, "FunctionalLocation": at });
        let equipment = LinkSearch::Equipment;
        check(equipment, json!([row("7", "1010-CWS")]), Ok((Some("7"), Some("1010-CWS"))));
        check(equipment, json!([row("7", ""), row("7", "1010-OLD")]), Ok((Some("7"), None)));
        check(equipment, json!([]), Err("has no Equipment whose InventoryNumber is \"INV-7\""));
        check(equipment, json!([row("7", ""), row("8", "")]), Err("several Equipment"));
        check(equipment, json!({ "odd": 1 }), Err("no list of Equipment"));
        check(LinkSearch::FunctionalLocation, json!([row("", "1010-CWS")]), Ok((None, Some("1010-CWS"))));
    }
}
