//! The query part of a URL: system query options and function parameters.

use std::cmp::Ordering;

use percent_encoding::percent_decode_str;

use super::cell::Cell;
use super::dialect::Dialect;
use super::failure::Failure;
use super::fields::EntityType;
use super::filter::{Filter, value_of};
use super::row::Row;

/// The decoded options.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) filter: Option<String>,
    pub(crate) select: String,
    pub(crate) expand: String,
    pub(crate) orderby: String,
    pub(crate) top: Option<usize>,
    pub(crate) skip: usize,
    pub(crate) skiptoken: usize,
    pub(crate) inlinecount: bool,
    pub(crate) json: bool,
    /// Everything that does not start with `$`.
    pub(crate) custom: Vec<(String, String)>,
}

impl Query {
    /// Reads the query part of a URL.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            query.take(&decode(name), decode(value))?;
        }
        Ok(query)
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), Failure> {
        match name {
            "$filter" => self.filter = Some(value),
            "$select" => self.select = value,
            "$expand" => self.expand = value,
            "$orderby" => self.orderby = value,
            "$top" => self.top = Some(count(name, &value)?),
            "$skip" => self.skip = count(name, &value)?,
            "$skiptoken" => self.skiptoken = count(name, &value)?,
            "$inlinecount" => self.inlinecount = inlinecount(&value)?,
            "$count" => self.inlinecount = value == "true",
            "$format" => self.json = format_is_json(&value)?,
            _ if name.starts_with('$') => {
                return Err(Failure::malformed(format!("Query option '{name}' is not supported")));
            }
            _ => self.custom.push((name.to_owned(), value)),
        }
        Ok(())
    }

    /// The parsed `$filter`.
    pub(crate) fn filter(&self, dialect: Dialect, kind: &'static EntityType) -> Result<Option<Filter>, Failure> {
        self.filter.as_deref().map(|text| Filter::parse(dialect, kind, text)).transpose()
    }

    /// The parsed `$orderby`.
    pub(crate) fn order(&self, kind: &'static EntityType) -> Result<Order, Failure> {
        let keys = self.orderby.split(',').map(str::trim).filter(|key| !key.is_empty());
        keys.map(|key| order_key(kind, key)).collect::<Result<_, _>>().map(|keys| Order { kind, keys })
    }
}

/// The parsed `$orderby`.
pub(crate) struct Order {
    kind: &'static EntityType,
    keys: Vec<(u8, bool)>,
}

impl Order {
    /// Whether rows stay in the order of their numbers.
    pub(crate) fn is_natural(&self) -> bool {
        self.keys.is_empty()
    }

    /// Compares two rows; null comes first.
    pub(crate) fn compare(&self, a: &Row, b: &Row) -> Ordering {
        let by_key = self.keys.iter().map(|(at, descending)| {
            let initial = Cell::initial(self.kind.field(*at).edm);
            let (a, b) = (value_of(a, *at, initial.as_ref()), value_of(b, *at, initial.as_ref()));
            let order = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
            if *descending { order.reverse() } else { order }
        });
        by_key.fold(Ordering::Equal, Ordering::then)
    }
}

/// Decodes a query part, where a plus sign is a space.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn order_key(kind: &EntityType, key: &str) -> Result<(u8, bool), Failure> {
    let (name, direction) = key.split_once(' ').unwrap_or((key, "asc"));
    let malformed = |what: &str| Failure::malformed(format!("Invalid $orderby: {what}"));
    let at = kind.position(name).ok_or_else(|| malformed(&format!("property {name} does not exist")))?;
    match direction.trim() {
        "asc" => Ok((at, false)),
        "desc" => Ok((at, true)),
        other => Err(malformed(&format!("{other:?} is neither asc nor desc"))),
    }
}

fn count(name: &str, value: &str) -> Result<usize, Failure> {
    value.parse().map_err(|_| Failure::malformed(format!("Invalid {name}: {value:?} is not a whole number")))
}

fn inlinecount(value: &str) -> Result<bool, Failure> {
    match value {
        "allpages" => Ok(true),
        "none" => Ok(false),
        other => Err(Failure::malformed(format!("Invalid $inlinecount: {other:?} is neither allpages nor none"))),
    }
}

fn format_is_json(value: &str) -> Result<bool, Failure> {
    match value {
        "json" => Ok(true),
        "atom" | "xml" => Ok(false),
        other => Err(Failure::malformed(format!("Invalid $format: {other:?} is not supported"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_decoded() {
        let query =
            Query::parse("$filter=A%20eq+'x%26y'&$top=2&$inlinecount=allpages&sap-client=100&$format=json").unwrap();
        assert_eq!(query.filter.as_deref(), Some("A eq 'x&y'"));
        assert_eq!((query.top, query.inlinecount, query.json), (Some(2), true, true));
        assert_eq!(query.custom, [("sap-client".to_owned(), "100".to_owned())]);
    }

    #[test]
    fn malformed_options_are_refused() {
        for text in ["$top=x", "$skip=-1", "$inlinecount=some", "$format=yaml", "$search=x"] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}
