//! Reading one object.

use andon_journal::Delivery;
use andon_model::{Code, Problem};
use bytes::Bytes;
use object_store::path::Path;
use object_store::{Attribute, Error, GetResult, ObjectMeta, ObjectStoreExt as _};

use super::Bucket;
use super::listing::stamp;
use crate::decode::unpacked;
use crate::source::Location;

/// How much of an object that is too large goes to quarantine.
const KEPT_BYTES: u64 = 64 << 10;

/// What became of reading an object.
pub(super) enum Fetched {
    /// It is here.
    Object(Delivery),
    /// It is larger than allowed: its first bytes, or all of it packed, and the problem that names the sizes.
    TooLarge(Delivery, Problem),
    /// It cannot be asked for by its name.
    Unnameable(Problem),
    /// It is not there any more.
    Gone,
}

impl Bucket {
    /// Reads the object at a path as listed.
    pub(super) async fn fetch(&self, path: &str) -> Result<Fetched, Problem> {
        let location = match Path::parse(path) {
            Ok(location) => location,
            Err(error) => return Ok(Fetched::Unnameable(self.failed(path, &format!("rename it: {error}")))),
        };
        let store = self.store().await?;
        let result = match store.get(&location).await {
            Ok(result) => result,
            Err(Error::NotFound { .. }) => return Ok(Fetched::Gone),
            Err(error) => return Err(self.failed(path, &error.to_string())),
        };
        let (size, mut delivery) = (result.meta.size, self.delivery(path, &result));
        let limit = self.spec.max_object_bytes;
        let too_large = size > limit;
        let body =
            if too_large { store.get_range(&location, 0..KEPT_BYTES.min(size)).await } else { result.bytes().await };
        delivery.body = body.map_err(|error| self.failed(path, &error.to_string()))?;
        Ok(if too_large {
            let problem = too_large_problem(path, size, limit, &delivery.body);
            Fetched::TooLarge(delivery, problem)
        } else {
            unpacked_object(delivery, limit)
        })
    }

    fn delivery(&self, path: &str, result: &GetResult) -> Delivery {
        Delivery {
            content_type: result.attributes.get(&Attribute::ContentType).map(|value| value.to_string()),
            headers: Vec::new(),
            path: path.to_owned(),
            version: self.version(&result.meta),
            body: Bytes::new(),
            ..Delivery::default()
        }
    }

    /// What tells one state of an object from the next.
    pub(super) fn version(&self, meta: &ObjectMeta) -> String {
        let stamp = || stamp(meta.last_modified.timestamp_micros(), meta.size);
        match &self.spec.location {
            Location::Folder(_) => stamp(),
            Location::S3(_) => meta.e_tag.as_deref().map_or_else(stamp, |tag| tag.trim_matches('"').to_owned()),
        }
    }

    pub(super) fn failed(&self, path: &str, why: &str) -> Problem {
        Problem::new(Code::Bucket, why).at(format!("source {}, object {path}", self.source))
    }
}

/// A packed object is unpacked here, once, before it is decoded in parts. A damaged one stays as it is: the
/// decoder says what is wrong with it.
fn unpacked_object(mut delivery: Delivery, limit: u64) -> Fetched {
    match unpacked(&delivery.body, limit) {
        Ok(body) => delivery.body = body,
        Err(problem) if problem.code == Code::TooLarge => {
            let place = format!("path {}, gzip", delivery.path);
            return Fetched::TooLarge(delivery, problem.at(place));
        }
        Err(_) => {}
    }
    Fetched::Object(delivery)
}

fn too_large_problem(path: &str, size: u64, limit: u64, kept: &Bytes) -> Problem {
    let what = format!(
        "the object has {size} bytes, the source's max_object_bytes is {limit}; its first {} bytes are kept here",
        kept.len()
    );
    Problem::new(Code::TooLarge, what).at(format!("path {path}"))
}
