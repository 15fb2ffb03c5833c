//! The shapes of the onboarding API of AWS's IoT device connectivity quickstart: `POST`, `GET` and `DELETE` of
//! `/api/onboard/{deviceName}`.
//!
//! Every answer has all members, and texts that are not known are empty. The status is 200 or 400; clients look at
//! `error.code`, which is empty when all is well. One thing differs, on purpose: the private key is in the one answer that
//! hands it over and in no other, so that in the answer to a `GET` it is always empty.

use andon_model::{Problem, Secret, Timestamp};
use serde::{Deserialize, Serialize};

use crate::pki::PkiError;
use crate::{Certificate, CertificateId, Device, DeviceName};

/// The answer to each of the three methods.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OnboardAnswer {
    /// The device's name again, as clients of the quickstart use it as serial number.
    pub serial_number: String,
    /// The device's name.
    pub device_name: String,
    /// The device's identity, a UUID.
    pub thing_id: String,
    /// Its certificate.
    pub credential: Credential,
    /// The host that it connects to, on port 8883: a name without scheme.
    pub mqtt_endpoint: String,
    /// What went wrong, if anything.
    pub error: OnboardFault,
}

/// A certificate as the quickstart shows it.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Credential {
    /// `arn:andon:iot:::cert/<id>`.
    pub certificate_arn: String,
    /// The certificate's fingerprint, 64 hex digits.
    pub certificate_id: String,
    /// The certificate.
    pub certificate_pem: String,
    /// The private key in PKCS #8 and PEM, in the answer that hands it over; else empty.
    pub private_key: String,
    /// The public key.
    pub public_key: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("certificate_id", &self.certificate_id).finish_non_exhaustive()
    }
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OnboardFault {
    /// The code, such as `AND-7006`; empty when all is well.
    pub code: String,
    /// What exactly.
    pub msg: String,
    /// What kind, in words.
    #[serde(rename = "type")]
    pub kind: String,
}

impl OnboardAnswer {
    /// The answer about a device: its current certificate, with `key` if this is the answer that hands it over.
    pub fn of_device(
        device: &Device,
        endpoint: &str,
        key: Option<(&CertificateId, &Secret)>,
        now: Timestamp,
    ) -> Result<Self, PkiError> {
        let credential = match device.current(now) {
            None => Credential::default(),
            Some(certificate) => Credential::of(certificate, key)?,
        };
        Ok(Self { thing_id: device.id.as_str().to_owned(), credential, ..Self::named(&device.name, endpoint) })
    }

    /// The answer to a `DELETE` that was done, or for which there was nothing to do.
    pub fn deleted(name: &DeviceName, endpoint: &str) -> Self {
        Self::named(name, endpoint)
    }

    /// The answer to what was not done. `name` is what was asked for, be it a legal name or not.
    pub fn failed(name: &str, problem: &Problem) -> Self {
        let error = OnboardFault {
            code: problem.code.as_str().to_owned(),
            msg: problem.detail.clone(),
            kind: problem.code.title().to_owned(),
        };
        let name: String = name.chars().take(crate::MAX_NAME_BYTES).collect();
        Self { serial_number: name.clone(), device_name: name, error, ..Self::default() }
    }

    /// The HTTP status that goes with it.
    pub fn status(&self) -> u16 {
        if self.error.code.is_empty() { 200 } else { 400 }
    }

    fn named(name: &DeviceName, endpoint: &str) -> Self {
        let (name, mqtt_endpoint) = (name.to_string(), endpoint.to_owned());
        Self { serial_number: name.clone(), device_name: name, mqtt_endpoint, ..Self::default() }
    }
}

impl Credential {
    /// A key is shown only beside the certificate that it belongs to.
    fn of(certificate: &Certificate, key: Option<(&CertificateId, &Secret)>) -> Result<Self, PkiError> {
        let key = key.filter(|(id, _)| **id == certificate.id).map(|(_, key)| key.expose().to_owned());
        Ok(Self {
            certificate_arn: format!("arn:andon:iot:::cert/{}", certificate.id),
            certificate_id: certificate.id.to_string(),
            certificate_pem: certificate.pem.clone(),
            private_key: key.unwrap_or_default(),
            public_key: certificate.facts()?.public_key_pem(),
        })
    }
}

#[cfg(test)]
mod tests {
    use andon_model::Code;
    use serde_json::{Value, json};

    use super::*;
    use crate::pki::{Authority, AuthorityTerms, CertificateTerms, KeyKind, PrivateKey};
    use crate::{CertificateStatus, DeviceId, KeyOrigin, Serial, SystemEntropy};

    const NOW: Timestamp = Timestamp::from_micros(1_772_719_200_000_000);
    const ENDPOINT: &str = "mqtt.plant.example";

    fn device(key: &PrivateKey) -> Device {
        let serial = || Serial::generate(&SystemEntropy).expect("entropy");
        let terms = AuthorityTerms { common_name: "root".to_owned(), organization: None, days: 365 };
        let root = PrivateKey::generate(KeyKind::EcdsaP256).expect("a key");
        let root = Authority::root(&terms, root, &serial(), NOW).expect("a root");
        let name = DeviceName::new("DEV_00000001").expect("a name");
        let terms = CertificateTerms { device: name.clone(), organization: None, days: 30, crl_url: None };
        let issued = root.issue(&terms, &key.public().expect("ours"), &serial(), NOW).expect("issued");
        let mut device = Device::new(DeviceId::from_bits(7), name, NOW);
        device.certificates.push(Certificate::new(issued, KeyOrigin::Generated, CertificateStatus::Active, NOW));
        device
    }

    fn json_of(answer: &OnboardAnswer) -> Value {
        serde_json::to_value(answer).expect("JSON")
    }

    fn empty_credential() -> Value {
        json!({ "certificateArn": "", "certificateId": "", "certificatePem": "", "privateKey": "", "publicKey": "" })
    }

    #[test]
    fn an_onboarded_device_is_answered_with_its_key_once() {
        let key = PrivateKey::generate(KeyKind::EcdsaP256).expect("a key");
        let device = device(&key);
        let id = device.certificates[0].id.clone();
        let (pem, public) = (key.to_pem(), key.public().expect("ours").to_pem());
        let answer = OnboardAnswer::of_device(&device, ENDPOINT, Some((&id, &pem)), NOW).expect("an answer");
        let mut expect = json!({
            "serialNumber": "DEV_00000001",
            "deviceName": "DEV_00000001",
            "thingId": "00000000-0000-4000-8000-000000000007",
            "credential": {
                "certificateArn": format!("arn:andon:iot:::cert/{id}"),
                "certificateId": id.as_str(),
                "certificatePem": device.certificates[0].pem,
                "privateKey": pem.expose(),
                "publicKey": public,
            },
            "mqttEndpoint": "mqtt.plant.example",
            "error": { "code": "", "msg": "", "type": "" },
        });
        assert_eq!((json_of(&answer), answer.status()), (expect.clone(), 200));
        assert!(!format!("{answer:?}").contains("PRIVATE KEY"));
        let again = OnboardAnswer::of_device(&device, ENDPOINT, None, NOW).expect("an answer");
        expect["credential"]["privateKey"] = json!("");
        assert_eq!(json_of(&again), expect);
        let other = CertificateId::of(b"another");
        let mixed_up = OnboardAnswer::of_device(&device, ENDPOINT, Some((&other, &pem)), NOW).expect("an answer");
        assert_eq!(mixed_up.credential.private_key, "");
    }

    #[test]
    fn a_device_without_a_good_certificate_shows_none() {
        let mut device = device(&PrivateKey::generate(KeyKind::EcdsaP256).expect("a key"));
        let id = device.certificates[0].id.clone();
        device.deactivate(&id).expect("deactivated");
        let answer = OnboardAnswer::of_device(&device, ENDPOINT, None, NOW).expect("an answer");
        assert_eq!(json_of(&answer)["credential"], empty_credential());
    }

    #[test]
    fn deleting_and_failing_have_the_same_members() {
        let name = DeviceName::new("DEV_00000001").expect("a name");
        let deleted = OnboardAnswer::deleted(&name, ENDPOINT);
        assert_eq!((json_of(&deleted)["credential"].clone(), deleted.status()), (empty_credential(), 200));
        let problem = Problem::new(Code::Onboarding, "not on the list");
        let failed = OnboardAnswer::failed("DEV 1", &problem);
        let expect = json!({ "code": "AND-7006", "msg": "not on the list", "type": "the device cannot be onboarded" });
        assert_eq!((json_of(&failed)["error"].clone(), failed.status()), (expect, 400));
        let members = |answer: &OnboardAnswer| json_of(answer).as_object().expect("an object").len();
        assert_eq!((members(&deleted), members(&failed)), (6, 6));
    }

    #[test]
    fn answers_of_others_are_read() {
        let text = json!({ "deviceName": "DEV_00000001", "error": { "code": "", "msg": "", "type": "" } });
        let answer: OnboardAnswer = serde_json::from_value(text).expect("readable");
        assert_eq!((answer.device_name.as_str(), answer.status()), ("DEV_00000001", 200));
    }
}
