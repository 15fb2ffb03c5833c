//! What AWS IoT Core documents about its policies, as tables.

use std::collections::BTreeMap;

use andon_model::Timestamp;

use super::*;
use crate::pki::{AlternativeName, CertificateFacts, NameField};
use crate::{Attributes, CertificateId, Device, DeviceId, DeviceName, ProfileName};

fn device(name: &str) -> Device {
    let mut device = Device::new(DeviceId::from_bits(1), DeviceName::new(name).expect("a name"), Timestamp::default());
    device.profile = Some(ProfileName::new("camera").expect("a name"));
    let attributes = [("line", "4"), ("bad", "a/#"), ("path", "hall/7")];
    let attributes: BTreeMap<_, _> = attributes.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    device.attributes = Attributes::try_from(attributes).expect("legal");
    device
}

fn certificate() -> CertificateFacts {
    CertificateFacts {
        id: CertificateId::of(b"a certificate"),
        serial: "4a01".parse().expect("hex"),
        not_before: Timestamp::default(),
        not_after: Timestamp::default(),
        subject: vec![
            (NameField::Organization, "Plant 1710".to_owned()),
            (NameField::OrganizationalUnit, "hall-7".to_owned()),
            (NameField::OrganizationalUnit, "line-4".to_owned()),
            (NameField::CommonName, "line4-cam01".to_owned()),
        ],
        issuer: vec![(NameField::CommonName, "Andon issuing".to_owned())],
        subject_alternative: vec![(AlternativeName::DnsName, "cam01.plant.example".to_owned())],
        issuer_alternative: Vec::new(),
        public_key_der: Vec::new(),
    }
}

/// Asks `text` about actions of the device `line4-cam01` under a client id.
struct Asked {
    permissions: Permissions,
}

impl Asked {
    fn new(text: &str, client_id: &str) -> Self {
        let policy = Policy::parse(text).unwrap_or_else(|error| panic!("{error} in {text}"));
        let (device, certificate) = (device("line4-cam01"), certificate());
        let source = Some("10.1.2.3".parse().expect("an address"));
        let connection = Connection { client_id, source, device: Some(&device), certificate: &certificate };
        Self { permissions: Permissions::bind([&policy], &connection) }
    }

    fn check(&self, action: PolicyAction, name: &str, expect: bool) {
        let verdict = match action {
            PolicyAction::Connect => self.permissions.connect(),
            PolicyAction::Publish => self.permissions.publish(name, false),
            PolicyAction::RetainPublish => self.permissions.publish(name, true),
            PolicyAction::Subscribe => self.permissions.subscribe(name),
            PolicyAction::Receive => self.permissions.receive(name),
        };
        assert_eq!(verdict.is_allowed(), expect, "{action:?} {name}: {verdict:?}");
    }
}

/// A document of one statement.
fn allowing(action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}}}"#
    )
}

const CAMERA: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "iot:Connect",
     "Resource": "arn:aws:iot:eu-central-1:111122223333:client/${iot:Connection.Thing.ThingName}",
     "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}},
    {"Effect": "Allow", "Action": ["iot:Publish", "iot:RetainPublish"],
     "Resource": ["arn:aws:iot:eu-central-1:111122223333:topic/data/${iot:Connection.Thing.ThingName}",
                  "arn:aws:iot:eu-central-1:111122223333:topic/data/${iot:Connection.Thing.ThingName}/*"]},
    {"Effect": "Allow", "Action": "iot:Subscribe",
     "Resource": ["arn:aws:iot:eu-central-1:111122223333:topicfilter/cmd/${iot:Connection.Thing.ThingName}/#",
                  "arn:aws:iot:eu-central-1:111122223333:topicfilter/cmd/${iot:Connection.Thing.ThingName}/+"]},
    {"Effect": "Allow", "Action": "iot:Receive",
     "Resource": "arn:aws:iot:eu-central-1:111122223333:topic/cmd/${iot:Connection.Thing.ThingName}/*"},
    {"Effect": "Deny", "Action": ["iot:Publish", "iot:Receive"],
     "Resource": "arn:aws:iot:eu-central-1:111122223333:topic/*/restricted/*"}
  ]
}"#;

#[test]
fn the_camera_of_line_4() {
    use PolicyAction::{Connect, Publish, Receive, RetainPublish, Subscribe};
    let camera = Asked::new(CAMERA, "line4-cam01");
    camera.check(Connect, "", true);
    camera.check(Publish, "data/line4-cam01", true);
    camera.check(Publish, "data/line4-cam01/temp/raw", true);
    camera.check(RetainPublish, "data/line4-cam01/temp/raw", true);
    camera.check(Publish, "data/line4-cam02", false);
    camera.check(Publish, "data/line4-cam01x", false);
    camera.check(Publish, "data/line4-cam01/restricted/x", false);
    camera.check(Subscribe, "cmd/line4-cam01/#", true);
    camera.check(Subscribe, "cmd/line4-cam01/+", true);
    camera.check(Subscribe, "cmd/line4-cam01/reboot", false);
    camera.check(Subscribe, "cmd/+/#", false);
    camera.check(Receive, "cmd/line4-cam01/reboot", true);
    camera.check(Receive, "cmd/line4-cam01/restricted/key", false);
    assert_eq!(camera.permissions.publish("data/line4-cam01/restricted/x", false), Verdict::Denied);
    assert_eq!(camera.permissions.publish("data/line4-cam02", false), Verdict::NotAllowed);
    let other = Asked::new(CAMERA, "other");
    other.check(Connect, "", false);
    other.check(Publish, "data/line4-cam01", false);
    other.check(Publish, "data/${iot:Connection.Thing.ThingName}", false);
}

#[test]
fn wildcards_of_mqtt_are_characters_in_a_policy() {
    use PolicyAction::{Publish, Subscribe};
    let check = |action: PolicyAction, resource: &str, name: &str, expect: bool| {
        Asked::new(&allowing(action.word(), resource), "c").check(action, name, expect);
    };
    check(Subscribe, "topicfilter/a/#", "a/#", true);
    check(Subscribe, "topicfilter/a/#", "a/b", false);
    for filter in ["a/b", "a/b/c", "a/#", "a/+/x"] {
        check(Subscribe, "topicfilter/a/*", filter, true);
    }
    check(Subscribe, "topicfilter/a/+/c", "a/+/c", true);
    check(Subscribe, "topicfilter/a/+/c", "a/b/c", false);
    check(Publish, "topic/data/*", "data/x/y", true);
    check(Publish, "topic/data/*", "data", false);
    check(Publish, "topic/data/#/*", "data/x/y", false);
    check(Publish, "topic/data/?", "data/x", true);
    check(Publish, "topic/data/${*}", "data/x", false);
    check(Publish, "topic/data/${*}", "data/*", true);
    check(Publish, "arn:aws-cn:iot:*:*:topic/a:b/*", "a:b/c", true);
    check(Publish, "*", "anything", true);
    check(Publish, "arn:aws:iot:eu-central-1:111122223333:*", "anything", true);
    check(Publish, "topicfilter/a/*", "a/b", false);
    check(Publish, "*", "a/+", false);
}

#[test]
fn a_denied_receive_holds_back_what_an_allowed_subscription_covers() {
    let text = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "iot:Subscribe", "Resource": "topicfilter/a/secret/*"},
        {"Effect": "Deny", "Action": "iot:Receive", "Resource": "topic/a/secret/*"},
        {"Effect": "Allow", "Action": ["iot:Subscribe", "iot:Receive"], "Resource": ["topicfilter/a/*", "topic/a/*"]}]}"#;
    let asked = Asked::new(text, "c");
    asked.check(PolicyAction::Subscribe, "a/#", true);
    asked.check(PolicyAction::Subscribe, "a/secret/x", false);
    asked.check(PolicyAction::Receive, "a/b", true);
    asked.check(PolicyAction::Receive, "a/secret/x", false);
}

#[test]
fn a_claim_may_ask_for_a_certificate_and_nothing_else() {
    let text = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"},
        {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"],
         "Resource": ["arn:aws:iot:eu-central-1:111122223333:topic/$aws/certificates/create/*",
                      "arn:aws:iot:eu-central-1:111122223333:topic/$aws/provisioning-templates/Plant/provision/*"]},
        {"Effect": "Allow", "Action": "iot:Subscribe",
         "Resource": "arn:aws:iot:eu-central-1:111122223333:topicfilter/$aws/certificates/create/*"}]}"#;
    let claim = Asked::new(text, "new-device");
    claim.check(PolicyAction::Connect, "", true);
    claim.check(PolicyAction::Publish, "$aws/certificates/create/json", true);
    claim.check(PolicyAction::Subscribe, "$aws/certificates/create/json/accepted", true);
    claim.check(PolicyAction::Receive, "$aws/certificates/create/json/accepted", true);
    claim.check(PolicyAction::Publish, "data/new-device/x", false);
    claim.check(PolicyAction::Publish, "$aws/certificates/create-from-csr/json", false);
    claim.check(PolicyAction::Subscribe, "$aws/#", false);
}

#[test]
fn retaining_needs_a_permission_of_its_own() {
    let asked = Asked::new(&allowing("iot:Publish", "topic/a"), "c");
    asked.check(PolicyAction::Publish, "a", true);
    asked.check(PolicyAction::RetainPublish, "a", false);
    Asked::new(&allowing("iot:RetainPublish", "topic/a"), "c").check(PolicyAction::RetainPublish, "a", false);
    Asked::new(&allowing("iot:*", "topic/a"), "c").check(PolicyAction::RetainPublish, "a", true);
}

#[test]
fn shared_subscriptions_are_asked_for_their_filter() {
    let asked = Asked::new(&allowing("iot:Subscribe", "topicfilter/a/*"), "c");
    asked.check(PolicyAction::Subscribe, "$share/group/a/b", true);
    asked.check(PolicyAction::Subscribe, "$share/group/b", false);
    asked.check(PolicyAction::Subscribe, "$share/group", false);
    let text = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "topicfilter/*"},
        {"Effect": "Deny", "Action": "iot:Subscribe", "Resource": "topicfilter/a/secret"}]}"#;
    let asked = Asked::new(text, "c");
    asked.check(PolicyAction::Subscribe, "$share/group/a/b", true);
    asked.check(PolicyAction::Subscribe, "$share/group/a/secret", false);
}

#[test]
fn variables_have_the_values_of_the_connection() {
    let check = |variable: &str, client_id: &str, topic: &str, expect: bool| {
        let text = allowing("iot:Publish", &format!("topic/x/${{{variable}}}"));
        Asked::new(&text, client_id).check(PolicyAction::Publish, topic, expect);
    };
    let id = CertificateId::of(b"a certificate");
    let name = "line4-cam01";
    check("iot:ClientId", "any", "x/any", true);
    check("iot:Connection.Thing.ThingTypeName", name, "x/camera", true);
    check("iot:Connection.Thing.ThingTypeName", "any", "x/camera", false);
    check("iot:Connection.Thing.Attributes[line]", name, "x/4", true);
    check("iot:Connection.Thing.Attributes[path]", name, "x/hall/7", true);
    check("iot:Connection.Thing.Attributes[missing]", name, "x/", false);
    check("iot:Connection.Thing.IsAttached", name, "x/true", true);
    check("iot:CertificateId", "any", &format!("x/{id}"), true);
    check("iot:Certificate.SerialNumber", "any", "x/4a01", true);
    check("iot:Certificate.Subject.CommonName", "any", "x/line4-cam01", true);
    check("iot:Certificate.Issuer.CommonName", "any", "x/Andon issuing", true);
    check("iot:Certificate.Subject.OrganizationalUnit", "any", "x/hall-7", false);
    check("iot:Certificate.Subject.OrganizationalUnit.1", "any", "x/hall-7", true);
    check("iot:Certificate.Subject.OrganizationalUnit.2", "any", "x/line-4", true);
    check("iot:Certificate.Subject.OrganizationalUnit.3", "any", "x/line-4", false);
    check("iot:Certificate.Subject.OrganizationalUnit.List", "any", "x/line-4", true);
    check("iot:Certificate.Subject.AlternativeName.DNSName", "any", "x/cam01.plant.example", true);
    check("aws:SourceIp", "any", "x/10.1.2.3", true);
}

#[test]
fn a_value_with_a_wildcard_is_not_put_in() {
    for client_id in ["+", "#", "*", "a?b", "$x"] {
        let asked = Asked::new(&allowing("iot:Subscribe", "topicfilter/x/${iot:ClientId}/*"), client_id);
        asked.check(PolicyAction::Subscribe, "x/+/a", false);
        asked.check(PolicyAction::Subscribe, "x/#", false);
        asked.check(PolicyAction::Subscribe, "x/*/a", false);
        asked.check(PolicyAction::Subscribe, "x/${iot:ClientId}/a", false);
    }
    let asked = Asked::new(&allowing("iot:Publish", "topic/${iot:Connection.Thing.Attributes[bad]}"), "line4-cam01");
    asked.check(PolicyAction::Publish, "a/x", false);
}

#[test]
fn a_deny_with_a_variable_without_a_value_denies_nothing() {
    let text = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Publish", "Resource": "*"},
        {"Effect": "Deny", "Action": "iot:Publish", "Resource": "topic/${iot:Connection.Thing.ThingName}/*"}]}"#;
    Asked::new(text, "line4-cam01").check(PolicyAction::Publish, "line4-cam01/x", false);
    Asked::new(text, "other").check(PolicyAction::Publish, "line4-cam01/x", true);
    let warnings = Policy::parse(text).expect("legal").warnings();
    assert_eq!(warnings, ["statement 2: this Deny denies nothing to a connection on which its variable has no value"]);
}

#[test]
fn not_resource_is_about_the_rest() {
    let text = |effect: &str, except: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [
            {{"Effect": "Allow", "Action": "iot:Receive", "Resource": "*"}},
            {{"Effect": "{effect}", "Action": ["iot:Publish", "iot:Receive"], "NotResource": "{except}"}}]}}"#
        )
    };
    let denying = Asked::new(&text("Deny", "topic/a/*"), "c");
    denying.check(PolicyAction::Receive, "a/b", true);
    denying.check(PolicyAction::Receive, "b", false);
    let allowing = Asked::new(&text("Allow", "topic/a/*"), "c");
    allowing.check(PolicyAction::Publish, "b", true);
    allowing.check(PolicyAction::Publish, "a/b", false);
    let untold = Asked::new(&text("Allow", "topic/${iot:Connection.Thing.ThingName}"), "c");
    untold.check(PolicyAction::Publish, "b", false);
}

#[test]
fn conditions_are_evaluated() {
    let check = |condition: &str, expect: bool| {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "iot:Publish",
            "Resource": "*", "Condition": {condition}}}]}}"#
        );
        let asked = Asked::new(&text, "line4-cam01");
        assert_eq!(asked.permissions.publish("x", false).is_allowed(), expect, "{condition}");
    };
    check(r#"{"Bool": {"iot:Connection.Thing.IsAttached": ["true"]}}"#, true);
    check(r#"{"Bool": {"iot:Connection.Thing.IsAttached": true}}"#, true);
    check(r#"{"Bool": {"iot:Connection.Thing.IsAttached": "false"}}"#, false);
    check(r#"{"StringEquals": {"iot:ClientId": "line4-cam01"}}"#, true);
    check(r#"{"StringEquals": {"iot:ClientId": ["a", "line4-cam01"]}}"#, true);
    check(r#"{"StringEquals": {"iot:ClientId": "line4-*"}}"#, false);
    check(r#"{"StringLike": {"iot:ClientId": "line4-*"}}"#, true);
    check(r#"{"StringNotLike": {"iot:ClientId": "line4-*"}}"#, false);
    check(r#"{"StringEqualsIgnoreCase": {"iot:ClientId": "LINE4-cam01"}}"#, true);
    check(r#"{"StringNotEquals": {"iot:ClientId": "x"}}"#, true);
    check(r#"{"StringEquals": {"iot:ClientId": "${iot:Certificate.Subject.CommonName}"}}"#, true);
    check(r#"{"StringEquals": {"iot:Connection.Thing.Attributes[none]": "x"}}"#, false);
    check(r#"{"StringNotEquals": {"iot:Connection.Thing.Attributes[none]": "x"}}"#, true);
    check(r#"{"StringEqualsIfExists": {"iot:Connection.Thing.Attributes[none]": "x"}}"#, true);
    check(r#"{"Null": {"iot:Connection.Thing.Attributes[none]": "true"}}"#, true);
    check(r#"{"Null": {"iot:Connection.Thing.Attributes[line]": "true"}}"#, false);
    check(r#"{"IpAddress": {"aws:SourceIp": "10.1.0.0/16"}}"#, true);
    check(r#"{"NotIpAddress": {"aws:SourceIp": ["10.2.0.0/16", "10.1.2.3"]}}"#, false);
    check(r#"{"ForAnyValue:StringEquals": {"iot:Certificate.Subject.OrganizationalUnit.List": ["line-4"]}}"#, true);
    check(r#"{"ForAllValues:StringEquals": {"iot:Certificate.Subject.OrganizationalUnit.List": ["line-4"]}}"#, false);
    check(
        r#"{"StringEquals": {"iot:ClientId": "line4-cam01"}, "Bool": {"iot:Connection.Thing.IsAttached": "false"}}"#,
        false,
    );
}

#[test]
fn faults_are_named_with_their_place() {
    let check = |statement: &str, line: usize, column: usize, why: &str| {
        let text = format!("{{\"Version\": \"2012-10-17\",\n \"Statement\": [\n{statement}\n]}}");
        let error = Policy::parse(&text).expect_err("refused");
        assert_eq!((error.line, error.column), (line, column), "{error}");
        assert!(error.why.contains(why), "{error} should say {why:?}");
    };
    check(r#"{"Effect": "Allow", "Action": "iot:Publich", "Resource": "*"}"#, 3, 43, "iot:Publich is not an action");
    check(r#"{"Effect": "Permit", "Action": "iot:Publish", "Resource": "*"}"#, 3, 19, "unknown variant `Permit`");
    check(r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "data/#"}"#, 3, 65, "is not a resource");
    check(
        r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "topic/${iot:Clientid}"}"#,
        3,
        80,
        "is not a variable",
    );
    check(r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "topic/${iot:ClientId"}"#, 3, 79, "not closed");
    check(r#"{"Effect": "Allow", "Action": [], "Resource": "*"}"#, 3, 32, "at least one");
    check(r#"{"Effect": "Allow", "Action": "iot:Publish"}"#, 4, 1, "either Resource or NotResource");
    check(r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "*", "NotAction": "x"}"#, 3, 73, "unknown field");
    check(
        r#"{"Effect": "Allow", "Effect": "Deny", "Action": "iot:Publish", "Resource": "*"}"#,
        3,
        28,
        "duplicate field",
    );
    check(r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "arn:aws:iot:*"}"#, 3, 72, "is not of the form");
    check("{\"Effect\": \"Allow\",\n\"Action\" \"iot:Publish\"}", 4, 10, "expected `:`");
    let resource = r#""Effect": "Allow", "Action": "iot:Publish", "Resource": "*", "Condition""#;
    check(&format!(r#"{{{resource}: {{"StringIs": {{}}}}}}"#), 3, 92, "not a condition operator");
    check(&format!(r#"{{{resource}: {{"Bool": {{"iot:ClientId": "yes"}}}}}}"#), 3, 109, "neither true nor false");
    check(&format!(r#"{{{resource}: {{"Bool": {{"x": "true"}}, "Bool": {{}}}}}}"#), 3, 110, "stands there twice");
}

#[test]
fn variables_need_the_current_version() {
    let text = allowing("iot:Publish", "topic/${iot:ClientId}");
    for version in ["\"Version\": \"2008-10-17\",", ""] {
        let old = text.replace("\"Version\": \"2012-10-17\",", version);
        assert!(Policy::parse(&old).expect_err("refused").why.contains("variables need"));
    }
    assert!(Policy::parse(&allowing("iot:Publish", "topic/a").replace("2012-10-17", "2008-10-17")).is_ok());
    assert!(Policy::parse(&text.replace("2012-10-17", "2024-01-01")).is_err());
}

#[test]
fn documents_are_limited_without_their_white_space() {
    let text = |name: usize, spaces: usize| {
        allowing("iot:Publish", &format!("topic/{}", "x".repeat(name))) + &" ".repeat(spaces)
    };
    let fixed = text(0, 0).chars().filter(|c| !c.is_whitespace()).count();
    assert!(Policy::parse(&text(MAX_POLICY_CHARACTERS - fixed, 5_000)).is_ok());
    let error = Policy::parse(&text(MAX_POLICY_CHARACTERS - fixed + 1, 0)).expect_err("refused");
    assert!(error.why.starts_with("2049 characters"), "{error}");
    assert!(Policy::parse(&text(1, MAX_POLICY_BYTES)).is_err());
}

#[test]
fn what_is_probably_not_meant_is_told() {
    let check = |action: &str, resource: &str, expect: &str| {
        let warnings = Policy::parse(&allowing(action, resource)).expect("legal").warnings();
        assert_eq!(warnings.len(), usize::from(!expect.is_empty()), "{warnings:?}");
        assert!(warnings.iter().all(|w| w.contains(expect)), "{warnings:?}");
    };
    check("iot:Publish", "topic/data/*", "");
    check("iot:Publish", "topic/data/#/*", "use * instead");
    check("iot:Publish", "topicfilter/data/*", "never matches");
    check("iot:GetThingShadow", "*", "does not have");
    check("iot:Publish", "arn:aws:iot:eu-central-1:111122223333:thing/x", "does not have");
}

fn defaults() -> DefaultPolicies {
    let prefix = |text: &str| TopicPrefix::new(text).expect("a prefix");
    DefaultPolicies { root: prefix("data/#"), commands: prefix("cmd") }
}

#[test]
fn a_device_has_its_own_topics_by_default() {
    use PolicyAction::{Connect, Publish, Receive, RetainPublish, Subscribe};
    let policy = defaults().device().expect("legal");
    assert_eq!(policy.warnings(), [] as [String; 0]);
    let asked = Asked::new(policy.text(), "line4-cam01");
    asked.check(Connect, "", true);
    asked.check(Publish, "data/line4-cam01", true);
    asked.check(RetainPublish, "data/line4-cam01/a/b", true);
    asked.check(Subscribe, "cmd/line4-cam01/#", true);
    asked.check(Subscribe, "cmd/line4-cam01/reboot", true);
    asked.check(Receive, "cmd/line4-cam01/reboot", true);
    for (action, name) in [(Publish, "data/other/a"), (Publish, "cmd/line4-cam01/x"), (Subscribe, "cmd/#")] {
        asked.check(action, name, false);
    }
    Asked::new(policy.text(), "other").check(Connect, "", false);
}

#[test]
fn a_gateway_speaks_for_the_devices_behind_it() {
    let policy = defaults().gateway().expect("legal");
    let mut gateway = device("gateway-1");
    gateway.on_behalf_of = ["tag-1", "tag-2"].map(|name| DeviceName::new(name).expect("a name")).into();
    let certificate = certificate();
    let connection =
        Connection { client_id: "gateway-1", source: None, device: Some(&gateway), certificate: &certificate };
    let permissions = Permissions::bind([&policy], &connection);
    let check = |topic: &str, expect: bool| {
        assert_eq!(permissions.publish(topic, false).is_allowed(), expect, "{topic}");
    };
    for topic in ["data/gateway-1/x", "data/tag-1", "data/tag-2/temperature"] {
        check(topic, true);
    }
    check("data/tag-3/temperature", false);
    check("data/tag-1x", false);
    assert!(permissions.subscribe("cmd/tag-2/#").is_allowed());
    assert!(!permissions.subscribe("cmd/tag-3/#").is_allowed());
    gateway.on_behalf_of.clear();
    let connection =
        Connection { client_id: "gateway-1", source: None, device: Some(&gateway), certificate: &certificate };
    let alone = Permissions::bind([&policy], &connection);
    assert!(alone.publish("data/gateway-1/x", false).is_allowed());
    assert!(!alone.publish("data/${andon:OnBehalfOf}/x", false).is_allowed());
}

#[test]
fn prefixes_are_plain_levels() {
    for good in ["data", "data/#", "plant/1710/data", "a.b:c-d_e"] {
        assert!(TopicPrefix::new(good).is_some(), "{good}");
    }
    for bad in ["", "#", "/data", "data/", "data//x", "$aws", "a*", "a/+", "a\"b", "${x}"] {
        assert!(TopicPrefix::new(bad).is_none(), "{bad}");
    }
}
