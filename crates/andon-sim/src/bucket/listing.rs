//! Pages of `ListObjectsV2`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::objects::Object;

/// Most objects and prefixes of a page.
const MAX_KEYS: usize = 1_000;

/// What is to be listed; texts are empty where nothing was asked for.
pub(super) struct Wanted<'a> {
    pub(super) prefix: &'a str,
    pub(super) delimiter: &'a str,
    /// Only keys behind this one.
    pub(super) after: &'a str,
}

/// The page of the keys, which come in order.
pub(super) fn page<'a>(objects: impl Iterator<Item = (&'a str, &'a Object)>, wanted: &Wanted<'_>) -> String {
    let (mut contents, mut prefixes, mut last, mut count) = (String::new(), BTreeSet::new(), None, 0);
    let listed = objects.filter(|(key, _)| key.starts_with(wanted.prefix) && *key > wanted.after);
    let mut is_cut = false;
    for (key, object) in listed {
        if count == MAX_KEYS {
            is_cut = true;
            break;
        }
        last = Some(key);
        if let Some(prefix) = common_prefix(key, wanted) {
            count += usize::from(prefixes.insert(prefix));
        } else {
            push(&mut contents, key, object);
            count += 1;
        }
    }
    for prefix in prefixes {
        // Writing into a text cannot fail.
        let _ = write!(contents, "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escape(prefix));
    }
    let next = last.filter(|_| is_cut).map(escape);
    let next = next.map(|key| format!("<NextContinuationToken>{key}</NextContinuationToken>")).unwrap_or_default();
    format!("<ListBucketResult><IsTruncated>{is_cut}</IsTruncated>{next}{contents}</ListBucketResult>")
}

/// The part up to the first delimiter behind the prefix.
fn common_prefix<'a>(key: &'a str, wanted: &Wanted<'_>) -> Option<&'a str> {
    let rest = key.get(wanted.prefix.len()..)?;
    let at = rest.find(wanted.delimiter).filter(|_| !wanted.delimiter.is_empty())?;
    key.get(..wanted.prefix.len() + at + wanted.delimiter.len())
}

fn push(page: &mut String, key: &str, object: &Object) {
    let (key, tag, size, changed) = (escape(key), escape(&object.tag), object.bytes.len(), object.changed);
    let _ = write!(
        page,
        "<Contents><Key>{key}</Key><LastModified>{changed}</LastModified><ETag>{tag}</ETag><Size>{size}</Size></Contents>"
    );
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

pub(super) fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
}
