//! Opening the store of a location.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use andon_journal::Secrets;
use andon_model::{Code, Problem};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::keys::{Connector, OddKeys};
use crate::source::{Location, S3Location};

/// Longest single request to S3.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest repetition of one request inside the store; after that the source backs off.
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) async fn open(
    location: &Location,
    folder: PathBuf,
    secrets: &dyn Secrets,
    odd: &Arc<OddKeys>,
) -> Result<Arc<dyn ObjectStore>, Problem> {
    match location {
        Location::Folder(given) => open_folder(given, folder).await,
        Location::S3(s3) => open_s3(s3, secrets, odd).await,
    }
}

/// A relative folder belongs to Andon and is made; an absolute one belongs to somebody else and must be there.
async fn open_folder(given: &Path, full: PathBuf) -> Result<Arc<dyn ObjectStore>, Problem> {
    let failed = |why: String| Problem::new(Code::Bucket, why).at(full.display().to_string());
    if given.is_relative() {
        tokio::fs::create_dir_all(&full).await.map_err(|error| failed(error.to_string()))?;
    }
    let store = LocalFileSystem::new_with_prefix(&full).map_err(|error| failed(error.to_string()))?;
    Ok(Arc::new(store))
}

async fn open_s3(s3: &S3Location, secrets: &dyn Secrets, odd: &Arc<OddKeys>) -> Result<Arc<dyn ObjectStore>, Problem> {
    let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: 3, retry_timeout: RETRY_TIMEOUT };
    let options = ClientOptions::new().with_timeout(REQUEST_TIMEOUT).with_allow_http(s3.allow_http);
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(&s3.bucket)
        .with_client_options(options)
        .with_http_connector(Connector(Arc::clone(odd)))
        .with_allow_http(s3.allow_http)
        .with_retry(retry);
    if let Some(region) = &s3.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &s3.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some((id, key)) = &s3.keys {
        builder = builder.with_access_key_id(id.resolve(secrets).await?.expose());
        builder = builder.with_secret_access_key(key.resolve(secrets).await?.expose());
    }
    let store = builder.build().map_err(|error| {
        Problem::new(Code::Bucket, error.to_string()).at(format!("s3://{}/{}", s3.bucket, s3.prefix))
    })?;
    Ok(Arc::new(store))
}
