//! Promises about the door, by `andon_devices::registry::admit` on this registry.

use andon_devices::pki::{KeyKind, RevocationReason, ServerTerms};
use andon_devices::policy::{DefaultPolicies, TopicPrefix};
use andon_devices::registry::authorities::{self, AuthorityPlan, Making};
use andon_devices::registry::{
    Admitted, Expected, Kind, NotLetIn, PolicyRecord, Presented, Registry, admit, put as put_record,
};
use andon_devices::{Group, GroupName, NotAdmitted, PolicyName, ProfileName, SystemEntropy};
use andon_model::Code;

use super::Fixture;
use super::samples::{at, device, fingerprint, only, put_device, serial};

const DENY: &str =
    r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iot:Publish", "Resource": "*"}]}"#;

fn defaults() -> DefaultPolicies {
    let prefix = |text| TopicPrefix::new(text).expect("a prefix");
    DefaultPolicies { root: prefix("data"), commands: prefix("commands") }
}

async fn ask(store: &dyn Registry, number: u32, second: i64) -> Result<Admitted, NotLetIn> {
    let presented = Presented { serial: serial(number), fingerprint: Some(fingerprint(number)) };
    admit(store, &presented, &defaults(), at(second)).await
}

fn group() -> (GroupName, PolicyName) {
    (GroupName::new("muted").expect("a name"), PolicyName::new("say-nothing").expect("a name"))
}

/// The default policy, and those of its groups.
pub async fn a_device_comes_with_its_policies(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut pump = device("pump", 1);
    store.commit(only(put_device(&pump, Expected::Absent))).await.expect("stored");
    let admitted = ask(&store, 1, 60).await.expect("let in");
    assert_eq!((admitted.device.clone(), admitted.certificate), (pump.clone(), fingerprint(1)));
    assert_eq!((admitted.until, admitted.revision), (at(3_600), 1));
    assert_eq!(admitted.policies, [defaults().device().expect("a policy")]);
    let (name, policy) = group();
    pump.groups.insert(name.clone());
    let members = Group { name, description: String::new(), policies: [policy.clone()].into() };
    let record = PolicyRecord { name: policy, document: DENY.to_owned(), changed: at(0) };
    let stored = only(put_device(&pump, Expected::Anything))
        .and(put_record(&members, None, Expected::Absent).expect("JSON"))
        .and(put_record(&record, None, Expected::Absent).expect("JSON"));
    store.commit(stored).await.expect("stored");
    let policies = ask(&store, 1, 60).await.expect("let in").policies;
    let texts: Vec<_> = policies.iter().map(andon_devices::policy::Policy::text).collect();
    assert_eq!(texts, [DENY, defaults().device().expect("a policy").text()]);
}

/// Unknown, too late, revoked.
pub async fn what_is_revoked_is_not_let_in(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut pump = device("pump", 1);
    store.commit(only(put_device(&pump, Expected::Absent))).await.expect("stored");
    let refused = async |number, second| ask(&store, number, second).await.expect_err("refused");
    assert_eq!(refused(2, 60).await, NotLetIn::Certificate(NotAdmitted::Unknown));
    assert_eq!(refused(1, 3_601).await, NotLetIn::Certificate(NotAdmitted::Expired));
    pump.revoke(&fingerprint(1), RevocationReason::KeyCompromise, at(5)).expect("revoked");
    store.commit(only(put_device(&pump, Expected::Anything))).await.expect("stored");
    assert_eq!(refused(1, 60).await, NotLetIn::Certificate(NotAdmitted::Revoked));
}

/// Without a policy that it should have, or a group or profile that may have had one, a Deny might be missing.
pub async fn a_missing_policy_lets_nobody_in(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut pump = device("pump", 1);
    pump.policies.insert(group().1);
    store.commit(only(put_device(&pump, Expected::Absent))).await.expect("stored");
    let refused = ask(&store, 1, 60).await.expect_err("refused");
    assert!(matches!(&refused, NotLetIn::Policy { name, .. } if name == "say-nothing"), "{refused}");
    pump.policies.clear();
    pump.groups.insert(group().0);
    store.commit(only(put_device(&pump, Expected::Anything))).await.expect("stored");
    let missing = |kind, name: &str| NotLetIn::Missing { kind, name: name.to_owned() };
    assert_eq!(ask(&store, 1, 60).await.expect_err("refused"), missing(Kind::Group, "muted"));
    pump.groups.clear();
    pump.profile = Some(ProfileName::new("s1").expect("a name"));
    store.commit(only(put_device(&pump, Expected::Anything))).await.expect("stored");
    assert_eq!(ask(&store, 1, 60).await.expect_err("refused"), missing(Kind::Profile, "s1"));
}

/// The keys come back from where they are encrypted; what a retired authority signed stays trusted.
pub async fn authorities_are_founded_once_and_renewed(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let (plan, making) =
        (AuthorityPlan::default(), Making { keys: &SystemEntropy, entropy: &SystemEntropy, now: at(0) });
    authorities::found(&store, &plan, making).await.expect("founded");
    let again = authorities::found(&store, &plan, making).await.expect_err("there is one");
    assert_eq!(again.code, Code::Conflict);
    let terms = ServerTerms { hosts: vec!["mqtt.plant.example".to_owned()], addresses: Vec::new(), days: 30 };
    let server = authorities::server_certificate(&store, &terms, KeyKind::EcdsaP256, making).await;
    let (chain, _) = server.expect("a certificate");
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2);
    authorities::renew(&store, &plan, false, making).await.expect("a new issuing authority");
    authorities::renew(&store, &plan, true, making).await.expect("a new root");
    let known = authorities::authorities(&store).await.expect("read");
    let retired = known.iter().filter(|found| found.value.retired.is_some());
    let names: Vec<_> = retired.map(|found| found.value.name.as_str()).collect();
    assert_eq!(names, ["issuing-1", "root-1", "issuing-2"]);
    let anchors = authorities::trust_anchors(&store, at(0)).await.expect("read");
    assert_eq!(anchors.matches("BEGIN CERTIFICATE").count(), known.len());
    for found in known {
        authorities::open(&store, found.value).await.expect("its key fits");
    }
}
