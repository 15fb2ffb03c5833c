//! Asking the hook of a claim whether a device may be onboarded.
//!
//! Whatever is not a clear yes is a no: an address that cannot be reached, another status than 200, an answer that is too
//! late, too long or not of the form, an override that names what there is not. A request that is decided anew because
//! somebody else was faster asks again with the same id.

use std::time::Duration;

use andon_devices::Profile;
use andon_devices::enrolment::{
    Approval, EnrolmentRequest, Hook, HookAnswer, HookRequest, Input, MAX_HOOK_ANSWER_BYTES,
};
use andon_devices::token::ClientId;
use andon_model::{Code, Name, Problem};
use metrics::counter;

use super::{Names, Office};
use crate::auth::sign;
use crate::outside::Ask;

/// Headers of a signed request; the same as sources are signed with.
const SIGNATURE: &str = "x-andon-signature";
const TIMESTAMP: &str = "x-andon-timestamp";

impl Office {
    /// What the hook says, and the profile that it puts in the place of the one asked for.
    pub(super) async fn hear_hook(
        &self,
        hook: &Hook,
        claim: &ClientId,
        request: &EnrolmentRequest,
    ) -> (Input, Option<Profile>) {
        let heard = self.ask_hook(hook, &HookRequest::of(claim, request)).await;
        let result = match &heard {
            Ok(answer) if answer.allow => "allowed",
            Ok(_) => "refused",
            Err(_) => "failed",
        };
        counter!("andon_claim_hook_requests_total", "result" => result).increment(1);
        match heard {
            Ok(answer) if answer.allow => self.approval(answer).await,
            Ok(answer) => (Input::Refused(answer.to_string()), None),
            Err(problem) => {
                tracing::warn!(%problem, %claim, device = %request.device, "the hook of a claim gave no answer");
                (Input::Unanswered(problem), None)
            }
        }
    }

    async fn approval(&self, answer: HookAnswer) -> (Input, Option<Profile>) {
        let HookAnswer { profile: name, attributes, groups, .. } = answer;
        let known = match self.all_stored(Names::of_groups(&groups)).await {
            Ok(()) => self.profile(name.as_ref()).await,
            Err(problem) => Err(problem),
        };
        match known {
            Ok(profile) => (Input::Allowed(Approval { profile: name, attributes, groups }), profile),
            Err(problem) => (Input::Unanswered(problem), None),
        }
    }

    async fn ask_hook(&self, hook: &Hook, request: &HookRequest) -> Result<HookAnswer, Problem> {
        let failed = |cause: &dyn std::fmt::Display| Problem::new(Code::ClaimHook, cause.to_string()).at(&hook.url);
        let body = serde_json::to_vec(request).map_err(|cause| failed(&cause))?;
        let mut headers = vec![("idempotency-key", request.id.clone())];
        headers.extend(self.signature(hook, &body).await?);
        let deadline = Duration::from_secs(hook.timeout_seconds.clamp(1, 20).into());
        let ask = Ask { url: &hook.url, body: Some(body), headers, limit_bytes: MAX_HOOK_ANSWER_BYTES, deadline };
        let answer = self.outside.ask(ask).await.map_err(|cause| failed(&cause))?;
        HookAnswer::parse(&answer).map_err(|cause| failed(&format!("its answer is not of the form: {cause}")))
    }

    /// The headers that prove who asks, where the hook has a secret.
    async fn signature(&self, hook: &Hook, body: &[u8]) -> Result<Vec<(&'static str, String)>, Problem> {
        let Some(name) = &hook.secret else { return Ok(Vec::new()) };
        let missing = || Problem::new(Code::MissingSecret, format!("the secret {name} of a hook is not stored"));
        let stored = self.secrets.secret(&Name::new(name).map_err(|_| missing())?).await;
        let secret = stored.map_err(|error| Problem::from(&error))?.ok_or_else(missing)?;
        let timestamp = self.now().as_millis().div_euclid(1_000).to_string();
        let signature = sign(&secret, &timestamp, body)?;
        Ok(vec![(TIMESTAMP, timestamp), (SIGNATURE, signature)])
    }
}
