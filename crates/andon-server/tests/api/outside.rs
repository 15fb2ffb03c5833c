//! A stand-in for everything that the API asks of other systems.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use andon_server::{Ask, NoAnswer, Outside};
use futures_util::future::BoxFuture;
use serde_json::Value;

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) url: String,
    pub(crate) body: Value,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) bytes: Vec<u8>,
}

/// Answers by address; nobody is where nothing was put.
#[derive(Default)]
pub(crate) struct StandIn {
    answers: Mutex<BTreeMap<String, Result<String, NoAnswer>>>,
    asked: Mutex<VecDeque<Asked>>,
}

impl StandIn {
    pub(crate) fn answer(&self, url: &str, body: &Value) {
        self.say(url, Ok(body.to_string()));
    }

    pub(crate) fn say(&self, url: &str, answer: Result<String, NoAnswer>) {
        self.answers.lock().unwrap().insert(url.to_owned(), answer);
    }

    /// Everything that was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().drain(..).collect()
    }
}

impl Outside for StandIn {
    fn ask<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Result<Vec<u8>, NoAnswer>> {
        let bytes = ask.body.unwrap_or_default();
        let headers = ask.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        self.asked.lock().unwrap().push_back(Asked { url: ask.url.to_owned(), body, headers, bytes });
        let nobody = || Err(NoAnswer::Unreachable("nobody there".to_owned()));
        let answer = self.answers.lock().unwrap().get(ask.url).cloned().unwrap_or_else(nobody);
        Box::pin(std::future::ready(answer.map(String::into_bytes)))
    }
}
