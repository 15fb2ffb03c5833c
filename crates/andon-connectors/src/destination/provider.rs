//! The SAP BTP destination service: where a destination is and how one proves who one is there.
//!
//! **Constraints.** Its answer holds passwords and tokens in the clear: nothing of it is shown but the names of
//! its kinds, and everything secret in it goes to the redactor. What only a signed-in user could use is refused.
//!
//! **Life of a destination.** A token of the service is asked for with its service key and kept; the destination
//! is looked up ("find": instance level first, then subaccount), which also brings its tokens; the answer
//! becomes [`Provided`]. It is looked up again after some minutes, before its tokens expire, and when its
//! credentials are refused.

mod answer;

use std::future::Future;

use andon_model::{Code, Problem};
use reqwest::header::AUTHORIZATION;
use reqwest::{Method, Request, StatusCode, Url};

pub(super) use answer::{Provided, Way};

use super::credentials::sensitive;
use super::draft::Draft;
use super::exchange::Reply;
use super::kept::Life;
use super::oauth::Token;
use super::reach::Reach;
use super::service_key::ServiceKey;
use super::spec::{ProviderSpec, Rule, Trust};
use super::wire::{Wire, refusal};

impl Reach {
    /// Looks a destination up.
    pub(super) async fn look_up(
        &self,
        spec: &ProviderSpec,
        wire: Wire<'_>,
        draft: &mut Draft,
    ) -> Result<Provided, Problem> {
        let rule = Rule::of(self.spec.allow_http);
        let key = ServiceKey::read(&spec.service_key, self.secrets(), rule).await;
        let key = match key {
            Ok(key) => key,
            Err(problem) => return draft.stage("provider", Err(problem), |_| String::new()),
        };
        let found = self.found(spec, &key, wire, draft).await;
        draft.stage("provider", found, |found| format!("{} found, {}", spec.name, found.describe()))
    }

    /// The answer of the service; with another token of it when the first is refused.
    async fn found(
        &self,
        spec: &ProviderSpec,
        key: &ServiceKey<'_>,
        wire: Wire<'_>,
        draft: &mut Draft,
    ) -> Result<Provided, Problem> {
        let url = address(key.uri()?, &spec.name)?;
        let place = wire.place("GET", &url);
        let token = self.service_token.get(draft.now, None, issue(key, wire, draft)).await?;
        token.hide(&mut draft.redactor);
        let mut reply = find(&token, url.clone(), wire, &place).await?;
        if reply.status == StatusCode::UNAUTHORIZED {
            let token = self.service_token.get(draft.now, Some(&token), issue(key, wire, draft)).await?;
            token.hide(&mut draft.redactor);
            reply = find(&token, url, wire, &place).await?;
        }
        if !reply.status.is_success() {
            return Err(refusal(&reply, Code::ProvidedDestination, &draft.redactor, &place));
        }
        read(&reply, self.spec.allow_http, draft).map_err(|problem| problem.at(place))
    }
}

fn issue<'f>(
    key: &'f ServiceKey<'f>,
    wire: Wire<'f>,
    draft: &Draft,
) -> impl Future<Output = Result<(Token, Life), Problem>> + use<'f> {
    let now = draft.now;
    async move {
        let token = key.token(wire, now).await?;
        let life = token.life;
        Ok((token, life))
    }
}

fn address(mut uri: Url, name: &str) -> Result<Url, Problem> {
    let unusable = || Problem::new(Code::ProvidedDestination, "uri of the service key cannot have a path");
    let mut segments = uri.path_segments_mut().map_err(|()| unusable())?;
    segments.pop_if_empty().extend(["destination-configuration", "v1", "destinations", name]);
    drop(segments);
    Ok(uri)
}

async fn find(token: &Token, url: Url, wire: Wire<'_>, place: &str) -> Result<Reply, Problem> {
    let mut request = Request::new(Method::GET, url);
    let bearer = sensitive(&format!("Bearer {}", token.bearer.expose()))?;
    request.headers_mut().insert(AUTHORIZATION, bearer);
    wire.call(&Trust::System, None, request, place).await
}

fn read(reply: &Reply, allow_http: bool, draft: &mut Draft) -> Result<Provided, Problem> {
    // A page for logon or maintenance stands before the service, and goes away.
    let unreadable =
        |_| Problem::new(Code::Busy, "the answer is a success, but not JSON: is uri of the service key right?");
    let value = serde_json::from_slice(reply.bytes()).map_err(unreadable)?;
    Provided::read(&value, allow_http, draft)
}
