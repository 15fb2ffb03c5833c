//! Whether the server's mail server answers.

use andon_server::schema::MailTest;
use reqwest::Method;

use super::Line;
use crate::client::Client;
use crate::output::Failure;

/// Nothing without a mail server.
pub(super) async fn check(client: &Client) -> Option<Line> {
    const WHAT: &str = "mail server";
    let tested: anyhow::Result<MailTest> = client.act(Method::POST, "/api/v1/letters/test").await;
    let MailTest { server, problem } = match tested {
        Ok(tested) => tested,
        Err(error) => {
            let problem = Failure::of(&error).problem;
            return Some(Line::fail(WHAT, format!("{}: {}", problem.code, problem.detail), "look at the server's log"));
        }
    };
    match (server?, problem) {
        (server, None) => Some(Line::ok(WHAT, format!("{server} answers"))),
        (server, Some(problem)) => {
            let seen = format!("{server}: {}", problem.detail);
            Some(Line::fail(WHAT, seen, "correct [mail] in andon.toml; letters are tried again by themselves"))
        }
    }
}
