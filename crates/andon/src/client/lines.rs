//! An answer of many lines, read while it comes.

use anyhow::anyhow;
use reqwest::header::CONTENT_TYPE;

use super::answer::Answer;
use super::{Client, lost_connection, unreachable_server};

/// Longest line of an answer, in bytes.
const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;

/// The lines of an answer, of which only the next ones are held.
pub(crate) struct Lines {
    answer: reqwest::Response,
    place: String,
    /// What has come and was not read yet.
    held: Vec<u8>,
    /// Where the next line begins in it.
    at: usize,
}

impl Client {
    /// Delivers bytes, and reads the answer line by line.
    pub(crate) async fn exchange_lines(
        &self,
        path: &str,
        query: &[(&str, String)],
        content_type: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<Lines> {
        let place = format!("POST {}{path}", self.base);
        let mut request = self.http.post(format!("{}{path}", self.base)).query(query);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let sent = request.header(CONTENT_TYPE, content_type).body(body).send().await;
        let answer = sent.map_err(|error| unreachable_server(&error, &place))?;
        if answer.status().is_success() {
            return Ok(Lines { answer, place, held: Vec::new(), at: 0 });
        }
        Answer::receive(answer, &place).await?;
        Err(anyhow!("the answer to {place} is not as expected"))
    }
}

impl Lines {
    /// The next line that is not empty; none after the last.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        loop {
            if let Some(length) = self.held[self.at..].iter().position(|byte| *byte == b'\n') {
                let line = self.held[self.at..self.at + length].to_vec();
                self.at += length + 1;
                if !line.trim_ascii().is_empty() {
                    return Ok(Some(line));
                }
                continue;
            }
            if !self.more().await? {
                let rest = std::mem::take(&mut self.held).split_off(self.at);
                self.at = 0;
                return Ok((!rest.trim_ascii().is_empty()).then_some(rest));
            }
        }
    }

    /// Waits for more bytes. None come after the end.
    async fn more(&mut self) -> anyhow::Result<bool> {
        let chunk = self.answer.chunk().await.map_err(|error| lost_connection(&error, &self.place))?;
        let Some(bytes) = chunk else { return Ok(false) };
        self.held.drain(..self.at);
        self.at = 0;
        if self.held.len() + bytes.len() > MAX_LINE_BYTES {
            return Err(anyhow!("the answer to {} has a line of more than {MAX_LINE_BYTES} bytes", self.place));
        }
        self.held.extend(bytes);
        Ok(true)
    }
}
