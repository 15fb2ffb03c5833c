//! What the claims of an external issuer's token mean here: its roles, groups or scopes become ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Scopes, Verified};

/// The claim that is read, and what its values mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScopeMapping {
    /// The claim; a dot leads into an object, as in `realm_access.roles`. A claim of exactly that name comes first, since
    /// some names are addresses. Its value is a text of words with spaces between, or a list of texts.
    pub claim: String,
    /// Scopes by value. Where it is empty, the values are the scopes themselves.
    pub values: BTreeMap<String, Scopes>,
}

impl Default for ScopeMapping {
    /// The claim `scope`, with our own words in it.
    fn default() -> Self {
        Self { claim: "scope".to_owned(), values: BTreeMap::new() }
    }
}

impl ScopeMapping {
    /// What a token may do here. Values that mean nothing here are passed over.
    pub fn scopes(&self, token: &Verified) -> Scopes {
        let mut found = Scopes::default();
        for word in self.words(token) {
            if self.values.is_empty() {
                found = found.with(&word.parse().unwrap_or_default());
            } else if let Some(scopes) = self.values.get(&word) {
                found = found.with(scopes);
            }
        }
        found
    }

    /// The values of the claim. A list's texts are whole values, since names of groups may have spaces in them.
    fn words(&self, token: &Verified) -> Vec<String> {
        match look_up(&Value::Object(token.claims.clone()), &self.claim) {
            Some(Value::String(text)) => text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}

/// The member of this name, or the one that its dots lead to.
fn look_up<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if let Some(found) = value.get(path) {
        return Some(found);
    }
    path.match_indices('.').find_map(|(dot, _)| look_up(value.get(&path[..dot])?, &path[dot + 1..]))
}

#[cfg(test)]
mod tests {
    use andon_model::Timestamp;
    use serde_json::json;

    use super::*;

    fn check(mapping: &Value, claims: &Value, expect: &str) {
        let token = Verified {
            subject: "s".to_owned(),
            client_id: None,
            username: None,
            scopes: Scopes::default(),
            expires: Timestamp::from_micros(0),
            claims: claims.as_object().expect("an object").clone(),
        };
        let parsed: ScopeMapping = serde_json::from_value(mapping.clone()).expect("a mapping");
        assert_eq!(parsed.scopes(&token).to_string(), expect, "{mapping} on {claims}");
    }

    #[test]
    fn claims_become_scopes() {
        check(&json!({}), &json!({ "scope": "openid andon/devices" }), "andon/devices openid");
        check(&json!({}), &json!({}), "");
        let roles = json!({ "claim": "realm_access.roles", "values": {
            "plant admin": "andon/admin", "gateway": "andon/devices andon/claim" } });
        check(&roles, &json!({ "realm_access": { "roles": ["plant admin", "other"] } }), "andon/admin");
        check(&roles, &json!({ "realm_access": { "roles": "gateway x" } }), "andon/claim andon/devices");
        check(&roles, &json!({ "realm_access.roles": ["gateway"] }), "andon/claim andon/devices");
        check(&roles, &json!({ "realm_access": ["gateway"] }), "");
        check(&roles, &json!({ "realm_access": { "roles": [7, null] } }), "");
        check(&roles, &json!({ "scope": "andon/admin" }), "");
        let address = json!({ "claim": "https://plant.example/roles" });
        check(&address, &json!({ "https://plant.example/roles": ["andon/viewer"] }), "andon/viewer");
    }
}
