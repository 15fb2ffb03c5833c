//! The table in TOML that names a secret.

use std::fmt;
use std::path::PathBuf;

use andon_model::Name;
use reqwest::Url;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Credential, SecretPlace};
use crate::secrets::{AwsReference, AwsStore};

/// Longest name of a secret in AWS, an ARN included.
const MAX_AWS_NAME: usize = 2_048;

/// What is said to somebody who wrote the secret itself. Serde's own words would quote it.
const IN_CLEAR: &str = "a secret never stands in a file: say where it is, as in { secret = \"name\" }";

impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reference)
    }
}

/// Reads the table, and quotes nothing else.
struct Reference;

impl<'de> Visitor<'de> for Reference {
    type Value = Credential;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table that says where the secret is, as in { secret = \"name\" }")
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Credential, M::Error> {
        Shape::deserialize(MapAccessDeserializer::new(map))?.try_into().map_err(M::Error::custom)
    }

    fn visit_str<E: Error>(self, _text: &str) -> Result<Credential, E> {
        Err(E::custom(IN_CLEAR))
    }

    fn visit_i64<E: Error>(self, _number: i64) -> Result<Credential, E> {
        Err(E::custom(IN_CLEAR))
    }

    fn visit_f64<E: Error>(self, _number: f64) -> Result<Credential, E> {
        Err(E::custom(IN_CLEAR))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
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
