//! Requests that come by a claim: which claim it is, and what it allows.
//!
//! A refusal has the claim as its place, since it is there that more can be allowed.

use andon_devices::DeviceName;
use andon_devices::enrolment::EnrolmentRequest;
use andon_devices::registry::{Claim, get};
use andon_devices::token::ClientId;
use andon_model::{Code, Problem};

use crate::api::Api;

/// The claim of `client`, if it may ask for `device` now.
pub(super) async fn claim_for(api: &Api, client: &ClientId, device: &DeviceName) -> Result<Claim, Problem> {
    let found = get::<Claim>(api.office.registry.as_ref(), client.as_str()).await?;
    let none = || Problem::new(Code::Forbidden, format!("the client {client} has no claim")).at(place(client));
    let claim = found.map(|found| found.value).ok_or_else(none)?;
    claim.check(device, api.office.now()).map_err(|problem| problem.at(place(client)))?;
    Ok(claim)
}

/// Makes `request` one of the claim, if it asks for nothing that the claim does not allow.
pub(super) fn bind(request: &mut EnrolmentRequest, claim: &Claim) -> Result<(), Problem> {
    let refused = |what: String| Problem::new(Code::Forbidden, what).at(place(&claim.client));
    if let Some(group) = request.groups.difference(&claim.groups).next() {
        return Err(refused(format!("the claim does not allow the group {group}")));
    }
    let profile = claim.profile_for(request.profile.as_ref());
    let profile = profile.ok_or_else(|| refused("the claim does not allow this profile".to_owned()))?;
    if !request.on_behalf_of.is_empty() {
        return Err(refused("a claim makes no gateways".to_owned()));
    }
    if let Some(name) = claim.forbidden(&request.attributes) {
        return Err(refused(format!("the claim does not allow the attribute {name}")));
    }
    request.groups.clone_from(&claim.groups);
    request.profile = profile;
    request.ask = true;
    request.claim = Some(claim.client.clone());
    Ok(())
}

fn place(client: &ClientId) -> String {
    format!("claim {client}")
}
