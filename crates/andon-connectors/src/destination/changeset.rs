//! Reading the answer to a change set.
//!
//! All done: `{"responses": [{"status", "body"}, …]}` in the order of the parts. Not done: what its one part says,
//! read as if it had come directly. Anything else is lost: a service that did a part of it broke its word, and only
//! the step's guard can tell what there is.

use andon_act::{Answer, Response};
use andon_model::Code;
use serde_json::{Value, json};

use super::classify::{Reading, json_or_text};
use super::exchange::{Body, Reply};
use crate::odata::batch::read::{PartAnswer, SetAnswer, read};

impl Reading<'_> {
    /// The answer to a change set, of which at least the outer status says success.
    pub(super) fn changeset(&self, reply: &Reply) -> Answer {
        let text = match &reply.body {
            Body::Complete(bytes) => self.redactor.clean(&String::from_utf8_lossy(bytes)),
            Body::Cut(bytes) => return self.untold(reply, &format!("it is longer than {} bytes", bytes.len())),
            Body::Broken(_, why) => return self.untold(reply, why),
        };
        match read(reply.header("content-type").unwrap_or_default(), &text, self.parts) {
            Ok(SetAnswer::Done(parts)) => Answer::Done(self.responses(reply, &parts)),
            Ok(SetAnswer::Failed(part)) => {
                let PartAnswer { status, headers, body, .. } = part;
                self.reply(&Reply { status, headers, body: Body::Complete(body.into()) })
            }
            Err(why) => self.untold(reply, &why),
        }
    }

    fn responses(&self, reply: &Reply, parts: &[PartAnswer]) -> Response {
        let body = |part: &PartAnswer| json!({ "status": part.status.as_u16(), "body": json_or_text(&part.body) });
        let bodies: Vec<Value> = parts.iter().map(body).collect();
        let warnings = parts.iter().zip(&bodies).flat_map(|(part, body)| self.warnings(&part.headers, &body["body"]));
        let warnings = warnings.collect();
        let body = json!({ "responses": bodies });
        Response { status: reply.status.as_u16(), body, etag: None, location: None, warnings }
    }

    fn untold(&self, reply: &Reply, why: &str) -> Answer {
        let what = format!("HTTP {}, but the answer to the change set is of no use: {why}", reply.status.as_u16());
        Answer::Lost(self.problem(Code::Lost, what))
    }
}
