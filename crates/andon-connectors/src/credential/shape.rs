//! The table in TOML that names a secret.

use std::path::PathBuf;

use andon_model::Name;
use reqwest::Url;
use serde::Deserialize;

use super::{Credential, SecretPlace};
use crate::secrets::{AwsReference, AwsStore};

/// Longest name of a secret in AWS, an ARN included.
const MAX_AWS_NAME: usize = 2_048;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    secret: Option<Name>,
    env: Option<String>,
    file: Option<PathBuf>,
    aws_secret: Option<String>,
    aws_parameter: Option<String>,
    key: Option<String>,
    region: Option<String>,
    endpoint: Option<String>,
}

impl TryFrom<Shape> for Credential {
    type Error = String;
    fn try_from(mut shape: Shape) -> Result<Self, String> {
        let key = shape.key.take();
        if key.as_ref().is_some_and(String::is_empty) {
            return Err("key names a member of a JSON text and cannot be empty".into());
        }
        let place = match shape {
            Shape { secret: Some(name), env: None, file: None, aws_secret: None, aws_parameter: None, .. } => {
                SecretPlace::Stored(name)
            }
            Shape { secret: None, env: Some(variable), file: None, aws_secret: None, aws_parameter: None, .. } => {
                SecretPlace::Env(variable)
            }
            Shape { secret: None, env: None, file: Some(path), aws_secret: None, aws_parameter: None, .. } => {
                if !path.is_absolute() {
                    return Err("use the full path of the file".into());
                }
                SecretPlace::File(path)
            }
            Shape { secret: None, env: None, file: None, .. } => return Ok(Self { place: aws(shape)?, key }),
            _ => return Err(ONE_PLACE.into()),
        };
        if shape.region.is_some() || shape.endpoint.is_some() {
            return Err("region and endpoint belong to aws_secret and aws_parameter".into());
        }
        Ok(Self { place, key })
    }
}

const ONE_PLACE: &str = "say where the secret is by exactly one of secret, env, file, aws_secret or aws_parameter";

fn aws(shape: Shape) -> Result<SecretPlace, String> {
    let (store, name) = match (shape.aws_secret, shape.aws_parameter) {
        (Some(name), None) => (AwsStore::SecretsManager, name),
        (None, Some(name)) => (AwsStore::ParameterStore, name),
        _ => return Err(ONE_PLACE.into()),
    };
    if name.is_empty() || name.len() > MAX_AWS_NAME {
        return Err(format!("a name in AWS has 1 to {MAX_AWS_NAME} characters"));
    }
    let region = shape.region.map(region).transpose()?;
    let endpoint = shape.endpoint.as_deref().map(endpoint).transpose()?;
    Ok(SecretPlace::Aws(Box::new(AwsReference { store, name, region, endpoint })))
}

fn region(text: String) -> Result<String, String> {
    let legal = !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if legal { Ok(text) } else { Err(format!("{text:?} is not a region such as eu-central-1")) }
}

/// An address of one's own, as of a VPC endpoint.
fn endpoint(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|_| format!("{text:?} is not an address"))?;
    if crate::secrets::is_private(&url) { Ok(url) } else { Err("use https for the endpoint".into()) }
}
