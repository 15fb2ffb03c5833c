//! The section `[bucket]`.

use std::path::PathBuf;
use std::time::Duration;

use andon_model::Problem;
use toml::Spanned;

use super::file::{BucketSection, ImageRule};
use crate::config::Document;
use crate::credential::Credential;

/// Where and how a pulled source looks for objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSpec {
    /// Folder or bucket.
    pub location: Location,
    /// Only objects whose path ends so; empty for all.
    pub suffix: String,
    /// Pause between two listings.
    pub poll: Duration,
    /// Folders: how long a file must be unchanged.
    pub settle: Duration,
    /// Larger objects go to quarantine.
    pub max_object_bytes: u64,
    /// The pictures beside the results; `None` where the source's decoder knows of none.
    pub images: Option<ImageSpec>,
}

/// How the picture of a result is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageSpec {
    /// Whether a result without its picture goes to quarantine; otherwise it goes on without.
    pub required: bool,
    /// How long a result waits for its picture.
    pub wait: Duration,
}

/// Folder or bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder; a relative one stands in the data folder.
    Folder(PathBuf),
    /// A prefix of an S3 bucket.
    S3(S3Location),
}

/// A prefix of an S3 bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Location {
    /// Name of the bucket.
    pub bucket: String,
    /// Without slashes at its ends; empty for the whole bucket.
    pub prefix: String,
    /// Region, unless `AWS_REGION` says it.
    pub region: Option<String>,
    /// Address of a service that speaks S3.
    pub endpoint: Option<String>,
    /// Whether that address may be plain HTTP.
    pub allow_http: bool,
    /// Access key id and secret key; without them the environment or the instance gives them.
    pub keys: Option<(Credential, Credential)>,
}

impl Location {
    /// The prefix below which paths are counted; empty for folders.
    pub fn prefix(&self) -> &str {
        match self {
            Self::Folder(_) => "",
            Self::S3(s3) => &s3.prefix,
        }
    }

    /// The bucket's name, when it has one.
    pub fn bucket(&self) -> Option<&str> {
        match self {
            Self::Folder(_) => None,
            Self::S3(s3) => Some(&s3.bucket),
        }
    }
}

const MAX_OBJECT_BYTES: (u64, u64) = (1, 1 << 30);

/// The section but for `images`, which depend on the decoder: [`images`].
pub(super) fn checked(document: &Document<'_>, section: &BucketSection) -> Result<BucketSpec, Problem> {
    let hour = Duration::from_hours(1);
    let two_seconds = Duration::from_secs(2);
    Ok(BucketSpec {
        location: location(document, section)?,
        suffix: section.suffix.clone(),
        poll: document.duration(section.poll.as_ref(), two_seconds, (Duration::from_millis(100), hour))?,
        settle: document.duration(section.settle.as_ref(), two_seconds, (Duration::ZERO, hour))?,
        max_object_bytes: document.number(section.max_object_bytes.as_ref(), 64 << 20, MAX_OBJECT_BYTES)?,
        images: None,
    })
}

/// How pictures are waited for, if the decoder has them at all.
pub(super) fn images(
    document: &Document<'_>,
    section: &BucketSection,
    has_images: bool,
) -> Result<Option<ImageSpec>, Problem> {
    const NONE: &str = "the source's decoder reads no pictures beside its objects";
    if has_images {
        let required = section.image.as_ref().is_none_or(|rule| *rule.as_ref() == ImageRule::Required);
        let limits = (Duration::ZERO, Duration::from_hours(1));
        let wait = document.duration(section.image_wait.as_ref(), Duration::from_mins(1), limits)?;
        return Ok(Some(ImageSpec { required, wait }));
    }
    section.image.as_ref().map_or(Ok(()), |rule| Err(document.wrong(rule, NONE)))?;
    section.image_wait.as_ref().map_or(Ok(None), |wait| Err(document.wrong(wait, NONE)))
}

fn location(document: &Document<'_>, section: &BucketSection) -> Result<Location, Problem> {
    let url = section.url.as_ref();
    if let Some(rest) = url.strip_prefix("s3://") {
        return s3(document, section, rest).map(Location::S3);
    }
    refuse_s3_keys(document, section)?;
    match (url.strip_prefix("file://"), url.contains("://")) {
        (Some(path), _) if path.starts_with('/') => Ok(Location::Folder(path.into())),
        (None, false) if !url.is_empty() => Ok(Location::Folder(url.into())),
        _ => Err(document.wrong(&section.url, "use s3://bucket/prefix, file:///folder, or a relative folder")),
    }
}

fn s3(document: &Document<'_>, section: &BucketSection, rest: &str) -> Result<S3Location, Problem> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if bucket.is_empty() || !bucket.bytes().all(legal) {
        return Err(document.wrong(&section.url, format!("{bucket:?} is not the name of a bucket")));
    }
    let allow_http = section.allow_http.as_ref().is_some_and(|allow| *allow.as_ref());
    check_endpoint(document, section.endpoint.as_ref(), allow_http)?;
    Ok(S3Location {
        bucket: bucket.to_owned(),
        prefix: prefix.trim_matches('/').to_owned(),
        region: section.region.as_ref().map(|region| region.as_ref().clone()),
        endpoint: section.endpoint.as_ref().map(|endpoint| endpoint.as_ref().clone()),
        allow_http,
        keys: keys(document, section)?,
    })
}

fn check_endpoint(
    document: &Document<'_>,
    endpoint: Option<&Spanned<String>>,
    allow_http: bool,
) -> Result<(), Problem> {
    let Some(endpoint) = endpoint else { return Ok(()) };
    match endpoint.as_ref().split_once("://") {
        Some(("https", host)) if !host.is_empty() => Ok(()),
        Some(("http", host)) if !host.is_empty() && allow_http => Ok(()),
        Some(("http", _)) => Err(document.wrong(endpoint, "for plain HTTP say allow_http = true")),
        _ => Err(document.wrong(endpoint, "use an address such as https://s3.example.com")),
    }
}

fn keys(document: &Document<'_>, section: &BucketSection) -> Result<Option<(Credential, Credential)>, Problem> {
    match (&section.access_key, &section.secret_key) {
        (None, None) => Ok(None),
        (Some(id), Some(key)) => Ok(Some((id.as_ref().clone(), key.as_ref().clone()))),
        (Some(one), None) | (None, Some(one)) => {
            Err(document.wrong(one, "access_key and secret_key go together: give both or none"))
        }
    }
}

fn refuse_s3_keys(document: &Document<'_>, section: &BucketSection) -> Result<(), Problem> {
    const WHY: &str = "this key is for s3:// only";
    let text = [&section.region, &section.endpoint].into_iter().flatten().next();
    let key = [&section.access_key, &section.secret_key].into_iter().flatten().next();
    if let Some(found) = text {
        return Err(document.wrong(found, WHY));
    }
    if let Some(found) = key {
        return Err(document.wrong(found, WHY));
    }
    section.allow_http.as_ref().map_or(Ok(()), |found| Err(document.wrong(found, WHY)))
}
