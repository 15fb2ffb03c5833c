//! Object stores by their address.

use std::path::Path;
use std::sync::Arc;

use andon_model::{Code, Problem};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::{ClientConfigKey, ObjectStore};

use crate::SyncedFolder;

/// Longest single request; segments and files of tables are large.
const REQUEST_TIMEOUT: &str = "2m";

/// An object store and the path in it.
pub struct StoreAddress {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// Path below which everything lies; may be empty.
    pub root: String,
}

impl StoreAddress {
    /// Opens `s3://<bucket>/<path>`, with region, endpoint and keys of the environment (`AWS_REGION`, `AWS_ENDPOINT_URL`,
    /// `AWS_ALLOW_HTTP`, `AWS_ACCESS_KEY_ID`, …) or of the instance; anything else is a folder of this machine, which is made.
    pub fn open(address: &str) -> Result<Self, Problem> {
        match address.strip_prefix("s3://") {
            Some(path) => open_s3(path, address),
            None if address.contains("://") => Err(Problem::new(
                Code::Setting,
                format!("{address} is not an address of an object store: use s3://<bucket>/<path> or a folder"),
            )),
            None => open_folder(address),
        }
    }
}

fn open_s3(path: &str, address: &str) -> Result<StoreAddress, Problem> {
    let (bucket, root) = path.split_once('/').unwrap_or((path, ""));
    // One option alone: options as a whole would replace what the environment says of the client, as AWS_ALLOW_HTTP.
    let timeout = AmazonS3ConfigKey::Client(ClientConfigKey::Timeout);
    let store = AmazonS3Builder::from_env().with_bucket_name(bucket).with_config(timeout, REQUEST_TIMEOUT).build();
    let store = store.map_err(|error| Problem::new(Code::Archive, error.to_string()).at(address))?;
    Ok(StoreAddress { store: Arc::new(store), root: root.trim_matches('/').to_owned() })
}

fn open_folder(folder: &str) -> Result<StoreAddress, Problem> {
    let opened = SyncedFolder::open(Path::new(folder));
    let store = opened.map_err(|error| Problem::new(Code::Archive, error.to_string()).at(folder))?;
    Ok(StoreAddress { store: Arc::new(store), root: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_folders_or_buckets() {
        let folder = tempfile::tempdir().expect("a folder");
        let below = folder.path().join("a/b");
        let opened = StoreAddress::open(below.to_str().expect("text")).expect("opened");
        assert!(below.is_dir() && opened.root.is_empty());
        let opened = StoreAddress::open("s3://plant-7/readings/raw/").expect("opened");
        assert_eq!(opened.root, "readings/raw");
        let refused = StoreAddress::open("ftp://plant-7").err().expect("refused");
        assert_eq!(refused.code, Code::Setting);
    }
}
