use super::*;
use andon_testkit::memory_journal::MemoryJournal;

#[derive(Debug, Deserialize)]
struct Holder {
    at: Credential,
}

fn parse(text: &str) -> Result<Credential, String> {
    let held: Result<Holder, _> = toml::from_str(&format!("at = {text}"));
    held.map(|holder| holder.at).map_err(|error| error.message().to_owned())
}

/// What a reference calls itself, or why it is none.
fn check(text: &str, expect: &str) {
    let found = parse(text).map_or_else(|why| why, |credential| credential.to_string());
    assert!(found.starts_with(expect), "for {text}: {found}");
}

#[test]
fn every_place_has_its_table() {
    check("{ secret = \"sap\" }", "secret sap");
    check("{ env = \"SAP\" }", "environment variable SAP");
    check("{ file = \"/run/sap\", key = \"password\" }", "file /run/sap");
    check("{ aws_secret = \"sapAuth\", key = \"password\" }", "secret sapAuth in AWS Secrets Manager");
    check(
        "{ aws_parameter = \"/andon/key\", region = \"eu-central-1\" }",
        "parameter /andon/key of AWS Systems Manager",
    );
    for wrong in
        ["{ }", "{ key = \"a\" }", "{ secret = \"a\", env = \"B\" }", "{ aws_secret = \"a\", aws_parameter = \"b\" }"]
    {
        check(wrong, "say where the secret is by exactly one of");
    }
    check("{ env = \"A\", aws_secret = \"b\" }", "say where the secret is");
    check("{ env = \"A\", region = \"eu-central-1\" }", "region and endpoint belong to");
    check("{ aws_secret = \"a\", endpoint = \"http://example.com\" }", "use https for the endpoint");
    check("{ aws_secret = \"a\", region = \"Frankfurt\" }", "\"Frankfurt\" is not a region");
    check("{ aws_secret = \"\" }", "a name in AWS has 1 to");
    for clear in ["\"open-sesame-1\"", "4711471147", "47.11"] {
        check(clear, "a secret never stands in a file: say where it is");
        assert!(!parse(clear).expect_err("no reference").contains(clear.trim_matches('"')), "{clear} is quoted");
    }
    check("{ file = \"sap\" }", "use the full path of the file");
    check("{ env = \"A\", key = \"\" }", "key names a member");
}

/// What a file with this text gives.
async fn resolve(text: &str, key: Option<&str>) -> Result<String, Problem> {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), text).expect("written");
    let credential = Credential { place: SecretPlace::File(file.path().into()), key: key.map(str::to_owned) };
    credential.resolve(&MemoryJournal::new()).await.map(|secret| secret.expose().to_owned())
}

#[tokio::test]
async fn a_key_picks_a_member_and_no_problem_quotes_the_text() {
    assert_eq!(resolve("open sesame\r\n", None).await.as_deref(), Ok("open sesame"));
    let json = r#"{"user":"ANDON","password":"s3cret-text","pin":4711,"more":{}}"#;
    assert_eq!(resolve(json, Some("password")).await.as_deref(), Ok("s3cret-text"));
    assert_eq!(resolve(json, Some("pin")).await.as_deref(), Ok("4711"));
    for (text, key) in [("", None), ("\n", None), (r#"{"password":""}"#, Some("password"))] {
        assert!(resolve(text, key).await.is_err_and(|problem| problem.detail.ends_with("it is empty")), "for {text:?}");
    }
    let long = "s3cret-text".repeat(30_000);
    for (text, key) in [(json, "passwort"), (json, "more"), ("s3cret-text", "password"), (&long, "password")] {
        let problem = resolve(text, Some(key)).await.expect_err("no such member");
        assert_eq!(problem.code, Code::MissingSecret);
        assert!(!problem.to_string().contains("s3cret"), "{problem}");
    }
}
