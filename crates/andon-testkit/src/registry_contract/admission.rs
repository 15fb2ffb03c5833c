//! Promises about the door, by `andon_devices::registry::admit` on this registry.

use andon_devices::pki::{KeyKind, RevocationReason, ServerTerms, certificate_der, is_signed_by};
use andon_devices::policy::{DefaultPolicies, TopicPrefix};
use andon_devices::registry::authorities::{self, AuthorityPlan, Making, Renewal};
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
    authorities::renew(&store, &plan, Renewal::Issuing, making).await.expect("a new issuing authority");
    authorities::renew(&store, &plan, Renewal::Root { cross: false }, making).await.expect("a new root");
    let known = authorities::authorities(&store).await.expect("read");
    let retired = known.iter().filter(|found| found.value.retired.is_some());
    let names: Vec<_> = retired.map(|found| found.value.name.as_str()).collect();
    assert_eq!(names, ["issuing-1", "root-1", "issuing-2"]);
    let anchors = authorities::trust_anchors(&store, at(0)).await.expect("read");
    assert_eq!(anchors.matches("BEGIN CERTIFICATE").count(), 3, "the issuing ones");
    for found in known {
        authorities::open(&store, found.value).await.expect("its key fits");
    }
}

/// What the next authorities are called is what those before them were called. A chain leads to every trusted root, each
/// certificate signed by the next one, and a root that is distrusted takes its own with it.
pub async fn a_root_is_followed_step_by_step(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let usual = AuthorityPlan::default();
    let making = Making { keys: &SystemEntropy, entropy: &SystemEntropy, now: at(0) };
    let (name, organization) = ("Plant 1710".to_owned(), Some("Example".to_owned()));
    let plan = AuthorityPlan { name, organization, key: KeyKind::EcdsaP384, root_days: 4_000, issuing_days: 1_000 };
    authorities::found(&store, &plan, making).await.expect("founded");
    for _ in 0..2 {
        let next = authorities::successor_plan(&store, usual.clone()).await.expect("read");
        assert_eq!(next, plan);
        authorities::renew(&store, &next, Renewal::Root { cross: true }, making).await.expect("a new root");
    }
    assert_eq!(chain_of(&store, making).await, ["issuing-3", "root-3 by root-2", "root-2 by root-1"]);
    for signing in ["root-3", "issuing-3"] {
        let refused = authorities::distrust(&store, signing, at(1)).await.expect_err("it signs");
        assert_eq!(refused.code, Code::Conflict, "{signing}");
    }
    for _ in 0..2 {
        authorities::distrust(&store, "root-1", at(1)).await.expect("distrusted");
    }
    assert_eq!(chain_of(&store, making).await, ["issuing-3", "root-3 by root-2"]);
    assert_eq!(authorities::distrusted_issuers(&store).await.expect("read").len(), 1);
    let anchors = authorities::trust_anchors(&store, at(1)).await.expect("read");
    let all = authorities::authorities(&store).await.expect("read").into_iter().map(|found| found.value);
    let trusted = all.filter(|known| known.name == "issuing-2" || known.name == "issuing-3");
    assert_eq!(anchors, trusted.map(|known| known.certificate).collect::<String>(), "no root, and nobody distrusted");
}

/// What a server sends beside its own certificate, in words; checks that each part is signed by the next.
async fn chain_of(store: &impl Registry, making: Making<'_>) -> Vec<String> {
    let terms = ServerTerms { hosts: vec!["mqtt.plant.example".to_owned()], addresses: Vec::new(), days: 30 };
    let server = authorities::server_certificate(store, &terms, KeyKind::EcdsaP256, making).await;
    let (chain, _) = server.expect("a certificate");
    let known = authorities::authorities(store).await.expect("read");
    let parts: Vec<&str> = chain.split_inclusive("-----END CERTIFICATE-----\n").collect();
    for pair in parts.windows(2) {
        let [der, issuer] = [pair[0], pair[1]].map(|pem| certificate_der(pem).expect("a certificate"));
        assert!(is_signed_by(&der, &issuer).expect("readable"));
    }
    let word = |pem: &str| {
        let names = known.iter().map(|found| &found.value).find_map(|record| {
            let cross = record.cross.as_ref().filter(|cross| cross.certificate == pem);
            let own = (record.certificate == pem).then(|| record.name.clone());
            own.or_else(|| cross.map(|cross| format!("{} by {}", record.name, cross.by)))
        });
        names.expect("one of ours")
    };
    parts[1..].iter().map(|pem| word(pem)).collect()
}
