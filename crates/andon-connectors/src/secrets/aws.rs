//! A secret or parameter in AWS: what names it, and what an answer means.
//!
//! Request and answer are those of `secretsmanager.GetSecretValue` and `AmazonSSM.GetParameter` in the
//! protocol `x-amz-json-1.1`.

use std::fmt;

use andon_model::{Code, Problem, Secret};
use object_store::aws::AwsCredential;
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use super::call::{self, Call};
use crate::destination::exchange::{Body, Failure, Reply};

/// A secret text in AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsReference {
    /// Which service has it.
    pub store: AwsStore,
    /// Name or ARN.
    pub name: String,
    /// Region; without it that of the ARN, of `AWS_REGION` or of `AWS_DEFAULT_REGION`.
    pub region: Option<String>,
    /// Address of the service, where it is not the region's usual one.
    pub endpoint: Option<Url>,
}

/// The services of AWS that keep secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsStore {
    /// AWS Secrets Manager.
    SecretsManager,
    /// The parameter store of AWS Systems Manager; secure parameters are decrypted.
    ParameterStore,
}

impl AwsStore {
    /// Name in addresses and signatures.
    const fn service(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::ParameterStore => "ssm",
        }
    }

    const fn operation(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager.GetSecretValue",
            Self::ParameterStore => "AmazonSSM.GetParameter",
        }
    }

    fn question(self, name: &str) -> Value {
        match self {
            Self::SecretsManager => json!({ "SecretId": name }),
            Self::ParameterStore => json!({ "Name": name, "WithDecryption": true }),
        }
    }

    /// Where the answer has the text.
    const fn pointer(self) -> &'static str {
        match self {
            Self::SecretsManager => "/SecretString",
            Self::ParameterStore => "/Parameter/Value",
        }
    }
}

impl fmt::Display for AwsReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.store {
            AwsStore::SecretsManager => write!(f, "secret {} in AWS Secrets Manager", self.name),
            AwsStore::ParameterStore => write!(f, "parameter {} of AWS Systems Manager", self.name),
        }
    }
}

/// Fetches a secret text with the credentials of this process. Fails with [`Code::MissingSecret`] when a
/// person must do something, and with [`Code::SecretUnavailable`] when it may be there later.
pub(crate) async fn fetch(reference: &AwsReference) -> Result<Secret, Problem> {
    let region = reference.region()?;
    let credentials =
        call::credentials(&region).await.map_err(|why| reference.later(&format!("no credentials for AWS: {why}")))?;
    reference.ask(&credentials, &region).await
}

impl AwsReference {
    /// The region whose service is asked.
    fn region(&self) -> Result<String, Problem> {
        let variable = |name: &str| std::env::var(name).ok().filter(|region| !region.is_empty());
        let known = self.region.clone().or_else(|| self.region_of_arn());
        let known = known.or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
        known.ok_or_else(|| self.missing("name its region, or set AWS_REGION"))
    }

    /// `arn:<partition>:<service>:<region>:<account>:…`
    fn region_of_arn(&self) -> Option<String> {
        let mut parts = self.name.split(':');
        let region = (parts.next() == Some("arn")).then(|| parts.nth(2)).flatten()?;
        (!region.is_empty()).then(|| region.to_owned())
    }

    fn address(&self, region: &str) -> Result<Url, Problem> {
        if let Some(endpoint) = &self.endpoint {
            return Ok(endpoint.clone());
        }
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let address = format!("https://{}.{region}.{domain}/", self.store.service());
        address.parse().map_err(|_| self.missing("its region makes no address"))
    }

    /// Asks with these credentials.
    pub(super) async fn ask(&self, credentials: &AwsCredential, region: &str) -> Result<Secret, Problem> {
        let question = self.store.question(&self.name).to_string();
        let call = Call {
            url: self.address(region)?,
            service: self.store.service(),
            region,
            operation: self.store.operation(),
            body: question,
        };
        match call.perform(credentials).await {
            Ok(reply) => self.read(&reply),
            Err(Failure::NotSent(why) | Failure::Unknown(why)) => Err(self.later(&why)),
        }
    }

    fn read(&self, reply: &Reply) -> Result<Secret, Problem> {
        let answer = match &reply.body {
            Body::Complete(bytes) => serde_json::from_slice(bytes).unwrap_or(Value::Null),
            Body::Cut(_) | Body::Broken(..) => Value::Null,
        };
        if !reply.status.is_success() {
            return Err(self.refusal(reply.status, &answer));
        }
        match answer.pointer(self.store.pointer()).and_then(Value::as_str) {
            Some(text) => Ok(Secret::new(text)),
            None if answer.get("SecretBinary").is_some() => Err(self.missing("it is binary: store it as text")),
            None => Err(self.later("the answer holds no text")),
        }
    }

    /// The problem of an answer that is no success: `{"__type":"…#ResourceNotFoundException","message":"…"}`.
    fn refusal(&self, status: StatusCode, answer: &Value) -> Problem {
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = text("__type").rsplit('#').next().unwrap_or_default();
        let message = [text("message"), text("Message")].concat();
        let why = format!("HTTP {}: {kind} {message}", status.as_u16());
        let passing = ["Throttl", "TooMany", "Internal", "Expired"].iter().any(|word| kind.contains(word));
        if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS && !passing {
            return self.missing(why.trim_end());
        }
        self.later(why.trim_end())
    }

    fn missing(&self, why: &str) -> Problem {
        Problem::new(Code::MissingSecret, format!("{self} cannot be read: {why}"))
    }

    fn later(&self, why: &str) -> Problem {
        Problem::new(Code::SecretUnavailable, format!("{self}: {why}"))
    }
}

#[cfg(test)]
mod tests;
