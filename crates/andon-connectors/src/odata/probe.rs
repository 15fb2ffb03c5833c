//! Searching for the document that a lost request may have created.
//!
//! **Constraints.** What a service gives is compared again: a service that ignores a filter must not make us adopt
//! somebody else's document. Letter case does not count, since SAP folds reference fields.

use andon_act::{Found, Match, ProbeQuery, Response, StepKind};
use andon_model::{Code, Problem};
use serde_json::{Value, json};

/// The query parameters of a search: at most two documents whose field fits. A listing knows no filter.
pub(crate) fn parameters(query: &ProbeQuery) -> Vec<(String, String)> {
    if query.listing {
        return query.query.clone();
    }
    let mut parameters = vec![("$filter".to_owned(), filter(query)), ("$top".to_owned(), "2".to_owned())];
    parameters.extend((query.kind != StepKind::OdataV4).then(|| ("$format".to_owned(), "json".to_owned())));
    parameters.extend(query.query.iter().cloned());
    parameters
}

fn filter(query: &ProbeQuery) -> String {
    let (field, literal) = (&query.field, query.value.replace('\'', "''"));
    match (query.matching, query.kind) {
        (Match::Equals, _) => format!("{field} eq '{literal}'"),
        (Match::Contains, StepKind::OdataV4) => format!("contains({field},'{literal}')"),
        (Match::Contains, _) => format!("substringof('{literal}',{field})"),
    }
}

/// Address of the next page, if there is one.
pub(crate) fn next_link(page: &Value) -> Option<&str> {
    page.pointer("/d/__next").or_else(|| page.get("@odata.nextLink"))?.as_str()
}

/// The documents that fit, over all pages of an answer.
pub(crate) struct Tally<'q> {
    query: &'q ProbeQuery,
    first: Option<Response>,
    count: usize,
}

impl<'q> Tally<'q> {
    pub(crate) fn new(query: &'q ProbeQuery) -> Self {
        Self { query, first: None, count: 0 }
    }

    /// Takes a page in. Fails when it cannot be told which of its documents fit.
    pub(crate) fn add(&mut self, page: &Value) -> Result<(), Problem> {
        let unreadable = || Problem::new(Code::Undecodable, "the answer to the search holds no list of documents");
        let (entities, wrap) = entities(page).ok_or_else(unreadable)?;
        for entity in entities {
            if self.fits(entity)? {
                self.count += 1;
                self.first.get_or_insert_with(|| response(entity, wrap));
            }
        }
        Ok(())
    }

    /// What was found, after the last page.
    pub(crate) fn found(self) -> Found {
        match (self.first, self.count) {
            (Some(response), 1) => Found::One(response),
            (None, _) => Found::Absent,
            (Some(_), several) => Found::Several(several),
        }
    }

    /// Whether a document is one that is searched for. A listing holds others as well, a filtered answer must not;
    /// without the field a document proves nothing, since a service may have ignored the filter.
    fn fits(&self, entity: &Value) -> Result<bool, Problem> {
        let query = self.query;
        let held = query.field.split('/').try_fold(entity, |value, name| value.get(name));
        match held {
            None => Err(self.doubt("a document without this field, which proves nothing")),
            Some(held) if matches(query, held) => Ok(true),
            Some(_) if query.listing => Ok(false),
            Some(held) => Err(self.doubt(&format!("a document with {held}: is the field filterable?"))),
        }
    }

    fn doubt(&self, what: &str) -> Problem {
        let what = format!("the search for {} = {} gave {what}", self.query.field, self.query.value);
        Problem::new(Code::ConfigurationValue, what).at(self.query.path.clone())
    }
}

fn matches(query: &ProbeQuery, held: &Value) -> bool {
    let Some(held) = held.as_str().map(str::to_lowercase) else { return false };
    let wanted = query.value.to_lowercase();
    match query.matching {
        Match::Equals => held == wanted,
        Match::Contains => !wanted.is_empty() && held.contains(&wanted),
    }
}

/// The documents, and whether an entity is wrapped in `d` (V2) or stands by itself (V4).
fn entities(body: &Value) -> Option<(&[Value], bool)> {
    let v2 = body.pointer("/d/results").or_else(|| body.get("d"));
    if let Some(list) = v2.and_then(Value::as_array) {
        return Some((list, true));
    }
    body.get("value").and_then(Value::as_array).map(|list| (list.as_slice(), false))
}

fn response(entity: &Value, wrap: bool) -> Response {
    let etag = entity.pointer("/__metadata/etag").or_else(|| entity.get("@odata.etag"));
    let location = entity.pointer("/__metadata/uri");
    Response {
        status: 200,
        body: if wrap { json!({ "d": entity }) } else { entity.clone() },
        etag: etag.and_then(Value::as_str).map(str::to_owned),
        location: location.and_then(Value::as_str).map(str::to_owned),
        warnings: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use andon_model::Key;

    fn query() -> ProbeQuery {
        ProbeQuery {
            kind: StepKind::Odata,
            path: "/s/Set".into(),
            field: "Ref".into(),
            key: Key::new("K'1"),
            value: "K'1".into(),
            matching: Match::Equals,
            listing: false,
            query: vec![("$select".into(), "Ref".into())],
            timeout_ms: 1_000,
        }
    }

    fn parameter(query: &ProbeQuery) -> String {
        let all = parameters(query);
        all.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_dialect_has_its_filter() {
        let contains = ProbeQuery { matching: Match::Contains, ..query() };
        let v4 = |query: ProbeQuery| ProbeQuery { kind: StepKind::OdataV4, ..query };
        assert_eq!(parameter(&query()), "$filter=Ref eq 'K''1' $top=2 $format=json $select=Ref");
        assert_eq!(parameter(&contains), "$filter=substringof('K''1',Ref) $top=2 $format=json $select=Ref");
        assert_eq!(parameter(&v4(query())), "$filter=Ref eq 'K''1' $top=2 $select=Ref");
        assert_eq!(parameter(&v4(contains)), "$filter=contains(Ref,'K''1') $top=2 $select=Ref");
        assert_eq!(parameter(&ProbeQuery { listing: true, ..query() }), "$select=Ref");
    }

    /// `absent`, `one <No>`, `several <n>` or the code of a problem.
    fn found(query: &ProbeQuery, pages: &[Value]) -> String {
        let mut tally = Tally::new(query);
        match pages.iter().try_for_each(|page| tally.add(page)) {
            Err(problem) => problem.code.to_string(),
            Ok(()) => match tally.found() {
                Found::Absent => "absent".to_owned(),
                Found::One(response) => {
                    format!("one {}", response.body.pointer("/d/No").unwrap_or(&response.body["No"]))
                }
                Found::Several(count) => format!("several {count}"),
                Found::Unknown(problem) => problem.code.to_string(),
            },
        }
    }

    #[test]
    fn filtered_answers_are_counted() {
        let check =
            |body: Value, expect: &str| assert_eq!(found(&query(), std::slice::from_ref(&body)), expect, "{body}");
        let entity = json!({"Ref": "k'1", "No": 7});
        check(json!({"d": {"results": []}}), "absent");
        check(json!({"d": {"results": [entity]}}), "one 7");
        check(json!({"value": [entity]}), "one 7");
        check(json!({"value": [{"No": 7}]}), "AND-2007");
        check(json!({"value": [entity, {"No": 8}]}), "AND-2007");
        check(json!({"d": [entity, entity]}), "several 2");
        check(json!({"d": {"results": [{"Ref": "other"}]}}), "AND-2007");
        check(json!({"d": {"results": [{"Ref": null}]}}), "AND-2007");
        check(json!({"d": {"results": [{"Ref": "a k'1"}]}}), "AND-2007");
        check(json!({"error": 1}), "AND-1001");
    }

    #[test]
    fn what_a_contains_search_gives_is_compared_again() {
        let contains = ProbeQuery { matching: Match::Contains, ..query() };
        let check = |held: &str, expect: &str| {
            assert_eq!(found(&contains, &[json!({"value": [{"Ref": held, "No": 7}]})]), expect);
        };
        check("Bearing k'1 hot", "one 7");
        check("Bearing hot", "AND-2007");
    }

    #[test]
    fn a_listing_is_compared_over_all_pages() {
        let listing = ProbeQuery { listing: true, matching: Match::Contains, ..query() };
        let page = |held: &[&str]| json!({"d": {"results": held.iter().map(|h| json!({"Ref": h, "No": 7})).collect::<Vec<_>>()}});
        assert_eq!(found(&listing, &[page(&["a.png", "b.png"]), page(&["part-K'1.png"])]), "one 7");
        assert_eq!(found(&listing, &[page(&["k'1.png"]), page(&["part-K'1.png"])]), "several 2");
        assert_eq!(found(&listing, &[page(&["a.png"]), page(&[])]), "absent");
        assert_eq!(found(&listing, &[json!({"d": {"results": [{"No": 7}]}})]), "AND-2007", "nothing to compare");
        assert_eq!(next_link(&json!({"d": {"results": [], "__next": "Set?$skiptoken=2"}})), Some("Set?$skiptoken=2"));
        assert_eq!(next_link(&json!({"value": [], "@odata.nextLink": "Set?$skip=2"})), Some("Set?$skip=2"));
        assert_eq!(next_link(&page(&[])), None);
    }

    #[test]
    fn a_found_document_brings_tag_and_address() {
        let entity = json!({"Ref": "K'1", "__metadata": {"etag": "W/\"1\"", "uri": "u"}});
        let response = response(&entity, true);
        assert_eq!((response.etag.as_deref(), response.location.as_deref()), (Some("W/\"1\""), Some("u")));
        assert_eq!(super::response(&json!({"@odata.etag": "W/\"2\""}), false).etag.as_deref(), Some("W/\"2\""));
    }
}
