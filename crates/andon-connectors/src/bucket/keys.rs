//! Keys that the client of the object store cannot name.
//!
//! S3 takes any characters as a key; the client takes no empty folder names (`in//x`) and no control
//! characters, and gives up the whole page of a listing, up to 1,000 objects, for one such key. So the page
//! is looked through before the client reads it: objects with such keys are taken out and kept aside, and
//! the listing brings them back as candidates that can only be reported.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use andon_model::Timestamp;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    ReqwestConnector,
};
use object_store::path::Path;

use super::listing::{Candidate, stamp};
use crate::odata::xml;

/// Largest page of a listing; 1,000 keys of 1 KiB, escaped, are far below.
const MAX_PAGE_BYTES: usize = 32 << 20;

/// Most objects that are kept aside at once; more are found by the next listing.
const MAX_ASIDE: usize = 10_000;

/// Objects of the listing under way that the client cannot name.
#[derive(Debug, Default)]
pub(super) struct OddKeys(Mutex<Vec<Candidate>>);

impl OddKeys {
    /// Takes what was found so far.
    pub(super) fn take(&self) -> Vec<Candidate> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, found: impl Iterator<Item = Candidate>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_ASIDE.saturating_sub(kept.len());
        kept.extend(found.take(room));
    }
}

/// Connects as the client does by itself, and looks through the pages of listings.
#[derive(Debug)]
pub(super) struct Connector(pub(super) Arc<OddKeys>);

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Sieve { inner, odd: Arc::clone(&self.0) }))
    }
}

#[derive(Debug)]
struct Sieve {
    inner: HttpClient,
    odd: Arc<OddKeys>,
}

#[async_trait]
impl HttpService for Sieve {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_listing = request.uri().query().is_some_and(|query| query.split('&').any(|part| part == "list-type=2"));
        let response = self.inner.execute(request).await?;
        if !is_listing || !response.status().is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let page = sift(read(body).await?, &self.odd);
        Ok(HttpResponse::from_parts(parts, page.into()))
    }
}

async fn read(body: HttpResponseBody) -> Result<Bytes, HttpError> {
    let (mut page, mut chunks) = (BytesMut::new(), body.bytes_stream());
    while let Some(chunk) = chunks.next().await {
        page.extend_from_slice(&chunk?);
        if page.len() > MAX_PAGE_BYTES {
            let what = format!("a page of the listing is longer than {MAX_PAGE_BYTES} bytes");
            return Err(HttpError::new(HttpErrorKind::Decode, std::io::Error::other(what)));
        }
    }
    Ok(page.freeze())
}

/// The page without the objects that the client cannot name; those are kept aside.
fn sift(page: Bytes, odd: &OddKeys) -> Bytes {
    let Ok(text) = std::str::from_utf8(&page) else { return page };
    let found: Vec<(Range<usize>, Listed)> = entries(text).filter(|(_, listed)| listed.is_odd()).collect();
    if found.is_empty() {
        return page;
    }
    let (mut rest, mut from) = (String::with_capacity(text.len()), 0);
    for (range, _) in &found {
        rest.push_str(&text[from..range.start]);
        from = range.end;
    }
    rest.push_str(&text[from..]);
    odd.keep(found.into_iter().filter(|(_, listed)| listed.size > 0).map(|(_, listed)| listed.candidate()));
    rest.into()
}

/// The objects of a page, and where each stands in it. The element has no attributes, and its content holds
/// no `<` but those of its own elements.
fn entries(page: &str) -> impl Iterator<Item = (Range<usize>, Listed)> {
    const END: &str = "</Contents>";
    page.match_indices("<Contents>").filter_map(|(start, _)| {
        let end = start + page[start..].find(END)? + END.len();
        Some((start..end, Listed::read(&page[start..end])))
    })
}

/// An object as it was listed.
#[derive(Debug, Default)]
struct Listed {
    key: String,
    size: u64,
    modified: Timestamp,
    tag: Option<String>,
}

impl Listed {
    fn read(element: &str) -> Self {
        let mut listed = Self::default();
        for (path, text) in xml::exact_texts(element) {
            match path.as_str() {
                "Contents/Key" => listed.key = text,
                "Contents/Size" => listed.size = text.parse().unwrap_or_default(),
                "Contents/LastModified" => listed.modified = text.parse().unwrap_or_default(),
                "Contents/ETag" => listed.tag = Some(text.trim_matches('"').to_owned()),
                _ => {}
            }
        }
        listed
    }

    fn is_odd(&self) -> bool {
        Path::parse(&self.key).is_err()
    }

    fn candidate(self) -> Candidate {
        let version = self.tag.unwrap_or_else(|| stamp(self.modified.as_micros(), self.size));
        Candidate { last_modified: self.modified, path: self.key, version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys as they stand in the page, those that stay, and those that are kept aside.
    fn check(keys: &[&str], stay: &[&str], aside: &[&str]) {
        let entry = |key: &&str| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>2026-02-03T10:00:00.000Z</LastModified>\
                 <ETag>&quot;e1&quot;</ETag><Size>7</Size></Contents>"
            )
        };
        let page = |keys: &[&str]| {
            let entries: String = keys.iter().map(entry).collect();
            Bytes::from(format!("<ListBucketResult><Name>b</Name>{entries}<KeyCount>9</KeyCount></ListBucketResult>"))
        };
        let odd = OddKeys::default();
        assert_eq!(sift(page(keys), &odd), page(stay), "for {keys:?}");
        let found = odd.take();
        assert_eq!(found.iter().map(|candidate| candidate.path.as_str()).collect::<Vec<_>>(), aside);
        assert!(found.iter().all(|candidate| candidate.version == "e1" && candidate.last_modified.as_micros() > 0));
    }

    #[test]
    fn only_keys_without_a_name_are_taken_out() {
        let fine = ["in/a.jsonl", "in/b c%41.jsonl", "in/d &amp; ü.jsonl", "in/folder/"];
        check(&fine, &fine, &[]);
        check(&["in//a.jsonl", fine[0], "in/&#1;.jsonl"], &[fine[0]], &["in//a.jsonl", "in/\u{1}.jsonl"]);
        check(&[fine[1], "in/a&#10;", "in/../x"], &[fine[1]], &["in/a\n", "in/../x"]);
    }

    #[test]
    fn what_is_no_listing_stays_as_it_is() {
        for page in ["", "<Contents>", "<Contents><Key>a//b", "<ListBucketResult><Contents></Contents>"] {
            assert_eq!(sift(Bytes::from(page), &OddKeys::default()), page);
        }
        assert_eq!(sift(Bytes::from_static(&[0xff, 0xfe]), &OddKeys::default()).len(), 2);
    }
}
