//! Secrets from wherever they are kept: the environment, files, AWS Secrets Manager and the parameter store.

use serde_json::{Value, json};

use crate::common::PASSWORD;
use crate::gate::{Gate, Passing, Verdict};
use crate::plant::Plant;

const AWS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"),
    ("AWS_REGION", "eu-central-1"),
];

fn basic(user: &str, password: &str) -> String {
    format!("[auth]\nkind = \"basic\"\nuser = {user}\npassword = {password}\n")
}

fn at(plant: &Plant) -> String {
    format!("url = \"http://{}\"", plant.sap_address())
}

#[test]
fn a_variable_and_a_file_make_documents() {
    let plant = Plant::with(&[("PLANT_SAP_USER", "ANDON"), ("PLANT_SAP_EMPTY", "")]);
    let file = plant.file("sap-password", &format!("{PASSWORD}\r\n"));
    plant.apply(&at(&plant), &basic("{ env = \"PLANT_SAP_USER\" }", "{ env = \"PLANT_SAP_EMPTY\" }"));
    let told = plant.test();
    let empty = "environment variable PLANT_SAP_EMPTY cannot be read: it is empty";
    assert!(told.iter().any(|line| line.starts_with("credentials no") && line.contains(empty)), "{told:?}");
    plant.prove(&at(&plant), &basic("{ env = \"PLANT_SAP_USER\" }", &format!("{{ file = \"{file}\" }}")));
    let json = plant.file("sap.json", &json!({"user": "ANDON", "password": PASSWORD}).to_string());
    let member = |key: &str| format!("{{ file = \"{json}\", key = \"{key}\" }}");
    plant.apply(&at(&plant), &basic(&member("user"), &member("password")));
    plant.send(3..5);
    plant.check(5);
}

/// AWS as far as it keeps secrets; throttles the first call.
fn aws(request: &mut Passing) -> Verdict {
    let signed = request.header("authorization").contains("/eu-central-1/");
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let answer = match (request.header("x-amz-target"), asked["SecretId"].as_str(), asked["Name"].as_str()) {
        _ if !signed => return Verdict::Answer(403, "", "{}".into()),
        ("secretsmanager.GetSecretValue", Some("sapAuth"), _) => {
            json!({ "Name": "sapAuth", "SecretString": json!({"user": "ANDON", "password": PASSWORD}).to_string() })
        }
        ("AmazonSSM.GetParameter", _, Some("/andon/sap")) if asked["WithDecryption"] == true => {
            json!({ "Parameter": { "Name": "/andon/sap", "Type": "SecureString", "Value": PASSWORD } })
        }
        _ => return Verdict::Answer(400, "", r#"{"__type":"ResourceNotFoundException","message":"no such"}"#.into()),
    };
    Verdict::Answer(200, "content-type: application/x-amz-json-1.1\r\n", answer.to_string())
}

#[test]
fn both_stores_of_aws_make_documents() {
    let plant = Plant::with(&AWS);
    let busy = std::sync::atomic::AtomicBool::new(true);
    let store = Gate::open("", move |request| {
        if busy.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Verdict::Answer(400, "", r#"{"__type":"ThrottlingException"}"#.into());
        }
        aws(request)
    });
    let reference = |kind: &str, name: &str, key: &str| {
        format!("{{ {kind} = \"{name}\"{key}, endpoint = \"http://{}\" }}", store.address)
    };
    let secret = |key: &str| reference("aws_secret", "sapAuth", &format!(", key = \"{key}\""));
    plant.prove(&at(&plant), &basic(&secret("user"), &secret("password")));
    plant.apply(&at(&plant), &basic("\"ANDON\"", &reference("aws_parameter", "/andon/sap", "")));
    plant.send(3..5);
    plant.check(5);
    plant.apply(&at(&plant), &basic("\"ANDON\"", &reference("aws_secret", "sapAuht", "")));
    let told = plant.test();
    let absent = "secret sapAuht in AWS Secrets Manager cannot be read: HTTP 400: ResourceNotFoundException";
    assert!(told.iter().any(|line| line.starts_with("credentials no") && line.contains(absent)), "{told:?}");
}
